//! RabbitMQ, with a node name, ports and a name server (epmd) of its own.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::process::{Service, run, stop_pid_file};
use super::{Say, Stack};

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
        // idle schedulers sleep at once: by default they spin first, on processors that the other services need
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
        .env("RABBITMQ_DIST_PORT", stack.ports.rabbitmq_distribution.to_string())
        .current_dir(&folder);
}

/// Starts it with its management API.
pub(super) async fn start(stack: &Stack, say: Say<'_>) -> Result<()> {
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
    let client = reqwest::Client::new();
    let amqp = ports.rabbitmq;
    service
        .wait_until(Duration::from_secs(90), || {
            let request = client.get(&url).basic_auth("guest", Some("guest")).send();
            async move {
                request.await.is_ok_and(|answer| answer.status().is_success())
                    && tokio::net::TcpStream::connect(("127.0.0.1", amqp)).await.is_ok()
            }
        })
        .await
}

/// Stops the node and its name server.
pub(super) async fn stop(stack: &Stack, say: Say<'_>) -> Result<()> {
    stop_pid_file(&stack.pid_file("rabbitmq"), say).await?;
    stop_names(stack);
    Ok(())
}

/// Stops the name server.
pub(super) fn stop_names(stack: &Stack) {
    let mut names = Command::new("epmd");
    names.args(["-port", &stack.ports.rabbitmq_names.to_string(), "-kill"]);
    run(&mut names).ok(); // it is gone when the node never ran
}
