//! Starts and stops processes that outlive the process that started them.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Say;

/// The environment variable that tells tests where their stack is.
pub const TEST_STACK: &str = "HAPPENING_TEST_STACK";
/// The file in the stack's folder with the names of tests in which the web engine failed, a line each.
pub const ENGINE_FAULTS: &str = "engine-faults";
const STOP_POLLS_MAX: u32 = 150;
const POLL_EVERY: Duration = Duration::from_millis(100);

/// A process with a pid file.
pub struct Service<'s> {
    pub name: &'s str,
    pub pid_file: &'s Path,
    pub log_file: &'s Path,
}

impl Service<'_> {
    /// Starts the command in the background, unless the service runs already. Answers whether the command was started.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn start(&self, command: &mut Command) -> Result<bool> {
        if alive(self.pid_file) {
            return Ok(false);
        }
        let log = File::create(self.log_file).with_context(|| format!("cannot write {}", self.log_file.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}: is {:?} installed?", self.name, command.get_program()))?;
        let id = child.id();
        std::fs::write(self.pid_file, format!("{id}\n{}\n", started(id).unwrap_or_default()))?;
        Ok(true)
    }

    /// Waits until `ready` returns true.
    ///
    /// # Errors
    /// When the process ends or `time_max` passes; the message has the end of its log.
    pub fn wait_until(&self, time_max: Duration, ready: impl Fn() -> bool) -> Result<()> {
        let polls = time_max.as_millis() / POLL_EVERY.as_millis();
        for _ in 0..polls {
            if ready() {
                return Ok(());
            }
            if !alive(self.pid_file) {
                bail!("{} ended while it started:\n{}", self.name, self.log_end());
            }
            std::thread::sleep(POLL_EVERY);
        }
        bail!("{} did not answer within {} s:\n{}", self.name, time_max.as_secs(), self.log_end());
    }

    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(self.log_file).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// Whether the process of a pid file runs.
pub fn alive(pid_file: &Path) -> bool {
    pid_of(pid_file).is_some_and(pid_alive)
}

/// The process id in a file's first line. If the second line has the time at which the process started, the process
/// must have started then: after a reboot, another process may have the same id.
pub fn pid_of(pid_file: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(pid_file).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let noted: Option<u64> = lines.next().and_then(|line| line.trim().parse().ok());
    (noted.is_none() || noted == started(pid)).then_some(pid)
}

/// When a process started, in clock ticks since the machine did (proc(5), field 22 of `stat`).
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name, in brackets, can contain spaces; the first word after it is the third field, the state
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether a process runs. A zombie, which has ended while its parent has not waited for it, counts as ended.
fn pid_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Sends SIGTERM to the process of a pid file, and SIGKILL if it has not ended after a while.
///
/// # Errors
/// When the process cannot be signalled.
pub fn stop_pid_file(pid_file: &Path, say: Say<'_>) -> Result<()> {
    let Some(pid) = pid_of(pid_file).filter(|pid| pid_alive(*pid)) else {
        std::fs::remove_file(pid_file).ok();
        return Ok(());
    };
    say(&format!("stopping {}", pid_file.file_stem().unwrap_or_default().to_string_lossy()));
    end(&[pid]);
    std::fs::remove_file(pid_file).ok();
    Ok(())
}

/// Sends SIGTERM to processes, and SIGKILL to those that have not ended after a while.
fn end(pids: &[u32]) {
    let kill = |signal: &str| {
        for pid in pids.iter().filter(|pid| pid_alive(**pid)) {
            // fails when the process has just ended by itself
            run(Command::new("kill").args([signal, &pid.to_string()])).ok();
        }
    };
    kill("-TERM");
    for _ in 0..STOP_POLLS_MAX {
        if !pids.iter().any(|pid| pid_alive(*pid)) {
            return;
        }
        std::thread::sleep(POLL_EVERY);
    }
    kill("-KILL");
}

/// Ends the processes that an aborted test run left: every process with the folder in its [`TEST_STACK`], and every
/// Redis that runs inside the folder, because Redis overwrites its environment.
///
/// # Errors
/// When the system's processes cannot be listed.
pub fn stop_tests(stack_folder: &Path, say: Say<'_>) -> Result<()> {
    let mark = format!("{TEST_STACK}={}", stack_folder.display()).into_bytes();
    let kept = ancestors();
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").context("cannot list processes")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // a process that has just ended has no environment
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let marked = environment.split(|byte| *byte == 0).any(|variable| variable == mark);
        if (marked || is_redis_in(pid, stack_folder)) && !kept.contains(&pid) {
            left.push(pid);
        }
    }
    if !left.is_empty() {
        say(&format!("ending {} processes that tests left", left.len()));
        end(&left);
    }
    Ok(())
}

fn is_redis_in(pid: u32, folder: &Path) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    // the stack's own Redis is stopped by its pid file instead
    let inside = std::fs::read_link(format!("/proc/{pid}/cwd"))
        .is_ok_and(|cwd| cwd.starts_with(folder) && cwd != folder.join("redis"));
    name.trim() == "redis-server" && inside
}

/// The ids of this process, its parent, and so on upwards.
fn ancestors() -> Vec<u32> {
    let parent = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok().filter(|parent| *parent != 0)
    };
    std::iter::successors(Some(std::process::id()), parent).collect()
}

/// Runs a command, waits for its end and returns its standard output.
///
/// # Errors
/// When the program is missing or fails; the message has its output.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}: is it installed?"))?;
    if !output.status.success() {
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("{name} failed: {}", said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
