//! Starts Redis.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::Service;
use crate::{Say, Stack, http};

/// Starts Redis and waits until it answers.
///
/// # Errors
/// When Redis is not installed or does not start.
pub fn start(stack: &Stack, say: Say<'_>) -> Result<()> {
    let folder = stack.folder.join("redis");
    std::fs::create_dir_all(&folder)?;
    let (pid_file, log_file) = (stack.pid_file("redis"), stack.log_file("redis"));
    let service = Service { name: "Redis", pid_file: &pid_file, log_file: &log_file };
    if service.start(Command::new("redis-server").args(arguments(stack.ports.redis)).arg("--dir").arg(&folder))? {
        say("starting Redis");
    }
    service.wait_until(Duration::from_secs(20), || http::listens(stack.ports.redis))
}

/// The arguments of a Redis on a port of the loopback address.
pub fn arguments(port: u16) -> Vec<String> {
    let port = port.to_string();
    ["--port", &port, "--bind", "127.0.0.1", "--maxmemory-policy", "allkeys-lru", "--save", ""]
        .map(str::to_owned)
        .to_vec()
}
