//! `simulate`: runs many random schedules of the seat writer, each from a seed.

use anyhow::Result;
use happening_stack::progress::{self, step};

use crate::build;

/// Runs schedules. Seat writer and rules are compiled with optimization, everything else as for the tests.
///
/// # Errors
/// When a schedule violates a rule; the message names its seed.
pub(crate) fn simulate(seed: u64, schedules: u64) -> Result<()> {
    progress::begin(2);
    step("Building the simulation");
    let optimized =
        ["happening-backend", "happening-seating"].map(|package| format!("profile.dev.package.{package}.opt-level=3"));
    let with = |more: &[&'static str]| -> Vec<String> {
        let common = ["test", "--workspace", "--bin", "happening-backend", "--features", "happening-backend/switches"];
        let config = optimized.iter().flat_map(|setting| ["--config", setting.as_str()]);
        common.into_iter().chain(config).chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let run = |arguments: &[String], env: &[(&str, &str)]| {
        build::cargo_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), env)
    };
    run(&with(&["--no-run"]), &[])?;
    step(&format!("Running {schedules} schedules from seed {seed} on"));
    let (seed, schedules) = (seed.to_string(), schedules.to_string());
    let env = [("SIMULATION_SEED", seed.as_str()), ("SIMULATION_SCHEDULES", schedules.as_str())];
    run(&with(&["--", "--nocapture", "--exact", "seats::simulation::no_schedule_breaks_an_invariant"]), &env)
}
