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
mod http;
mod idempotency;
mod invites;
mod limits;
mod links;
mod metrics;
mod notifications;
mod organizations;
mod outbox;
mod page;
mod problem;
mod seats;
mod shown;
mod switches;
mod telemetry;
mod timers;
mod users;
mod wake;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ServeConfig, WorkerConfig};
use crate::telemetry::TelemetryConfig;

// A booking makes many short-lived strings: under load the system's allocator took a sixth of the server's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Server of Happening: organizations run events with numbered seats, people book them.
#[derive(Parser)]
#[command(version, flatten_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    telemetry: TelemetryConfig,
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
    /// Deliver messages, move events by the clock, audit
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
    /// Correct counts of events that differ from what their rows say
    Reconcile {
        #[command(flatten)]
        config: Config,
    },
    /// Print an event as its columns, rows, log and Redis have it
    Inspect {
        #[command(flatten)]
        config: Config,
        /// Id of the event
        event: uuid::Uuid,
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
    use_small_pages();
    let cli = Cli::parse();
    // the Redis client uses the process-wide cryptography provider; this fails only if one is installed already
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let _telemetry = match telemetry::start(&cli.telemetry) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let done = match cli.command {
        Command::Serve { config, serve } => commands::serve::run(&config, &serve).await.map(|()| true),
        Command::Worker { config, worker } => commands::worker::run(&config, &worker).await.map(|()| true),
        Command::Migrate { config, down_to } => commands::migrate::run(&config, down_to).await.map(|()| true),
        Command::Audit { config } => commands::audit::run(&config).await,
        Command::Reconcile { config } => commands::reconcile::run(&config).await.map(|()| true),
        Command::Inspect { config, event } => commands::inspect::run(&config, event.into()).await.map(|()| true),
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

/// Disables transparent huge pages: the allocator would get pages of 2 MB and use little of each. Clearing them took a twentieth of a
/// new server's time under load, and they doubled its memory.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok(); // fails only on a kernel that has no huge pages
}
