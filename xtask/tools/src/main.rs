//! Drives the real app and server for `cargo xtask bench`, `pictures` and `bundle --check`, which build what it needs.

mod bench;
mod installer;
mod pictures;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use happening_stack::progress;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure
    Bench {
        #[command(subcommand)]
        name: bench::Bench,
    },
    /// Take a picture of every screen of the running stack
    Pictures,
    /// Install a .deb in a clean Debian and use it there (needs root)
    TryInstaller { package: PathBuf },
}

#[tokio::main]
async fn main() -> ExitCode {
    progress::begin(0);
    match run(Cli::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> Result<()> {
    match task {
        Task::Bench { name } => bench::run(&name).await,
        Task::Pictures => pictures::take().await,
        Task::TryInstaller { package } => installer::install_and_try(&package).await,
    }
}
