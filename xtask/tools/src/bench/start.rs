//! `bench start`: measures the time from starting the app to a usable screen, and its memory, against the first frame
//! of the web engine's own bare browser window with the same files.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use happening_stack::ports::free_port;
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target};
use happening_stack::run as run_command;
use happening_tests::desktop::Desktop;
use happening_tests::world::{answers, wait_for};
use serde_json::json;

use super::{median, report_as};

/// True when the app is usable: it found that no person is signed in, and shows the sign-in button.
const APP_THERE: &str = "return !!document.querySelector('#sign-in')";

/// True when the bare window shows its first frame. It has no shell, so it never learns whether a person is signed in.
const BARE_THERE: &str = "return !!document.querySelector('.app, .welcome')";

/// A file server that is killed when dropped.
struct Files(Child);

impl Drop for Files {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Runs the benchmark.
///
/// # Errors
/// When a program does not start.
pub(super) async fn run(pairs: u32) -> Result<()> {
    let port = free_port()?;
    let served = Command::new("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string(), "--directory"])
        .arg(root().join("ui/dist"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _files = Files(served);
    let url = format!("http://127.0.0.1:{port}/index.html");
    wait_for("the files", Duration::from_secs(10), || async { Ok(answers(&url).await.then_some(())) }).await?;
    let (app, bare) = (target().join("release/happening"), mini_browser()?);
    let mut measured = Vec::new();
    step(&format!("{pairs} pairs"));
    for pair in 1..=pairs {
        let ours = once(&app, &[], None, APP_THERE).await?;
        let theirs = once(&bare, &["--automation"], Some(&url), BARE_THERE).await?;
        say(&format!(
            "pair {pair}: app {:.0} ms and {:.0} MB, bare window {:.0} ms and {:.0} MB",
            ours.0, ours.1, theirs.0, theirs.1
        ));
        measured.push((ours, theirs));
    }
    let time = median(measured.iter().map(|(ours, theirs)| ours.0 / theirs.0));
    let memory = median(measured.iter().map(|(ours, theirs)| ours.1 / theirs.1));
    println!("median ratio: {time:.2} in time, {memory:.2} in memory");
    report_as("start", &json!({ "time_ratio": time, "memory_ratio": memory, "pairs": measured }))
}

/// Milliseconds until the screen is there, and the megabytes of memory that all processes use then (proportional set
/// size).
async fn once(program: &std::path::Path, arguments: &[&str], url: Option<&str>, there: &str) -> Result<(f64, f64)> {
    let folder = target().join("bench-desktop");
    let mut desktop = Desktop::at(&folder, program, "http://127.0.0.1:9", false).await?;
    let started = Instant::now();
    desktop.start_with(arguments).await?;
    if let Some(url) = url {
        desktop.open(url).await?;
    }
    wait_for("the screen", Duration::from_secs(60), || async {
        Ok((desktop.script(there).await? == true).then_some(()))
    })
    .await?;
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok((elapsed_ms, desktop.memory_mb()?))
}

/// The path of the web engine's own browser: a window around a webview, and nothing else.
fn mini_browser() -> Result<PathBuf> {
    let found = run_command(Command::new("sh").args([
        "-c",
        "ls /usr/lib/*/webkit2gtk-4.1/MiniBrowser /usr/libexec/webkit2gtk-4.1/MiniBrowser 2>/dev/null | head -1",
    ]))?;
    let path = found.trim();
    (!path.is_empty()).then(|| PathBuf::from(path)).context("WebKitGTK's MiniBrowser is not there")
}
