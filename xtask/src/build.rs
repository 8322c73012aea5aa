//! Runs cargo and passes its output on line by line, so that the person sees progress.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use happening_stack::progress;
use happening_stack::project::root;

/// Builds the server, and the program that signs demo people in.
///
/// Each build names the whole workspace and picks programs from it. Cargo unites the features of dependencies over the
/// packages that are named, so all builds share what was compiled, and no dependency is compiled twice.
pub(crate) const SERVER: [&str; 6] = ["build", "--workspace", "--bin", "happening-backend", "--bin", "token"];
pub(crate) const SCREENS: [&str; 4] = ["build", "--workspace", "--bin", "bundle-screens"];
/// Builds the app's window. `ui/dist` must exist, because the build embeds it.
pub(crate) const APP: [&str; 4] = ["build", "--workspace", "--bin", "happening"];
/// Builds server and app in one call, so that the app's many small dependencies are compiled while the server, one
/// large crate, is.
pub(crate) const SERVER_AND_APP: [&str; 8] =
    ["build", "--workspace", "--bin", "happening-backend", "--bin", "token", "--bin", "happening"];
/// Builds the tools that drive app and server for benchmarks and pictures.
pub(crate) const TOOLS: [&str; 4] = ["build", "--workspace", "--bin", "happening-tools"];

/// Process ids of the running commands; `None` after [`end_all`], when no more may start.
static RUNNING: Mutex<Option<Vec<u32>>> = Mutex::new(Some(Vec::new()));

/// Runs cargo with these arguments and shows its output.
///
/// # Errors
/// When cargo fails.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    cargo_with(arguments, &[])
}

/// Like [`cargo`], with additional environment variables.
///
/// # Errors
/// When cargo fails.
pub(crate) fn cargo_with(arguments: &[&str], env: &[(&str, &str)]) -> Result<()> {
    if !shown(&mut cargo_command(arguments, env))? {
        bail!("cargo {} failed; the lines above say why", arguments.join(" "));
    }
    Ok(())
}

/// Like [`cargo_with`], for a command that runs tests. Answers the names of the tests that failed.
///
/// # Errors
/// When cargo fails and no test did.
pub(crate) fn cargo_tests(arguments: &[&str], env: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut failed = Vec::new();
    let passed = shown_and_seen(&mut cargo_command(arguments, env), |line| {
        let name = line.trim().strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        failed.extend(name.map(str::to_owned));
    })?;
    if !passed && failed.is_empty() {
        bail!("cargo {} failed; the lines above say why", arguments.join(" "));
    }
    Ok(failed)
}

fn cargo_command(arguments: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `cargo run` set these variables for this program; passed on, they would make cargo rebuild the other packages
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    // so that queries are checked against `.sqlx`, not against a database that the environment happens to name
    command.env_remove("DATABASE_URL");
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.args(arguments).envs(env.iter().copied()).current_dir(root());
    command
}

/// Runs a command and passes its output on line by line. Answers whether the command succeeded.
///
/// # Errors
/// When the command cannot be started.
pub(crate) fn shown(command: &mut Command) -> Result<bool> {
    shown_and_seen(command, |_| {})
}

/// Like [`shown`]; `see` gets each line of the standard output, too.
fn shown_and_seen(command: &mut Command, see: impl FnMut(&str) + Send) -> Result<bool> {
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
        scope.spawn(|| pass_on(out, std::io::stdout(), see));
        pass_on(err, std::io::stderr(), |_| {});
    });
    let ended = child.wait()?;
    if let Some(running) = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        running.retain(|id| *id != child.id());
    }
    Ok(ended.success())
}

/// Ends the running commands and prevents new ones from starting.
pub(crate) fn end_all() {
    for id in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take().into_iter().flatten() {
        Command::new("kill").arg(id.to_string()).status().ok(); // fails when the command has just ended by itself
    }
}

fn pass_on(from: impl Read, mut to: impl Write, mut see: impl FnMut(&str)) {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    // a failure to write is ignored, so that the command continues
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        to.write_all(&line).and_then(|()| to.flush()).ok();
        see(&String::from_utf8_lossy(&line));
        progress::spoke();
        line.clear();
    }
}
