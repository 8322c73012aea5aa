//! `cargo xtask …`: the entry point of every task, for people and for CI. Each task has a file.

mod build;
mod bundle;
mod check;
mod doctor;
mod driven;
mod given;
mod layers;
mod openapi;
mod packages;
mod parallel;
mod run;
mod services;
mod simulate;
mod sqlx_data;
mod test;
mod tools;
mod ui;

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
    /// Tell whether this machine has what the tasks need, and what to do where it has not
    Doctor,
    /// Check formatting, links, licences, unused dependencies, lints and generated files; runs no tests
    Check,
    /// Run all tests on services of their own
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Build the wasm bundle of the app's screens
    Ui {
        /// As small as the optimizer makes it, for installers (needs npm)
        #[arg(long)]
        small: bool,
    },
    /// Take the documents' pictures of the app, on demo data
    Pictures,
    /// Write the data that SQL is checked against (.sqlx)
    Sqlx,
    /// Write `docs/openapi.json` from the server's routes
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
    /// Drive the seat writer through schedules by chance: processes that die, commits that are lost, a database that fails over
    Simulate {
        /// Seed of the first schedule; each next one has the next number
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many schedules
        #[arg(long, default_value_t = 100_000)]
        schedules: u64,
    },
    /// Measure
    Bench {
        name: driven::Bench,
        /// Options of the benchmark, as `--pairs 3` of `drop`; `-- --help` tells them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run_task(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThis did not work: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_task(cli: &Cli) -> Result<()> {
    let ask = !cli.yes && std::env::var_os("CI").is_none();
    match &cli.task {
        Task::Run { virtual_display, docker } => run::run(ask, *virtual_display, *docker),
        Task::Up { docker } => services::up(ask, *docker).map(drop),
        Task::Down => services::down(),
        Task::Doctor => doctor::doctor(),
        Task::Check => check::check(ask),
        Task::Test { filter } => test::test(ask, filter.as_deref()),
        Task::Ui { small } if *small => ui::bundle_small(),
        Task::Ui { .. } => ui::bundle(ui::Profile::Quick),
        Task::Pictures => driven::pictures(ask),
        Task::Openapi => openapi::write(),
        Task::Sqlx => sqlx_data::write(ask),
        Task::Bundle { check } => bundle::bundle(ask, *check),
        Task::Token { name } => driven::token(name),
        Task::Simulate { seed, schedules } => simulate::simulate(*seed, *schedules),
        Task::Bench { name, options } => driven::bench(ask, *name, options),
    }
}
