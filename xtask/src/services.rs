//! `up` and `down`: services, server and worker in the background.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use happening_tests::stack::{Service, Stack, run};

use crate::given::{self, Given};
use crate::{build, packages, root, say, step};

/// The stack of `up` and `run`.
pub(crate) fn stack() -> Result<Stack> {
    Stack::at(&folder())
}

fn folder() -> PathBuf {
    build::target().join("stack")
}

/// Starts everything; what runs already is left as it is. Services whose addresses are in the environment are used as they are.
///
/// # Errors
/// When something is missing or does not start.
pub(crate) async fn up(ask: bool, docker: bool) -> Result<Stack> {
    if docker {
        return up_docker().await;
    }
    match Given::from_environment(&stack()?) {
        Given::All(addresses) => return up_given(ask, addresses).await,
        Given::Some(missing) => say(&format!(
            "addresses of services in the environment are left aside: these are not set: {}",
            missing.join(", ")
        )),
        Given::None => {}
    }
    if !packages::has_packages() {
        return up_docker().await;
    }
    packages::ensure(ask, &[packages::SERVICES])?;
    step("Building the server");
    build::cargo(&["build", "--package", "happening-backend"])?;
    step("Starting Postgres, Redis, RabbitMQ and Keycloak (private, on loopback)");
    let stack = Stack::private_at(&folder())?;
    stack.start(&root(), &build::tools(), &say).await?;
    start_server(&stack, &stack.env()).await?;
    say(&format!("sign-in: {} (ada, grace, alan, …; the password is the name)", stack.issuer()));
    Ok(stack)
}

/// Server and worker on services that belong to somebody else, who is asked before their database is changed.
async fn up_given(ask: bool, addresses: BTreeMap<&'static str, String>) -> Result<Stack> {
    let database = without_password(&addresses["DATABASE_URL"]);
    step(&format!("Using the services that the environment names; the database is {database}"));
    if ask && !packages::agreed("Bring that database to the newest schema and, if it is empty, put demo data into it?")?
    {
        bail!("nothing was changed; unset DATABASE_URL to work on private services");
    }
    // private services of an earlier start would go on unseen
    stack()?.stop(&say).await?;
    step("Building the server");
    build::cargo(&["build", "--package", "happening-backend"])?;
    let stack = Stack::private_at(&folder())?;
    let env = given::env_with(&stack, addresses);
    stack.write_env(&env)?;
    start_server(&stack, &env).await?;
    Ok(stack)
}

fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

async fn start_server(stack: &Stack, env: &BTreeMap<&'static str, String>) -> Result<()> {
    let program = build::target().join("debug/happening-backend");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).envs(env);
        command
    };
    step("Preparing the database");
    say(run(&mut command(&["migrate"]))?.trim());
    say(run(&mut command(&["demo-data"]))?.trim());
    step("Starting server and worker");
    // a newer build takes the place of a running one
    for name in ["worker", "backend"] {
        happening_tests::stack::stop_pid_file(&stack.pid_file(name), &say).await?;
    }
    let (pid, log) = (stack.pid_file("backend"), stack.log_file("backend"));
    let server = Service { name: "the server", pid_file: &pid, log_file: &log };
    server.start(&mut command(&["serve"]))?;
    let url = format!("http://127.0.0.1:{}/health/ready", stack.ports.backend);
    server.wait_until(Duration::from_secs(30), || async { happening_tests::world::answers(&url).await }).await?;
    let (pid, log) = (stack.pid_file("worker"), stack.log_file("worker"));
    Service { name: "the worker", pid_file: &pid, log_file: &log }.start(&mut command(&["worker"]))?;
    say(&format!("server: http://127.0.0.1:{}", stack.ports.backend));
    say("addresses of everything: target/stack/stack.env");
    Ok(())
}

/// The services from `docker/compose.yml`; server and worker as containers, too.
async fn up_docker() -> Result<Stack> {
    if Command::new("docker").arg("info").output().is_ok_and(|out| out.status.success()) {
        // private services of an earlier start would go on unseen
        stack()?.stop(&say).await?;
        step("Starting the services with Docker");
        let compose = root().join("docker/compose.yml");
        let status = Command::new("docker")
            .args(["compose", "--profile", "app", "-f"])
            .arg(&compose)
            .args(["up", "--build", "--detach", "--wait"])
            .env("SERVER_KEY", stack()?.server_key)
            .status()?;
        if !status.success() {
            bail!("docker compose failed; the lines above say why");
        }
        return compose_stack();
    }
    bail!(
        "no Docker engine answers: start it; on Debian and Ubuntu the system's own packages do without (no --docker)"
    );
}

/// Where `docker/compose.yml` puts everything.
fn compose_stack() -> Result<Stack> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let env = "BACKEND_URL=http://127.0.0.1:5000\nDATABASE_URL=postgres://happening:happening@127.0.0.1:5432/happening\n\
        REDIS_URL=redis://127.0.0.1:6379\nRABBITMQ_URL=amqp://happening:happening@127.0.0.1:5672\n\
        OIDC_ISSUER_URL=http://127.0.0.1:8080/realms/happening\nOIDC_AUDIENCE=happening-api\n\
        KEYCLOAK_ADMIN_URL=http://127.0.0.1:8080/admin\n";
    std::fs::write(folder.join("stack.env"), env)?;
    // postgres redis rabbitmq management distribution names keycloak management backend
    std::fs::write(folder.join("ports"), "5432 6379 5672 15672 0 0 8080 9000 5000\n")?;
    Stack::at(&folder)
}

/// Stops everything.
///
/// # Errors
/// When something cannot be stopped.
pub(crate) async fn down() -> Result<()> {
    let compose = root().join("docker/compose.yml");
    let mut docker = Command::new("docker");
    docker.args(["compose", "--profile", "app", "-f"]).arg(&compose).args(["ps", "--quiet"]);
    // without an engine there is nothing of it to stop
    if docker.output().is_ok_and(|out| out.status.success() && !out.stdout.is_empty()) {
        run(Command::new("docker").args(["compose", "--profile", "app", "-f"]).arg(&compose).arg("down"))?;
    }
    for name in ["stack", "test-stack", "bench-stack"] {
        let folder = build::target().join(name);
        if folder.exists() {
            let stopped = async {
                happening_tests::stack::stop_tests(&folder, &say).await?;
                Stack::at(&folder)?.stop(&say).await
            };
            stopped.await.with_context(|| format!("in {}", folder.display()))?;
        }
    }
    say("nothing runs any more");
    Ok(())
}
