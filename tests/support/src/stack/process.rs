//! Starting and stopping processes that outlive the one that started them.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Say;

const STOP_POLLS_MAX: u32 = 150;
const POLL_EVERY: Duration = Duration::from_millis(100);

/// A process with a pid file.
pub struct Service<'s> {
    pub name: &'s str,
    pub pid_file: &'s Path,
    pub log_file: &'s Path,
}

impl Service<'_> {
    /// Starts the command in the background, unless it runs already. Answers whether it was started.
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
        std::fs::write(self.pid_file, child.id().to_string())?;
        Ok(true)
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the process ends or the time is over; the message has the end of its log.
    pub async fn wait_until<F: Future<Output = bool>>(
        &self,
        time_max: Duration,
        mut ready: impl FnMut() -> F,
    ) -> Result<()> {
        let polls = time_max.as_millis() / POLL_EVERY.as_millis();
        for _ in 0..polls {
            if ready().await {
                return Ok(());
            }
            if !alive(self.pid_file) {
                bail!("{} ended while it started:\n{}", self.name, self.log_end());
            }
            tokio::time::sleep(POLL_EVERY).await;
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

/// The process id that a file has in its first line.
pub(super) fn pid_of(pid_file: &Path) -> Option<u32> {
    std::fs::read_to_string(pid_file).ok()?.lines().next()?.trim().parse().ok()
}

/// A process that ended, but was not waited for by its parent, is not alive.
fn pid_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

/// Asks the process of a pid file to end, and after a while makes it end.
///
/// # Errors
/// When it cannot be signalled.
pub async fn stop_pid_file(pid_file: &Path, say: Say<'_>) -> Result<()> {
    let Some(pid) = pid_of(pid_file).filter(|pid| pid_alive(*pid)) else {
        std::fs::remove_file(pid_file).ok();
        return Ok(());
    };
    say(&format!("stopping {}", pid_file.file_stem().unwrap_or_default().to_string_lossy()));
    run(Command::new("kill").arg(pid.to_string()))?;
    for _ in 0..STOP_POLLS_MAX {
        if !pid_alive(pid) {
            std::fs::remove_file(pid_file).ok();
            return Ok(());
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    run(Command::new("kill").arg("-KILL").arg(pid.to_string()))?;
    std::fs::remove_file(pid_file).ok();
    Ok(())
}

/// Runs a command to its end.
///
/// # Errors
/// When it is missing or fails; the message has what it wrote.
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
