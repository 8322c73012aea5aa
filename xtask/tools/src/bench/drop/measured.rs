//! The server that is measured, and the crowd that posts requests to it.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use happening_stack::progress::say;
use happening_stack::project::target;
use happening_stack::run as run_command;
use happening_tests::World;
use serde_json::Value;

use super::cpu::Cpu;

pub(super) const CONNECTIONS: u32 = 256;

/// A server process that is killed when dropped.
pub(in crate::bench) struct Server {
    process: Child,
    pub(super) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The result of a crowd's requests.
pub(in crate::bench) struct Seen {
    pub(in crate::bench) done: i64,
    pub(in crate::bench) per_s: f64,
    /// Whether every request was answered 200 or 201.
    pub(in crate::bench) all: bool,
    /// Processor microseconds per request, by part.
    pub(super) cpu: Value,
}

impl Server {
    /// Starts a server, which has no state in memory yet.
    ///
    /// # Errors
    /// When the server does not start.
    pub(super) async fn start(world: &World, env: &[(&str, &str)]) -> Result<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = world.command(&["serve"]);
        command.env("PORT", port.to_string()).env("LOG", "warn").envs(env.iter().copied());
        // the log explains why a request was refused
        let log = std::fs::File::options().create(true).append(true).open(world.stack.log_file("measured-server"))?;
        let server = Self { process: command.stdout(Stdio::null()).stderr(log).spawn()?, port };
        let url = format!("http://127.0.0.1:{port}/health/ready");
        happening_tests::world::wait_for("the measured server", Duration::from_secs(20), || async {
            Ok(happening_tests::world::answers(&url).await.then_some(()))
        })
        .await?;
        Ok(server)
    }

    /// Lets a crowd post these requests (path, token, body). Each is posted once if `seconds` is 0, else all are
    /// repeated for so many seconds.
    ///
    /// # Errors
    /// When the crowd does not end.
    pub(in crate::bench) fn crowd(
        &self,
        world: &World,
        requests: impl IntoIterator<Item = (String, String, String)>,
        seconds: u32,
    ) -> Result<Seen> {
        self.crowd_of(CONNECTIONS, world, requests, seconds)
    }

    /// Like [`Self::crowd`], with a given number of connections.
    ///
    /// # Errors
    /// When the crowd does not end.
    pub(in crate::bench) fn crowd_of(
        &self,
        connections: u32,
        world: &World,
        requests: impl IntoIterator<Item = (String, String, String)>,
        seconds: u32,
    ) -> Result<Seen> {
        let mut lines = String::new();
        for (path, token, body) in requests {
            writeln!(lines, "{path} {token} {body}")?;
        }
        let file = world.stack.folder.join("requests");
        std::fs::write(&file, lines)?;
        let before = Cpu::now(&world.stack, Some(self.process.id()))?;
        let output = run_command(
            Command::new(target().join("release/drop-load"))
                .args([self.port.to_string(), connections.to_string(), seconds.to_string()])
                .arg(file),
        )?;
        let after = Cpu::now(&world.stack, Some(self.process.id()))?;
        let seen: Value = serde_json::from_str(output.trim())?;
        let done = seen["done"].as_i64().unwrap_or_default();
        let all = seen["other"] == 0 && seen["broken"] == 0;
        if !all {
            say(&format!("not every request was answered 200 or 201: {seen}"));
        }
        ensure!(all || done > 0, "nothing was done, see target/bench-stack/measured-server.log: {seen}");
        Ok(Seen { done, per_s: seen["per_s"].as_f64().context("no rate")?, all, cpu: after.since(before, done) })
    }

    /// Stops the server gracefully, so that its last transactions end before the next measurement starts.
    ///
    /// # Errors
    /// When the server cannot be signalled.
    pub(in crate::bench) fn stop(mut self) -> Result<()> {
        run_command(Command::new("kill").arg(self.process.id().to_string()))?;
        self.process.wait()?;
        Ok(())
    }
}
