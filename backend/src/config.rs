//! Every setting of the server, from flags or the environment, checked when it is parsed.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::links::{Links, ServerKey};

/// Settings of the services behind the server; every subcommand takes them.
#[derive(Args, Clone, Debug)]
pub(crate) struct Config {
    /// Postgres, the truth: postgres://user:password@host/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = with_scheme::<{ POSTGRES }>)]
    pub(crate) database_url: Url,

    /// Redis, which shows what events have: redis://host:port
    #[arg(long, env = "REDIS_URL", hide_env_values = true, default_value = "redis://127.0.0.1:6379", value_parser = with_scheme::<{ REDIS }>)]
    pub(crate) redis_url: Url,

    /// RabbitMQ, the way of messages: amqp://user:password@host:port
    #[arg(long, env = "RABBITMQ_URL", hide_env_values = true, default_value = "amqp://happening:happening@127.0.0.1:5672", value_parser = with_scheme::<{ AMQP }>)]
    pub(crate) rabbitmq_url: Url,

    /// Connections to Postgres for everything but the seat writer
    #[arg(long, env = "DATABASE_CONNECTIONS_MAX", default_value_t = 16, value_parser = clap::value_parser!(u32).range(3..=500))]
    pub(crate) database_connections_max: u32,

    /// Address at which this process serves its metrics for Prometheus; without it nothing is measured
    #[arg(long, env = "METRICS_ADDR")]
    pub(crate) metrics_addr: Option<std::net::SocketAddr>,

    /// Publish the outbox to RabbitMQ from this process
    #[arg(long, env = "RELAY", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) relay: bool,
}

impl Config {
    /// Says in the log where the services are, without passwords.
    pub(crate) fn log(&self) {
        let place = |url: &Url| {
            let mut shown = url.clone();
            // these fail for a URL without a host, which has no password; a query could have a password, so it is removed, too
            shown.set_password(None).and_then(|()| shown.set_username("")).ok();
            shown.set_query(None);
            shown.to_string()
        };
        tracing::info!(
            database = place(&self.database_url),
            redis = place(&self.redis_url),
            rabbitmq = place(&self.rabbitmq_url),
            metrics = self.metrics_addr.map(|addr| addr.to_string()),
            relay = self.relay,
            "settings"
        );
    }
}

/// What links in mails are made with; server and workers must have the same.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinkConfig {
    /// Key for the tokens of invites: 32 or more characters, chosen at random, the same for server and workers
    #[arg(long, env = "SERVER_KEY", hide_env_values = true)]
    pub(crate) server_key: ServerKey,

    /// Address at which people reach the server, for links in mails
    #[arg(long, env = "PUBLIC_URL", default_value = "http://127.0.0.1:5000")]
    pub(crate) public_url: Url,
}

impl LinkConfig {
    pub(crate) fn links(&self) -> Links {
        Links { key: self.server_key.clone(), public_url: self.public_url.clone() }
    }
}

/// Settings of the HTTP server.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServeConfig {
    #[command(flatten)]
    pub(crate) link: LinkConfig,

    /// Port to listen on
    #[arg(long, env = "PORT", default_value_t = 5000)]
    pub(crate) port: u16,

    /// Address to listen on
    #[arg(long, env = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,

    /// Requests that one person may make in a minute; 0 is no limit. Shared by all servers, within half a second
    #[arg(long, env = "RATE_LIMIT_PER_PERSON", default_value_t = 600)]
    pub(crate) rate_limit_per_person: u32,

    /// Requests without a valid token that may come from one address in a minute; 0 is no limit. Shared by all servers
    #[arg(long, env = "RATE_LIMIT_PER_ADDRESS", default_value_t = 120)]
    pub(crate) rate_limit_per_address: u32,

    /// Invites that may be sent to one address in an hour; 0 is no limit. Shared by all servers
    #[arg(long, env = "INVITES_PER_ADDRESS_AND_HOUR", default_value_t = 10)]
    pub(crate) invites_per_address_and_hour: u32,

    /// Proxies of your own in front of the server that add to X-Forwarded-For; 0 believes no such header
    #[arg(long, env = "PROXIES", default_value_t = 0)]
    pub(crate) proxies: usize,

    /// Connections that one address may have open at each process; 0 is no limit. Behind proxies of your own it is not counted
    #[arg(long, env = "CONNECTIONS_PER_ADDRESS_MAX", default_value_t = 512)]
    pub(crate) connections_per_address_max: u32,

    /// How long a client may take nothing of an answer before its connection is closed
    #[arg(long, env = "WRITE_TIMEOUT_MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub(crate) write_timeout_ms: u64,

    /// Requests that are worked on at once; more are answered 503 at once
    #[arg(long, env = "CONCURRENT_REQUESTS_MAX", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) concurrent_requests_max: u32,

    /// How long `/health/ready` says no after SIGTERM before no more connections are taken
    #[arg(long, env = "SHUTDOWN_DELAY_MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub(crate) shutdown_delay_ms: u64,

    /// Issuer of the tokens: the realm's address, exactly as tokens name it
    #[arg(long, env = "OIDC_ISSUER_URL", default_value = "http://127.0.0.1:8080/realms/happening")]
    pub(crate) oidc_issuer_url: Url,

    /// Where the issuer's keys are read, when that differs from the issuer's address
    #[arg(long, env = "OIDC_JWKS_URL")]
    pub(crate) oidc_jwks_url: Option<Url>,

    /// The name that tokens for this server carry as audience
    #[arg(long, env = "OIDC_AUDIENCE", default_value = "happening-api")]
    pub(crate) oidc_audience: String,

    /// The client that tokens must have been issued to
    #[arg(long, env = "OIDC_CLIENT", default_value = "happening-desktop")]
    pub(crate) oidc_client: String,
}

/// Settings of the worker.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkerConfig {
    #[command(flatten)]
    pub(crate) link: LinkConfig,

    /// Mail server: smtp://user:password@host:port; without it every mail is written as a file
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub(crate) smtp_url: Option<Url>,

    /// Folder for mails while there is no mail server
    #[arg(long, env = "MAIL_DIR", default_value = "mail")]
    pub(crate) mail_dir: PathBuf,

    /// Sender of mails
    #[arg(long, env = "MAIL_FROM", default_value = "Happening <noreply@happening.invalid>")]
    pub(crate) mail_from: lettre::message::Mailbox,

    /// Seconds between two audits of all rows and of what Redis shows
    #[arg(long, env = "AUDIT_EVERY_S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(15..=86_400))]
    pub(crate) audit_every_s: u64,

    /// Pauses between the tries of a delivery, in milliseconds; after the last one the message is set aside
    #[arg(long, env = "RETRY_DELAYS_MS", value_delimiter = ',', default_value = "1000,5000,30000,120000,600000")]
    pub(crate) retry_delays_ms: Vec<u32>,
}

const POSTGRES: u8 = 0;
const REDIS: u8 = 1;
const AMQP: u8 = 2;

fn with_scheme<const KIND: u8>(text: &str) -> Result<Url, String> {
    let schemes: &[&str] = match KIND {
        POSTGRES => &["postgres", "postgresql"],
        REDIS => &["redis", "rediss"],
        _ => &["amqp", "amqps"],
    };
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if schemes.contains(&url.scheme()) { Ok(url) } else { Err(format!("must start with {}://", schemes[0])) }
}
