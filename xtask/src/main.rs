//! `cargo xtask …`: the one entry to every task, for people and for CI. One file per task.

mod bench;
mod build;
mod bundle;
mod check;
mod given;
mod openapi;
mod packages;
mod pictures;
mod run;
mod services;
mod sqlx_data;
mod test;
mod token;
mod tools;
mod ui;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Tasks of Happening
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,

    /// Install missing system packages, and use a database that the environment names, without asking (CI does not ask either)
    #[arg(long, global = true)]
    yes: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Set everything up and open the app on a working stack with demo data
    Run {
        /// Open the window on a virtual display and save a picture of it
        #[arg(long)]
        virtual_display: bool,
        /// Use a Docker engine for the services
        #[arg(long)]
        docker: bool,
    },
    /// Start services, server and worker in the background
    Up {
        /// Use a Docker engine for the services
        #[arg(long)]
        docker: bool,
    },
    /// Stop everything that `up` and `run` started
    Down,
    /// Check formatting, lints, dependencies and documents
    Check,
    /// Check, then run all tests on services of their own
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
        /// Leave out the checks
        #[arg(long)]
        no_check: bool,
    },
    /// Build the wasm bundle of the app's screens
    Ui {
        /// As small as the optimizer makes it, for installers (needs npm)
        #[arg(long)]
        small: bool,
    },
    /// Take the documents' pictures of the app, on demo data
    Pictures,
    /// Write the data that SQL is checked against (.sqlx) anew
    Sqlx,
    /// Write `docs/openapi.json` anew from the server's routes
    Openapi,
    /// Build the installers of this system
    Bundle {
        /// Install the .deb in a clean Debian and use it there (needs root)
        #[arg(long)]
        check: bool,
    },
    /// Print an access token of a demo person, for curl
    Token {
        /// Login name, such as ada
        name: String,
    },
    /// Measure
    Bench {
        #[command(subcommand)]
        name: bench::Bench,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run_task(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThis did not work: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run_task(cli: Cli) -> Result<()> {
    let ask = !cli.yes && std::env::var_os("CI").is_none();
    match cli.task {
        Task::Run { virtual_display, docker } => run::run(ask, virtual_display, docker).await,
        Task::Up { docker } => services::up(ask, docker).await.map(drop),
        Task::Down => services::down().await,
        Task::Check => check::check(ask),
        Task::Test { filter, no_check } => test::test(ask, filter.as_deref(), no_check).await,
        Task::Ui { small } => {
            if small {
                ui::bundle_small()
            } else {
                ui::bundle()
            }
        }
        Task::Pictures => pictures::take(ask).await,
        Task::Openapi => openapi::write(),
        Task::Sqlx => sqlx_data::write(ask).await,
        Task::Bundle { check } => bundle::bundle(ask, check).await,
        Task::Token { name } => token::token(&name).await,
        Task::Bench { name } => bench::run(ask, &name).await,
    }
}

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A line about what is being done.
fn say(text: &str) {
    eprintln!("    {text}");
}

/// A heading for a longer step.
fn step(text: &str) {
    eprintln!("==> {text}");
}
