//! Starts, kills, freezes and stops the servers and the worker of a test's world.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{World, wait_for};

/// A running server process.
pub(super) struct Process {
    child: Child,
    command: fn(&World) -> Command,
    port: u16,
    name: String,
}

impl World {
    fn spawn(&self, name: &str, port: u16, command: fn(&Self) -> Command) -> Result<Process> {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join(format!("{name}.log")))?;
        let child = command(self)
            .env("PORT", port.to_string())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Process { child, command, port, name: name.to_owned() })
    }

    /// Starts the worker of a world that was started without one.
    ///
    /// # Errors
    /// When the worker cannot be started.
    pub fn start_worker(&mut self) -> Result<()> {
        self.worker = Some(self.spawn("worker", 0, |world| world.command(&["worker"]))?);
        Ok(())
    }

    /// Sends SIGTERM to the worker.
    ///
    /// # Errors
    /// When the world has no worker.
    pub fn ask_worker_to_stop(&self) -> Result<()> {
        let worker = self.worker.as_ref().context("no worker")?;
        happening_stack::run(Command::new("kill").arg(worker.child.id().to_string())).map(drop)
    }

    /// Waits for the worker's end. Answers whether its exit status was success.
    ///
    /// # Errors
    /// When the worker does not end within 20 s.
    pub async fn worker_ended_well(&mut self) -> Result<bool> {
        let mut worker = self.worker.take().context("no worker")?;
        let mut ended = None;
        wait_for("the worker's end", Duration::from_secs(20), || {
            ended = worker.child.try_wait().ok().flatten();
            let over = ended.is_some();
            async move { Ok(over.then_some(())) }
        })
        .await?;
        Ok(ended.is_some_and(|status| status.success()))
    }

    /// The text of the worker's log.
    ///
    /// # Errors
    /// When the world has no worker.
    pub fn worker_log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.join("worker.log"))?)
    }

    pub(super) fn add_backend(&mut self) -> Result<()> {
        let port = happening_stack::ports::free_port()?;
        let name = format!("backend{}", self.backends.len());
        let process = self.spawn(&name, port, |world| world.command(&["serve"]))?;
        self.backends.push(process);
        Ok(())
    }

    pub(super) async fn wait_until_ready(&self) -> Result<()> {
        for at in 0..self.backends.len() {
            self.wait_for_backend(at).await?;
        }
        Ok(())
    }

    /// Waits until a server answers.
    ///
    /// # Errors
    /// When the server does not answer within 20 s.
    pub async fn wait_for_backend(&self, at: usize) -> Result<()> {
        let url = format!("{}/health/live", self.base(at));
        wait_for("a server", Duration::from_secs(20), || async {
            Ok(reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await
    }

    /// Address of a server.
    pub fn base(&self, at: usize) -> String {
        format!("http://127.0.0.1:{}", self.backends[at].port)
    }

    /// How many servers there are.
    pub fn backends(&self) -> usize {
        self.backends.len()
    }

    /// Kills a server with SIGKILL, as in a crash.
    ///
    /// # Errors
    /// When the server has ended already.
    pub fn kill_backend(&mut self, at: usize) -> Result<()> {
        self.backends[at].child.kill()?;
        self.backends[at].child.wait()?;
        Ok(())
    }

    /// Freezes a server: connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When the server has ended already.
    pub fn freeze_backend(&self, at: usize) -> Result<()> {
        self.signal_backend(at, "-STOP")
    }

    /// Lets a frozen server continue.
    ///
    /// # Errors
    /// When the server has ended already.
    pub fn thaw_backend(&self, at: usize) -> Result<()> {
        self.signal_backend(at, "-CONT")
    }

    fn signal_backend(&self, at: usize, signal: &str) -> Result<()> {
        happening_stack::run(Command::new("kill").args([signal, &self.backends[at].child.id().to_string()])).map(drop)
    }

    /// Sends SIGTERM to a server and waits for its end. Answers whether its exit status was success.
    ///
    /// # Errors
    /// When the server has ended already.
    pub fn stop_backend(&mut self, at: usize) -> Result<bool> {
        let child = &mut self.backends[at].child;
        happening_stack::run(Command::new("kill").arg(child.id().to_string()))?;
        Ok(child.wait()?.success())
    }

    /// Starts a server again that was killed or stopped, on the same port.
    ///
    /// # Errors
    /// When the server does not start.
    pub async fn start_backend(&mut self, at: usize) -> Result<()> {
        let (port, command, name) = (self.backends[at].port, self.backends[at].command, self.backends[at].name.clone());
        self.backends[at] = self.spawn(&name, port, command)?;
        self.wait_for_backend(at).await
    }

    pub(super) fn end_processes(&mut self) {
        for process in self.backends.iter_mut().chain(self.worker.as_mut()) {
            process.child.kill().ok();
            process.child.wait().ok();
        }
    }
}
