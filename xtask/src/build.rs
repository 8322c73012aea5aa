//! Building with cargo: its output is passed on line by line, so that a long silence is noticed.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use happening_stack::progress;
use happening_stack::project::root;

/// The server, and the program that signs demo people in.
///
/// Each build names the whole workspace and picks programs of it: cargo unites the features of dependencies over the packages
/// that are named, so all builds share what was compiled, and no dependency is compiled twice.
pub(crate) const SERVER: [&str; 6] = ["build", "--workspace", "--bin", "happening-backend", "--bin", "token"];
pub(crate) const SCREENS: [&str; 4] = ["build", "--workspace", "--bin", "bundle-screens"];
/// The app's window. It packs `ui/dist`, so that must be there.
pub(crate) const APP: [&str; 4] = ["build", "--workspace", "--bin", "happening"];
/// Server and app. In one call, so that the app's many small dependencies are compiled beside the server, which is one large crate.
pub(crate) const SERVER_AND_APP: [&str; 8] =
    ["build", "--workspace", "--bin", "happening-backend", "--bin", "token", "--bin", "happening"];
/// What drives app and server for benchmarks and pictures.
pub(crate) const TOOLS: [&str; 4] = ["build", "--workspace", "--bin", "happening-tools"];

/// Process ids of the commands that run; none once all were ended.
static RUNNING: Mutex<Option<Vec<u32>>> = Mutex::new(Some(Vec::new()));

/// Runs cargo with these arguments, showing what it says.
///
/// # Errors
/// When it fails.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    cargo_with(arguments, &[])
}

/// As [`cargo`], with more in the environment.
///
/// # Errors
/// When it fails.
pub(crate) fn cargo_with(arguments: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // set for this program by `cargo run`; passed on, they would make cargo rebuild the other packages
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    // queries are checked against `.sqlx`, not against whatever database the environment names
    command.env_remove("DATABASE_URL");
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.args(arguments).envs(env.iter().copied()).current_dir(root());
    if !shown(&mut command)? {
        bail!("cargo {} failed; the lines above say why", arguments.join(" "));
    }
    Ok(())
}

/// Runs a command, passing its output on line by line. Answers whether it succeeded.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn shown(command: &mut Command) -> Result<bool> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = running.as_mut() else { bail!("{name} is not started, since something else has failed") };
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        running.push(child.id());
        child
    };
    let (out, err) = (child.stdout.take().context("a pipe")?, child.stderr.take().context("a pipe")?);
    std::thread::scope(|scope| {
        scope.spawn(|| pass_on(out, std::io::stdout()));
        pass_on(err, std::io::stderr());
    });
    let ended = child.wait()?;
    if let Some(running) = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        running.retain(|id| *id != child.id());
    }
    Ok(ended.success())
}

/// Ends the commands that run, and starts no more.
pub(crate) fn end_all() {
    for id in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take().into_iter().flatten() {
        Command::new("kill").arg(id.to_string()).status().ok(); // it can end by itself at this moment
    }
}

fn pass_on(from: impl Read, mut to: impl Write) {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    // output that cannot be shown ends nothing
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        to.write_all(&line).and_then(|()| to.flush()).ok();
        progress::spoke();
        line.clear();
    }
}
