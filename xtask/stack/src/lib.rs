//! Starts and stops private instances of Postgres, Redis, RabbitMQ and Keycloak, with all files under one folder, which
//! listen on the loopback address only.
//!
//! Each service is a separate process with a pid file, so that the next task finds it: starting it twice is harmless,
//! and it can be stopped after a task crashed. `stack.env` in the folder has all addresses. To add a service, write a
//! file with `start` and, unless a pid file is enough, `stop`; add its ports to [`Ports`] and its addresses to
//! [`Stack::env`].
//!
//! This crate has few dependencies and no async runtime, because every task waits until it is compiled.

pub mod http;
mod keycloak;
pub mod ports;
pub mod postgres;
mod process;
pub mod progress;
pub mod project;
pub mod rabbitmq;
pub mod redis;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::ports::free_port;

pub use process::{ENGINE_FAULTS, Service, TEST_STACK, alive, pid_of, run, stop_pid_file, stop_tests};

/// The folder, ports and key of a stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The folder with data, logs and pid files.
    pub folder: PathBuf,
    pub ports: Ports,
    /// The key that the server derives the tokens of invites from; each stack generates its own.
    pub server_key: String,
}

/// Ports on the loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub postgres: u16,
    pub redis: u16,
    pub rabbitmq: u16,
    pub rabbitmq_management: u16,
    pub rabbitmq_distribution: u16,
    pub rabbitmq_names: u16,
    pub keycloak: u16,
    pub keycloak_management: u16,
    pub backend: u16,
}

/// Receives progress messages, a line each.
pub type Say<'a> = &'a (dyn Fn(&str) + Sync);

/// Ignores progress messages.
pub fn quiet(_: &str) {}

impl Stack {
    /// The stack of a folder. It keeps the ports of an earlier start if they are still usable, and chooses free ones
    /// otherwise.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn at(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = folder.join("ports");
        let known = std::fs::read_to_string(&file).ok().and_then(|text| Ports::parse(&text));
        let runs = runs(folder) || known.is_some_and(|ports| postgres::runs(folder, ports.postgres));
        let ports = match known {
            // another program may have taken a port since the last start
            Some(ports) if runs || ports.still_free() => ports,
            _ => {
                let ports = Ports::free()?;
                std::fs::write(&file, ports.to_text())?;
                ports
            }
        };
        let file = folder.join("server_key");
        let server_key = match std::fs::read_to_string(&file) {
            Ok(key) => key,
            Err(_) => {
                let key = random_key()?;
                write_private(&file, &key)?;
                key
            }
        };
        Ok(Self { folder: folder.to_owned(), ports, server_key })
    }

    /// The stack of a folder for private services: if the folder has the fixed ports of containers, free ones replace
    /// them.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn private_at(folder: &Path) -> Result<Self> {
        let stack = Self::at(folder)?;
        if !stack.ports.of_containers() {
            return Ok(stack);
        }
        std::fs::remove_file(folder.join("ports"))?;
        Self::at(folder)
    }

    /// Starts the services that do not run yet, at the same time, and waits until all answer. `root` is the project's
    /// folder; downloads are kept in `tools`.
    ///
    /// # Errors
    /// When a program is missing or a service does not start; the message names its log.
    pub fn start(&self, root: &Path, tools: &Path, say: Say<'_>) -> Result<()> {
        std::thread::scope(|scope| {
            let started = [
                scope.spawn(|| postgres::start(self, say)),
                scope.spawn(|| redis::start(self, say)),
                scope.spawn(|| rabbitmq::start(self, say)),
                scope.spawn(|| keycloak::start(self, root, &keycloak::unpack(tools, say)?, say)),
            ];
            // wait for all services before reporting the first failure
            let ended = started.map(|thread| thread.join().unwrap_or_else(|_| bail!("starting a service panicked")));
            ended.into_iter().collect::<Result<()>>()
        })?;
        self.write_env(&self.env())
    }

    /// Writes `stack.env`, from which other programs read the addresses.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_env(&self, env: &BTreeMap<&'static str, String>) -> Result<()> {
        let lines: String = env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        write_private(&self.folder.join("stack.env"), &lines)
    }

    /// The value of a variable in `stack.env`.
    pub fn written(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.join("stack.env")).ok()?;
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    }

    /// Stops all running processes of the stack, each before the services that it depends on.
    ///
    /// # Errors
    /// When a process cannot be stopped.
    pub fn stop(&self, say: Say<'_>) -> Result<()> {
        for name in ["app", "worker", "backend", "keycloak"] {
            process::stop_pid_file(&self.pid_file(name), say)?;
        }
        rabbitmq::stop(self, say)?;
        process::stop_pid_file(&self.pid_file("redis"), say)?;
        postgres::stop(self, say)
    }

    /// Whether a service other than Postgres runs.
    pub fn runs(&self) -> bool {
        runs(&self.folder)
    }

    /// Removes the queues that earlier tests left, unless RabbitMQ runs. With some hundreds of queues it takes more
    /// than a minute to start.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn remove_stale_queues(&self) -> Result<()> {
        let kept = self.folder.join("rabbitmq/data");
        if !process::alive(&self.pid_file("rabbitmq")) && kept.exists() {
            std::fs::remove_dir_all(kept)?;
        }
        Ok(())
    }

    /// Removes the databases that earlier tests left, 8 MB each.
    ///
    /// # Errors
    /// When Postgres does not run.
    pub fn drop_test_databases(&self) -> Result<()> {
        let psql = || {
            let mut command = std::process::Command::new(postgres::bin_folder().unwrap_or_default().join("psql"));
            command.args([&self.database_url("postgres"), "-qtAc"]);
            command
        };
        let names = run(psql().arg("select datname from pg_database where datname like 'world\\_%'"))?;
        for name in names.lines() {
            run(psql().arg(format!("drop database {name} with (force)")))?;
        }
        std::fs::remove_dir_all(self.folder.join("worlds")).ok(); // missing when every test passed
        Ok(())
    }

    /// The folder of Postgres' own programs (psql, pgbench).
    ///
    /// # Errors
    /// When Postgres is not installed.
    pub fn postgres_programs() -> Result<PathBuf> {
        postgres::bin_folder()
    }

    /// The file with a service's process id.
    pub fn pid_file(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.pid"))
    }

    /// The file with a service's output.
    pub fn log_file(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.log"))
    }

    /// Address of a database.
    pub fn database_url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.ports.postgres)
    }

    /// Address of a virtual host of the broker.
    pub fn rabbitmq_url(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.ports.rabbitmq)
    }

    /// The address of the realm that issues tokens.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}/realms/happening", self.ports.keycloak)
    }

    /// The environment variables of a program that uses the stack.
    pub fn env(&self) -> BTreeMap<&'static str, String> {
        let ports = &self.ports;
        BTreeMap::from([
            ("BACKEND_URL", format!("http://127.0.0.1:{}", ports.backend)),
            ("PORT", ports.backend.to_string()),
            ("DATABASE_URL", self.database_url("happening")),
            ("REDIS_URL", format!("redis://127.0.0.1:{}", ports.redis)),
            ("RABBITMQ_URL", self.rabbitmq_url("%2f")),
            ("RABBITMQ_MANAGEMENT_URL", format!("http://127.0.0.1:{}", ports.rabbitmq_management)),
            ("OIDC_ISSUER_URL", self.issuer()),
            ("OIDC_AUDIENCE", "happening-api".to_owned()),
            ("KEYCLOAK_ADMIN_URL", format!("http://127.0.0.1:{}/admin", ports.keycloak)),
            ("SERVER_KEY", self.server_key.clone()),
            ("PUBLIC_URL", format!("http://127.0.0.1:{}", ports.backend)),
            ("MAIL_DIR", self.folder.join("mail").display().to_string()),
        ])
    }
}

fn runs(folder: &Path) -> bool {
    ["redis", "rabbitmq", "keycloak", "backend"].iter().any(|name| alive(&folder.join(format!("{name}.pid"))))
}

/// 256 random bits, as hexadecimal digits.
fn random_key() -> Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that holds a secret: only its owner can read it.
fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut opened = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    // opening an existing file keeps its mode, so set it
    opened.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(opened.write_all(text.as_bytes())?)
}

impl Ports {
    /// Whether these are the fixed ports of containers. Only there the port of RabbitMQ's name server is not set.
    fn of_containers(self) -> bool {
        self.rabbitmq_names == 0
    }

    /// Whether all ports are free. The ports of containers are not checked, since the Docker engine manages them.
    fn still_free(self) -> bool {
        let text = self.to_text();
        let mut all = text.split_whitespace().filter_map(|port| port.parse::<u16>().ok());
        self.of_containers() || all.all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn free() -> Result<Self> {
        let all: Vec<u16> = (0..9).map(|_| free_port()).collect::<Result<_>>()?;
        Self::from_list(&all).context("nine ports")
    }

    fn from_list(all: &[u16]) -> Option<Self> {
        let [
            postgres,
            redis,
            rabbitmq,
            rabbitmq_management,
            rabbitmq_distribution,
            rabbitmq_names,
            keycloak,
            keycloak_management,
            backend,
        ] = *all
        else {
            return None;
        };
        Some(Self {
            postgres,
            redis,
            rabbitmq,
            rabbitmq_management,
            rabbitmq_distribution,
            rabbitmq_names,
            keycloak,
            keycloak_management,
            backend,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let all: Vec<u16> = text.split_whitespace().map(|port| port.parse().ok()).collect::<Option<_>>()?;
        Self::from_list(&all)
    }

    fn to_text(self) -> String {
        let Self {
            postgres,
            redis,
            rabbitmq,
            rabbitmq_management,
            rabbitmq_distribution,
            rabbitmq_names,
            keycloak,
            keycloak_management,
            backend,
        } = self;
        format!(
            "{postgres} {redis} {rabbitmq} {rabbitmq_management} {rabbitmq_distribution} {rabbitmq_names} {keycloak} {keycloak_management} {backend}\n"
        )
    }
}
