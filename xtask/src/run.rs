//! `run`: the whole stack, then the app's window.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use happening_tests::stack::Stack;

use crate::{build, packages, root, say, services, step, ui};

const DISPLAY_SIZE: &str = "1280x800x24";
const PICTURE_AFTER: Duration = Duration::from_secs(6);

/// Runs the app until its window is closed; services go on.
///
/// # Errors
/// When something is missing or does not start.
pub(crate) async fn run(ask: bool, virtual_display: bool, docker: bool) -> Result<()> {
    if virtual_display {
        packages::ensure(ask, &[packages::SHELL, packages::VIRTUAL_DISPLAY])?;
    } else if cfg!(target_os = "linux") {
        packages::ensure(ask, &[packages::SHELL])?;
    }
    let stack = services::up(ask, docker).await?;
    ui::bundle()?;
    step("Building the app");
    build::cargo(&["build", "--package", "happening"])?;
    let app = build::target().join("debug/happening");
    let server = format!("http://127.0.0.1:{}", stack.ports.backend);
    if virtual_display {
        return on_virtual_display(&stack, &app, &server).await;
    }
    if cfg!(target_os = "linux") && !has_display() {
        step("Everything runs, but no window can be shown: there is no display here");
        say("on a desktop, run this command again; from afar, connect with `ssh -X`");
        say("or see a picture of the window: cargo xtask run --virtual-display");
        say("stop everything: cargo xtask down");
        return Ok(());
    }
    step("Opening the app (sign in as ada, password ada)");
    let status =
        Command::new(&app).env("HAPPENING_SERVER_URL", &server).status().context("the app cannot be started")?;
    say("the services still run; stop them with: cargo xtask down");
    if !status.success() {
        bail!("the app ended with {status}");
    }
    Ok(())
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Shows the window under Xvfb, saves a picture of it, and closes it.
async fn on_virtual_display(stack: &Stack, app: &Path, server: &str) -> Result<()> {
    let display = format!(":{}", 90 + stack.ports.backend % 900);
    let mut screen = Command::new("Xvfb")
        .args([&display, "-screen", "0", DISPLAY_SIZE, "-nolisten", "tcp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("Xvfb cannot be started")?;
    let picture = build::target().join("app.png");
    let taken = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let log = std::fs::File::create(build::target().join("app.log"))?;
        let mut window = Command::new("dbus-run-session")
            .args(["--"])
            .arg(app)
            .env("DISPLAY", &display)
            .env("HAPPENING_SERVER_URL", server)
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("dbus-run-session cannot be started")?;
        tokio::time::sleep(PICTURE_AFTER).await;
        let ended = window.try_wait()?;
        let import = Command::new("import").args(["-display", &display, "-window", "root"]).arg(&picture).status();
        // the bus and the app first: they would outlive the one that started them
        happening_tests::stack::run(Command::new("pkill").args(["-KILL", "-P", &window.id().to_string()])).ok();
        window.kill().ok();
        window.wait().ok();
        if let Some(status) = ended {
            bail!("the app ended at once with {status}");
        }
        if !import.context("ImageMagick's import cannot be started")?.success() {
            bail!("no picture could be taken");
        }
        Ok(())
    };
    let result = taken.await;
    screen.kill().ok();
    screen.wait().ok();
    result?;
    step(&format!("The window's picture: {}", picture.strip_prefix(root()).unwrap_or(&picture).display()));
    say("stop everything: cargo xtask down");
    Ok(())
}
