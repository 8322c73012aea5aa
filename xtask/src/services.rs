//! `up` and `down`: start and stop services, server and worker in the background.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Service, Stack, http, run};

use crate::given::{self, Given};
use crate::parallel::side_by_side;
use crate::{build, doctor, packages};

/// The stack of `up` and `run`.
pub(crate) fn stack() -> Result<Stack> {
    Stack::at(&folder())
}

fn folder() -> PathBuf {
    target().join("stack")
}

/// Where the services of `up` and `run` come from.
pub(crate) enum Services {
    /// The system's own packages, as private instances.
    Private,
    /// Services that run already, at these addresses.
    Given(BTreeMap<&'static str, String>),
    /// `docker/compose.yml`, with server and worker.
    Docker,
}

/// Chooses where the services come from. Asks the person before using a database that the environment names.
///
/// # Errors
/// When the person refuses, or no Docker engine answers.
pub(crate) fn choose(ask: bool, docker: bool) -> Result<Services> {
    if docker {
        return with_docker();
    }
    match Given::from_environment(&stack()?) {
        Given::All(addresses) => return agree_to(ask, addresses),
        Given::Some(missing) => say(&format!(
            "addresses of services in the environment are left aside: these are not set: {}",
            missing.join(", ")
        )),
        Given::None => {}
    }
    if packages::has_packages() { Ok(Services::Private) } else { with_docker() }
}

fn with_docker() -> Result<Services> {
    if Command::new("docker").arg("info").output().is_ok_and(|out| out.status.success()) {
        return Ok(Services::Docker);
    }
    bail!(
        "no Docker engine answers: start it; on Debian and Ubuntu the system's own packages do without (no --docker)"
    );
}

fn agree_to(ask: bool, addresses: BTreeMap<&'static str, String>) -> Result<Services> {
    let database = without_password(&addresses["DATABASE_URL"]);
    say(&format!("Using the services that the environment names; the database is {database}"));
    if ask && !packages::agreed("Bring that database to the newest schema and, if it is empty, put demo data into it?")?
    {
        bail!("nothing was changed; unset DATABASE_URL to work on private services");
    }
    Ok(Services::Given(addresses))
}

fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

/// Starts everything that does not run yet. Services whose addresses are in the environment are used as they are.
///
/// # Errors
/// When something is missing or does not start.
pub(crate) fn up(ask: bool, docker: bool) -> Result<Stack> {
    progress::begin(4);
    step("Looking at this machine");
    doctor::before_building()?;
    let services = choose(ask, docker)?;
    let missing = packages::agree(ask, services.packages())?;
    step("Building the server, and starting the services meanwhile");
    side_by_side(vec![
        ("the services", Box::new(|| missing.install().and_then(|()| services.start()))),
        ("the server", Box::new(|| build::cargo(&build::SERVER))),
    ])?;
    let stack = services.serve()?;
    tell_addresses(&stack);
    Ok(stack)
}

impl Services {
    /// The system's packages that the services need.
    pub(crate) fn packages(&self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Private => &[packages::SERVICES],
            Self::Given(_) | Self::Docker => &[],
        }
    }

    /// Starts the services; with Docker the server, too.
    ///
    /// # Errors
    /// When a service or process does not start.
    pub(crate) fn start(&self) -> Result<()> {
        match self {
            Self::Private => Stack::private_at(&folder())?.start(&root(), &tools(), &say),
            Self::Given(addresses) => {
                // stop private services of an earlier start, which the new `stack.env` would no longer name
                stack()?.stop(&say)?;
                let stack = Stack::private_at(&folder())?;
                stack.write_env(&given::env_with(&stack, addresses.clone()))
            }
            Self::Docker => start_docker(),
        }
    }

    /// Prepares the database and starts server and worker, which must have been built.
    ///
    /// # Errors
    /// When a service or process does not start.
    pub(crate) fn serve(&self) -> Result<Stack> {
        match self {
            Self::Private => {
                let stack = Stack::private_at(&folder())?;
                start_server(&stack, &stack.env())?;
                Ok(stack)
            }
            Self::Given(addresses) => {
                let stack = Stack::private_at(&folder())?;
                start_server(&stack, &given::env_with(&stack, addresses.clone()))?;
                Ok(stack)
            }
            Self::Docker => stack(),
        }
    }
}

fn start_server(stack: &Stack, env: &BTreeMap<&'static str, String>) -> Result<()> {
    let program = target().join("debug/happening-backend");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).envs(env);
        command
    };
    step("Preparing the database, and starting server and worker");
    say(run(&mut command(&["migrate"]))?.trim());
    say(run(&mut command(&["demo-data"]))?.trim());
    // stop processes that are older than the program, so that the new build replaces them
    for name in ["worker", "backend"] {
        if is_newer(&program, &stack.pid_file(name)) {
            happening_stack::stop_pid_file(&stack.pid_file(name), &say)?;
        }
    }
    let (pid, log) = (stack.pid_file("backend"), stack.log_file("backend"));
    let server = Service { name: "the server", pid_file: &pid, log_file: &log };
    server.start(&mut command(&["serve"]))?;
    let url = format!("http://127.0.0.1:{}/health/ready", stack.ports.backend);
    server.wait_until(Duration::from_secs(30), || http::answers(&url))?;
    let (pid, log) = (stack.pid_file("worker"), stack.log_file("worker"));
    Service { name: "the worker", pid_file: &pid, log_file: &log }.start(&mut command(&["worker"])).map(drop)
}

/// Whether a file was changed after another one; true when that cannot be read.
fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|of| of.modified()).ok();
    match (changed(file), changed(than)) {
        (Some(file), Some(than)) => file > than,
        _ => true,
    }
}

/// Prints where everything listens.
pub(crate) fn tell_addresses(stack: &Stack) {
    for (what, name) in [
        ("server", "BACKEND_URL"),
        ("sign-in", "OIDC_ISSUER_URL"),
        ("Postgres", "DATABASE_URL"),
        ("Redis", "REDIS_URL"),
        ("RabbitMQ", "RABBITMQ_URL"),
        ("mails", "MAIL_DIR"),
    ] {
        if let Some(address) = stack.written(name) {
            say(&format!("{what:<9} {}", without_password(&address)));
        }
    }
    say(&format!("all of it: {}", stack.folder.join("stack.env").display()));
}

fn start_docker() -> Result<()> {
    // stop private services of an earlier start, which the new `stack.env` would no longer name
    stack()?.stop(&say)?;
    say("starting the services, server and worker with Docker");
    let mut compose = Command::new("docker");
    compose
        .args(["compose", "--profile", "app", "-f"])
        .arg(root().join("docker/compose.yml"))
        .args(["up", "--build", "--detach", "--wait"])
        .env("SERVER_KEY", stack()?.server_key);
    if !build::shown(&mut compose)? {
        bail!("docker compose failed; the lines above say why");
    }
    note_containers()
}

/// Writes the addresses and ports of `docker/compose.yml` into the stack's files.
fn note_containers() -> Result<()> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let env = "BACKEND_URL=http://127.0.0.1:5000\nDATABASE_URL=postgres://happening:happening@127.0.0.1:5432/happening\n\
        REDIS_URL=redis://127.0.0.1:6379\nRABBITMQ_URL=amqp://happening:happening@127.0.0.1:5672\n\
        OIDC_ISSUER_URL=http://127.0.0.1:8080/realms/happening\nOIDC_AUDIENCE=happening-api\n\
        KEYCLOAK_ADMIN_URL=http://127.0.0.1:8080/admin\n";
    std::fs::write(folder.join("stack.env"), env)?;
    // in the order of `Ports`: postgres redis rabbitmq management distribution names keycloak management backend
    std::fs::write(folder.join("ports"), "5432 6379 5672 15672 0 0 8080 9000 5000\n")?;
    Ok(())
}

/// Stops all stacks, and the containers.
///
/// # Errors
/// When a process or container cannot be stopped.
pub(crate) fn down() -> Result<()> {
    let compose = root().join("docker/compose.yml");
    let mut docker = Command::new("docker");
    docker.args(["compose", "--profile", "app", "-f"]).arg(&compose).args(["ps", "--quiet"]);
    // fails when no Docker engine runs, and then there is nothing to stop
    if docker.output().is_ok_and(|out| out.status.success() && !out.stdout.is_empty()) {
        run(Command::new("docker").args(["compose", "--profile", "app", "-f"]).arg(&compose).arg("down"))?;
    }
    for name in ["stack", "test-stack", "bench-stack"] {
        let folder = target().join(name);
        if folder.exists() {
            let stopped = || {
                happening_stack::stop_tests(&folder, &say)?;
                Stack::at(&folder)?.stop(&say)
            };
            stopped().with_context(|| format!("in {}", folder.display()))?;
        }
    }
    say("nothing runs any more");
    Ok(())
}
