//! Starts and stops a RabbitMQ with its own node name, ports and name server (epmd).

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::http;
use crate::process::{Service, run, stop_pid_file};
use crate::{Say, Stack};

/// The credentials `guest:guest` for HTTP basic authentication.
const GUEST: &str = "Basic Z3Vlc3Q6Z3Vlc3Q=";
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

fn environment(stack: &Stack, command: &mut Command) {
    let folder = stack.folder.join("rabbitmq");
    command
        .env("HOME", &folder)
        .env("RABBITMQ_NODENAME", format!("happening{}@localhost", stack.ports.rabbitmq))
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("ERL_EPMD_PORT", stack.ports.rabbitmq_names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // lets idle schedulers sleep at once: by default they spin first, and take processor time from the other
        // services
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", format!("+sbwt none +sbwtdcpu none +sbwtdio none {DISTRIBUTION}"))
        .env("RABBITMQ_DIST_PORT", stack.ports.rabbitmq_distribution.to_string())
        .current_dir(&folder);
}

/// Restricts Erlang's distribution port to the loopback address, because a peer that knows the cookie can run any code
/// through it.
const DISTRIBUTION: &str = "-kernel inet_dist_use_interface {127,0,0,1}";

/// Starts RabbitMQ with its management API.
///
/// # Errors
/// When RabbitMQ is not installed or does not start.
pub fn start(stack: &Stack, say: Say<'_>) -> Result<()> {
    let folder = stack.folder.join("rabbitmq");
    std::fs::create_dir_all(&folder)?;
    let ports = &stack.ports;
    std::fs::write(
        folder.join("rabbitmq.conf"),
        format!(
            "listeners.tcp.1 = 127.0.0.1:{}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {}\n",
            ports.rabbitmq, ports.rabbitmq_management
        ),
    )?;
    std::fs::write(folder.join("enabled_plugins"), "[rabbitmq_management].\n")?;
    let (pid_file, log_file) = (stack.pid_file("rabbitmq"), stack.log_file("rabbitmq"));
    let service = Service { name: "RabbitMQ", pid_file: &pid_file, log_file: &log_file };
    let mut command = Command::new(SERVER);
    environment(stack, &mut command);
    if service.start(&mut command)? {
        say("starting RabbitMQ");
    }
    let url = format!("http://127.0.0.1:{}/api/overview", ports.rabbitmq_management);
    let amqp = ports.rabbitmq;
    service.wait_until(Duration::from_secs(90), || http::answers_to(&url, GUEST) && http::listens(amqp))
}

/// Stops the node and its name server.
///
/// # Errors
/// When the node cannot be signalled.
pub fn stop(stack: &Stack, say: Say<'_>) -> Result<()> {
    stop_pid_file(&stack.pid_file("rabbitmq"), say)?;
    stop_names(stack);
    Ok(())
}

/// Stops the name server.
pub fn stop_names(stack: &Stack) {
    let mut names = Command::new("epmd");
    names.args(["-port", &stack.ports.rabbitmq_names.to_string(), "-kill"]);
    run(&mut names).ok(); // fails when the node, and so the name server, never ran
}
