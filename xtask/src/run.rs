//! `run`: starts the whole stack, then opens the app's window.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target};
use happening_stack::{Stack, run as run_command};

use crate::parallel::side_by_side;
use crate::{build, doctor, packages, services, ui};

const DISPLAY_SIZE: &str = "1280x800x24";
const SCREEN_STARTS: Duration = Duration::from_secs(1);
const PICTURE_AFTER: Duration = Duration::from_secs(6);

/// Runs the app until its window is closed. The services keep running.
///
/// # Errors
/// When something is missing or does not start.
pub(crate) fn run(ask: bool, virtual_display: bool, docker: bool) -> Result<()> {
    progress::begin(4);
    step("Looking at this machine");
    doctor::before_building()?;
    let services = services::choose(ask, docker)?;
    let mut groups = services.packages().to_vec();
    if cfg!(target_os = "linux") {
        groups.push(packages::SHELL);
        groups.extend(virtual_display.then_some(packages::VIRTUAL_DISPLAY));
    }
    let missing = packages::agree(ask, &groups)?; // only the app's build needs these packages
    step("Building screens, server and app, and installing and starting the services meanwhile");
    let (installed, waits) = mpsc::channel();
    side_by_side(vec![
        (
            "the services",
            Box::new({
                let services = &services;
                move || {
                    missing.install()?;
                    installed.send(()).ok(); // fails when the build has failed and no longer waits
                    services.start()
                }
            }),
        ),
        ("the programs", Box::new(move || build_all(&waits))),
    ])?;
    let stack = services.serve()?;
    let app = target().join("debug/happening");
    let server = format!("http://127.0.0.1:{}", stack.ports.backend);
    if virtual_display {
        return on_virtual_display(&stack, &app, &server);
    }
    if cfg!(target_os = "linux") && !has_display() {
        step("Everything runs, but no window can be shown: there is no display here");
        say("on a desktop, run this command again; from afar, connect with `ssh -X`");
        say("or see a picture of the window: cargo xtask run --virtual-display");
        tell_how_to_go_on(&stack);
        return Ok(());
    }
    step("Opening the app");
    tell_how_to_go_on(&stack);
    progress::quiet();
    let status =
        Command::new(&app).env("HAPPENING_SERVER_URL", &server).status().context("the app cannot be started")?;
    say("the services still run; stop them with: cargo xtask down");
    if !status.success() {
        bail!("the app ended with {status}");
    }
    Ok(())
}

/// Builds the screens; then, once the packages are installed that the app links with, server and app.
fn build_all(installed: &mpsc::Receiver<()>) -> Result<()> {
    ui::bundle_quietly(ui::Profile::Quick)?;
    if installed.recv().is_err() {
        return Ok(()); // the packages could not be installed; the other job reports that failure
    }
    build::cargo(&build::SERVER_AND_APP)
}

/// Tells how to sign in, and where everything listens.
fn tell_how_to_go_on(stack: &Stack) {
    say("sign in as ada (an admin), grace (an organizer) or barbara (a member); the password is the name");
    services::tell_addresses(stack);
    say("stop everything: cargo xtask down");
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Opens the window under Xvfb, saves a picture of it, and closes it.
fn on_virtual_display(stack: &Stack, app: &Path, server: &str) -> Result<()> {
    step("Opening the app on a virtual display");
    let display = format!(":{}", 90 + stack.ports.backend % 900);
    let mut screen = Command::new("Xvfb")
        .args([&display, "-screen", "0", DISPLAY_SIZE, "-nolisten", "tcp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("Xvfb cannot be started")?;
    let picture = target().join("app.png");
    let taken = take_picture(&display, app, server, &picture);
    screen.kill().ok();
    screen.wait().ok();
    taken?;
    say(&format!("the window's picture: {}", picture.strip_prefix(root()).unwrap_or(&picture).display()));
    tell_how_to_go_on(stack);
    Ok(())
}

fn take_picture(display: &str, app: &Path, server: &str, picture: &Path) -> Result<()> {
    std::thread::sleep(SCREEN_STARTS);
    let log = std::fs::File::create(target().join("app.log"))?;
    let mut window = Command::new("dbus-run-session")
        .args(["--"])
        .arg(app)
        .env("DISPLAY", display)
        .env("HAPPENING_SERVER_URL", server)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("dbus-run-session cannot be started")?;
    std::thread::sleep(PICTURE_AFTER);
    let ended = window.try_wait()?;
    let import = Command::new("import").args(["-display", display, "-window", "root"]).arg(picture).status();
    // end the bus and the app first, since they would outlive the process that started them
    run_command(Command::new("pkill").args(["-KILL", "-P", &window.id().to_string()])).ok();
    window.kill().ok();
    window.wait().ok();
    if let Some(status) = ended {
        bail!("the app ended at once with {status}");
    }
    if !import.context("ImageMagick's import cannot be started")?.success() {
        bail!("no picture could be taken");
    }
    Ok(())
}
