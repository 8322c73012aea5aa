//! The environment of one test: its own database and virtual host on the shared services, and servers that only this
//! test uses.

mod data;
mod processes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use self::processes::Process;
use crate::{Client, People};
use happening_stack::{Stack, TEST_STACK};

/// Signed-in people of each realm, shared by all tests of the process.
static PEOPLE: LazyLock<Mutex<BTreeMap<String, Arc<People>>>> = LazyLock::new(Mutex::default);

fn people_of(stack: &Stack) -> Arc<People> {
    let issuer = stack.issuer();
    let mut all = PEOPLE.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(issuer.clone()).or_insert_with(|| Arc::new(People::of(&issuer))))
}

/// The stack that `cargo xtask test` started for the tests.
///
/// # Errors
/// When the tests were started in another way.
pub fn stack() -> Result<Stack> {
    let folder = std::env::var_os(TEST_STACK)
        .context("these tests need services of their own: run them with `cargo xtask test`")?;
    Stack::at(Path::new(&folder))
}

/// Which processes and settings a world has.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// How many server processes to start.
    pub backends: usize,
    /// Whether to start a worker process, too.
    pub worker: bool,
    /// The names of the protections to switch off.
    pub switches: &'static str,
    /// More settings for the servers.
    pub env: BTreeMap<&'static str, String>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self { backends: 2, worker: false, switches: "", env: BTreeMap::new() }
    }
}

/// The environment of one test. Dropping it ends its processes.
pub struct World {
    pub stack: Stack,
    pub database_url: String,
    pub pool: PgPool,
    pub folder: PathBuf,
    program: PathBuf,
    people: Arc<People>,
    env: BTreeMap<&'static str, String>,
    backends: Vec<Process>,
    worker: Option<Process>,
}

/// The path of the server's program, built with the feature `switches`.
///
/// # Errors
/// When the server was not built.
pub fn backend_program() -> Result<PathBuf> {
    let path = std::env::var_os("HAPPENING_BACKEND").map(PathBuf::from).context("HAPPENING_BACKEND is not set")?;
    if path.exists() { Ok(path) } else { bail!("{} was not built", path.display()) }
}

impl World {
    /// Starts a world with the default options: two servers.
    ///
    /// # Errors
    /// When a service or process does not start.
    pub async fn new() -> Result<Self> {
        Self::with(WorldOptions::default()).await
    }

    /// Starts a world.
    ///
    /// # Errors
    /// When a service or process does not start.
    pub async fn with(options: WorldOptions) -> Result<Self> {
        let stack = stack()?;
        Self::on(stack, &backend_program()?, options).await
    }

    /// Starts a world on a given stack.
    ///
    /// # Errors
    /// When a service or process does not start.
    pub async fn on(stack: Stack, program: &Path, options: WorldOptions) -> Result<Self> {
        let people = people_of(&stack);
        let name = format!("world_{}", Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&stack.database_url("postgres")).await?;
        sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await?;
        make_vhost(&stack, &name).await?;
        let database_url = stack.database_url(&name);
        let folder = stack.folder.join("worlds").join(&name);
        std::fs::create_dir_all(&folder)?;
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy(&database_url)?;
        let mut env = stack.env();
        env.insert("DATABASE_URL", database_url.clone());
        env.insert("RABBITMQ_URL", stack.rabbitmq_url(&name));
        env.insert("MAIL_DIR", folder.join("mail").display().to_string());
        env.insert("HAPPENING_SWITCHES", options.switches.to_owned());
        env.insert("RETRY_DELAYS_MS", "200,500".to_owned());
        env.insert("RATE_LIMIT_PER_PERSON", "0".to_owned());
        env.insert("RATE_LIMIT_PER_ADDRESS", "0".to_owned());
        env.insert("INVITES_PER_ADDRESS_AND_HOUR", "0".to_owned());
        env.insert("CONNECTIONS_PER_ADDRESS_MAX", "0".to_owned());
        env.insert("SHUTDOWN_DELAY_MS", "300".to_owned());
        env.extend(options.env);
        let mut world = Self {
            stack,
            database_url,
            pool,
            folder,
            program: program.to_owned(),
            people,
            env,
            backends: Vec::new(),
            worker: None,
        };
        world.run(&["migrate"])?;
        for _ in 0..options.backends {
            world.add_backend()?;
        }
        if options.worker {
            world.start_worker()?;
        }
        world.wait_until_ready().await?;
        Ok(world)
    }

    /// A command of the server's program, with this world's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).envs(&self.env).stdin(Stdio::null());
        if std::env::var_os(TEST_STACK).is_none() {
            // a benchmark sets the variable here, so that its remaining processes are found after it was aborted
            command.env(TEST_STACK, &self.stack.folder);
        }
        command
    }

    /// Runs a command of the server's program and waits for its end.
    ///
    /// # Errors
    /// When the command fails; the message has its output.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        happening_stack::run(&mut self.command(arguments))
    }

    /// Signs a demo person in; the client calls the first server.
    ///
    /// # Errors
    /// When Keycloak or the server is away.
    pub async fn person(&self, login: &str) -> Result<Client> {
        Client::new(&self.base(0), &self.people.token(login).await?).await
    }

    /// Like `person`, but always with a new sign-in.
    ///
    /// # Errors
    /// When Keycloak or the server is away.
    pub async fn person_with_new_sign_in(&self, login: &str) -> Result<Client> {
        Client::new(&self.base(0), &self.people.new_token(login).await?).await
    }

    /// The people of this world's realm.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Waits until at least `connections` database connections of this world wait for a lock.
    ///
    /// # Errors
    /// When fewer wait for 5 s.
    pub async fn held_up(&self, connections: i64) -> Result<()> {
        let query =
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        wait_for("connections that wait for a lock", Duration::from_secs(5), || async {
            let waiting: i64 = sqlx::query_scalar(query).fetch_one(&self.pool).await?;
            Ok((waiting >= connections).then_some(()))
        })
        .await
    }

    /// Opens a channel to the broker.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn channel(&self) -> Result<lapin::Channel> {
        let vhost = self.database_url.rsplit('/').next().unwrap_or_default();
        let properties = lapin::ConnectionProperties::default();
        Ok(lapin::Connection::connect(&self.stack.rabbitmq_url(vhost), properties).await?.create_channel().await?)
    }

    /// How many messages a queue of the broker holds. A passive declaration tells, which does not create the queue.
    ///
    /// # Errors
    /// When the broker is away or has no such queue.
    pub async fn messages_in(&self, queue: &str) -> Result<u32> {
        let channel = self.channel().await?;
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        Ok(channel.queue_declare(queue.into(), options, Default::default()).await?.message_count())
    }

    /// Runs the server's own audit, which checks every invariant that the data can show.
    ///
    /// # Errors
    /// When an invariant is violated; the message lists all that are.
    pub fn audit(&self) -> Result<()> {
        self.run(&["audit"]).map(drop)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end_processes();
        // a test that returns an error does not panic, so the variable makes every test keep its logs
        if std::thread::panicking() || std::env::var_os("HAPPENING_KEEP_TEST_STACK").is_some() {
            eprintln!("logs of this test: {}", self.folder.display());
        } else {
            std::fs::remove_dir_all(&self.folder).ok();
        }
    }
}

async fn make_vhost(stack: &Stack, name: &str) -> Result<()> {
    let http = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{}/api", stack.ports.rabbitmq_management);
    let call = |path: String, body: serde_json::Value| {
        http.put(format!("{base}{path}")).basic_auth("guest", Some("guest")).json(&body).send()
    };
    call(format!("/vhosts/{name}"), json!({})).await?.error_for_status()?;
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    call(format!("/permissions/{name}/guest"), all).await?.error_for_status()?;
    Ok(())
}

/// A new id, which no row has.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Polls `ask` every 50 ms until it answers `Some`.
///
/// # Errors
/// When it answers `None` for `time_max`, or fails.
pub async fn wait_for<T, F: Future<Output = Result<Option<T>>>>(
    what: &str,
    time_max: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let mut polls = time_max.as_millis() / 50;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if polls == 0 {
            bail!("waited {} s for {what}", time_max.as_secs());
        }
        polls -= 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether a GET of the address succeeds.
pub async fn answers(url: &str) -> bool {
    reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success())
}
