//! Services that only one test uses, because it stops or freezes them.

mod redis;

use std::process::Command;

use anyhow::{Context, Result};

use happening_stack::ports::free_port;
use happening_stack::{Say, Stack, alive, postgres, quiet, rabbitmq, run};

pub use redis::OwnRedis;

/// A stack whose Postgres belongs to one test; stopped when dropped.
pub struct OwnPostgres {
    pub stack: Stack,
}

/// A stack whose RabbitMQ belongs to one test; stopped when dropped.
pub struct OwnRabbitMq {
    pub stack: Stack,
}

impl OwnPostgres {
    /// Starts a new Postgres; the other services are those of the stack `of`.
    ///
    /// # Errors
    /// When the service does not start.
    pub async fn start(of: &Stack, name: &str) -> Result<Self> {
        let mut stack = of.clone();
        stack.folder = own_folder(of, name)?;
        stack.ports.postgres = free_port()?;
        beside(&stack, postgres::start).await?;
        Ok(Self { stack })
    }

    /// Stops Postgres as an operator does: it ends sessions and refuses new ones.
    ///
    /// # Errors
    /// When Postgres does not stop.
    pub async fn stop(&self) -> Result<()> {
        beside(&self.stack, postgres::stop).await
    }

    /// Starts Postgres again with the same data.
    ///
    /// # Errors
    /// When the service does not start.
    pub async fn start_again(&self) -> Result<()> {
        beside(&self.stack, postgres::start).await
    }

    /// Freezes all processes of Postgres: connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When the service does not run.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets the frozen processes continue.
    ///
    /// # Errors
    /// When the service does not run.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let server = postgres::pid(&self.stack)?.context("Postgres does not run")?.to_string();
        // freeze the parent first, so that it does not react to children that do not answer
        run(Command::new("kill").args([signal, &server]))?;
        run(Command::new("pkill").args([signal, "-P", &server])).map(drop)
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.thaw().ok();
        postgres::stop_at_once(&self.stack).ok();
        std::fs::remove_dir_all(&self.stack.folder).ok();
    }
}

impl OwnRabbitMq {
    /// Starts a new RabbitMQ; the other services are those of the stack `of`.
    ///
    /// # Errors
    /// When the service does not start.
    pub async fn start(of: &Stack, name: &str) -> Result<Self> {
        let mut stack = of.clone();
        stack.folder = own_folder(of, name)?;
        let ports = &mut stack.ports;
        for port in [
            &mut ports.rabbitmq,
            &mut ports.rabbitmq_management,
            &mut ports.rabbitmq_distribution,
            &mut ports.rabbitmq_names,
        ] {
            *port = free_port()?;
        }
        let own = Self { stack };
        beside(&own.stack, rabbitmq::start).await?;
        Ok(own)
    }

    /// Kills RabbitMQ, as in a crash.
    ///
    /// # Errors
    /// When the service does not run.
    pub fn kill(&self) -> Result<()> {
        let file = self.stack.folder.join("rabbitmq/pid");
        let pid = std::fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        run(Command::new("kill").args(["-KILL", pid.trim()]))?;
        while alive(&file) {
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Starts RabbitMQ again with the same queues.
    ///
    /// # Errors
    /// When the service does not start.
    pub async fn start_again(&self) -> Result<()> {
        beside(&self.stack, rabbitmq::start).await
    }
}

impl Drop for OwnRabbitMq {
    fn drop(&mut self) {
        self.kill().ok();
        rabbitmq::stop_names(&self.stack);
        std::fs::remove_dir_all(&self.stack.folder).ok();
    }
}

fn own_folder(of: &Stack, name: &str) -> Result<std::path::PathBuf> {
    let folder = of.folder.join(name);
    // a crashed run may have left files
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Starts or stops a service on another thread, so that the test's own tasks continue meanwhile.
async fn beside(stack: &Stack, work: fn(&Stack, Say<'_>) -> Result<()>) -> Result<()> {
    let stack = stack.clone();
    tokio::task::spawn_blocking(move || work(&stack, &quiet)).await?
}
