//! The server of Happening. `happening-backend --help` lists what it can do and every setting.

mod access;
mod app;
mod audit;
mod audit_log;
mod auth;
mod bookings;
mod broker;
mod clock;
mod commands;
mod config;
mod database;
mod delivery;
mod events;
mod gate;
mod http;
mod invites;
mod metrics;
mod notifications;
mod organizations;
mod outbox;
mod page;
mod switches;
mod users;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, ServeConfig, WorkerConfig};

// a booking is many short-lived strings: the system's allocator took a sixth of the server's time under load
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Server of Happening: organizations run events with numbered seats, people book them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How logs are written
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    log_format: LogFormat,

    /// What is logged, as `info` or `happening_backend=debug`
    #[arg(long, env = "LOG", default_value = "info", global = true)]
    log: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the HTTP API
    Serve {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        serve: ServeConfig,
    },
    /// Deliver messages, move events by the clock, watch the gates
    Worker {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        worker: WorkerConfig,
    },
    /// Bring the schema up to date
    Migrate {
        #[command(flatten)]
        config: Config,
        /// Undo migrations above this version
        #[arg(long)]
        down_to: Option<i64>,
    },
    /// Check every invariant; exit 1 and a list when one is violated
    Audit {
        #[command(flatten)]
        config: Config,
    },
    /// Rebuild the gate of every upcoming event
    Reconcile {
        #[command(flatten)]
        config: Config,
    },
    /// Fill an empty database with demo organizations, events and bookings
    DemoData {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        serve: ServeConfig,
    },
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Messages to people
    Notifications {
        #[command(subcommand)]
        command: NotificationsCommand,
    },
}

#[derive(Subcommand)]
enum NotificationsCommand {
    /// Put dead letters back into the queue
    Redrive {
        #[command(flatten)]
        config: Config,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = start_logs(&cli) {
        eprintln!("LOG: {error}");
        return ExitCode::FAILURE;
    }
    let done = match cli.command {
        Command::Serve { config, serve } => commands::serve::run(&config, &serve).await.map(|()| true),
        Command::Worker { config, worker } => commands::worker::run(&config, &worker).await.map(|()| true),
        Command::Migrate { config, down_to } => commands::migrate::run(&config, down_to).await.map(|()| true),
        Command::Audit { config } => commands::audit::run(&config).await,
        Command::Reconcile { config } => commands::reconcile::run(&config).await.map(|()| true),
        Command::DemoData { config, serve } => commands::demo_data::run(&config, &serve).await.map(|()| true),
        Command::Openapi => commands::openapi::run().map(|()| true),
        Command::Notifications { command: NotificationsCommand::Redrive { config } } => {
            commands::redrive::run(&config).await.map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_logs(cli: &Cli) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&cli.log)?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}
