//! `bench NAME`: runs a benchmark, together with a reference to compare it with. It uses only services that it started
//! itself.

mod drop;
mod filled;
mod large;
mod mixed;
mod reads;
mod seat_map;
mod start;

use anyhow::Result;
use clap::Subcommand;
use happening_stack::project::target;

/// What can be measured
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Durable bookings per second on one event, against bare inserts by pgbench
    Drop {
        /// Pairs of measurement and reference
        #[arg(long, default_value_t = 5)]
        pairs: u32,
        /// Seconds of each
        #[arg(long, default_value_t = 3)]
        seconds: u32,
        /// Only what has this in its name, as "strangers"
        #[arg(long, default_value = "")]
        only: String,
    },
    /// All kinds of changes at once, at three events and two servers; fails when one is answered 503
    Mixed {
        /// Requests a second
        #[arg(long, default_value_t = 600)]
        rate: u32,
        #[arg(long, default_value_t = 30)]
        seconds: u32,
    },
    /// Changes of events with thousands of bookings; fails when one holds an event's row for 300 ms, or one of 2,000 who cancel at once
    /// is refused
    Large,
    /// What reads cost the database at a large event, beside the same reads at a small one
    Reads,
    /// Drawing the seat map in the real engine, against bare pixels and against a grid of elements
    SeatMap,
    /// From starting the app to a screen that can be used, against the first frame of a bare window of the same engine
    Start {
        /// Pairs of measurement and reference
        #[arg(long, default_value_t = 5)]
        pairs: u32,
    },
}

/// Runs a benchmark.
///
/// # Errors
/// When a program does not start, or a measurement is outside its bounds.
pub(crate) async fn run(name: &Bench) -> Result<()> {
    match name {
        Bench::Drop { pairs, seconds, only } => drop::run(*pairs, *seconds, only).await,
        Bench::Mixed { rate, seconds } => mixed::run(*rate, *seconds).await,
        Bench::Large => large::run().await,
        Bench::Reads => reads::run().await,
        Bench::SeatMap => seat_map::run().await,
        Bench::Start { pairs } => start::run(*pairs).await,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Writes the figures to `target/bench/NAME.json`.
fn report_as(name: &str, figures: &serde_json::Value) -> Result<()> {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_vec_pretty(figures)?)?;
    Ok(())
}
