//! Tasks that drive the real app or server. This file builds what they need; the program `happening-tools`, which is
//! built only for them, does the driving.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use happening_stack::progress::{self, step};
use happening_stack::project::target;
use happening_stack::run;

use crate::{build, packages, services, ui};

/// What can be measured
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Bench {
    /// Durable bookings per second on one event, against bare inserts by pgbench
    Drop,
    /// Changes of events with thousands of bookings: how long an event's row is held
    Large,
    /// All kinds of changes at once, at three events and two servers
    Mixed,
    /// What reads cost the database at a large event, beside the same reads at a small one
    Reads,
    /// Drawing the seat map in the real engine, against bare pixels and against a grid of elements
    SeatMap,
    /// From starting the app to a screen that can be used, against the first frame of a bare window of the same engine
    Start,
}

/// Runs a benchmark with its own options, which `happening-tools` knows.
///
/// # Errors
/// When a build fails, a program does not start, or the benchmark fails.
pub(crate) fn bench(ask: bool, name: Bench, options: &[String]) -> Result<()> {
    progress::begin(3);
    let windows = [packages::SHELL, packages::VIRTUAL_DISPLAY, packages::WEBDRIVER];
    let value = name.to_possible_value().expect("no variant is skipped");
    let arguments: Vec<&str> =
        ["bench", value.get_name()].into_iter().chain(options.iter().map(String::as_str)).collect();
    match name {
        Bench::Drop | Bench::Large | Bench::Mixed | Bench::Reads => with_server(ask, &arguments),
        Bench::SeatMap => {
            packages::ensure(ask, &windows)?;
            step("Building app and screens");
            build::cargo(&build::SCREENS)?;
            ui::compile(ui::Profile::Small, "bench")?;
            ui::assemble(ui::Profile::Small)?;
            build::cargo(&build::APP)?;
            let measured = drive(&arguments);
            // so that the next build does not ship the screens with the benchmark in them
            ui::bundle(ui::Profile::Quick)?;
            measured
        }
        Bench::Start => {
            packages::ensure(ask, &windows)?;
            ui::bundle_small()?; // the same screens as in the installers
            step("Building the app (release)");
            build::cargo(&["build", "--release", "--package", "happening", "--features", "tauri/custom-protocol"])?;
            drive(&arguments)
        }
    }
}

/// Runs a benchmark of the server.
fn with_server(ask: bool, arguments: &[&str]) -> Result<()> {
    packages::ensure(ask, &[packages::SERVICES])?;
    step("Building server and crowd (release)");
    let server = ["--bin", "happening-backend", "--features", "happening-backend/switches"];
    build::cargo(&[&["build", "--release", "--workspace", "--bin", "drop-load"][..], &server].concat())?;
    drive(arguments)
}

/// Takes a picture of every screen, on fresh demo data.
///
/// # Errors
/// When a build fails, or a screen does not show its text.
pub(crate) fn pictures(ask: bool) -> Result<()> {
    packages::ensure(ask, &[packages::SERVICES, packages::SHELL, packages::VIRTUAL_DISPLAY, packages::WEBDRIVER])?;
    services::down()?;
    // demo data is added to an empty database only, so start with one
    std::fs::remove_dir_all(target().join("stack")).ok();
    services::up(ask, false)?;
    ui::bundle(ui::Profile::Quick)?;
    build::cargo(&build::APP)?;
    drive(&["pictures"])
}

/// Runs `happening-tools` with these arguments.
///
/// # Errors
/// When the program cannot be built, or fails.
pub(crate) fn drive(arguments: &[&str]) -> Result<()> {
    step("Building what drives it");
    build::cargo(&build::TOOLS)?;
    step("Driving");
    if !build::shown(Command::new(target().join("debug/happening-tools")).args(arguments))? {
        bail!("{} did not work; the lines above say why", arguments.join(" "));
    }
    Ok(())
}

/// Prints an access token of a demo person to standard output, and nothing else.
///
/// # Errors
/// When the stack does not run or the person is unknown.
pub(crate) fn token(name: &str) -> Result<()> {
    let issuer = services::stack()?
        .written("OIDC_ISSUER_URL")
        .context("nothing was started yet: start it with cargo xtask up")?;
    let token = run(Command::new(target().join("debug/token")).args([&issuer, name]))
        .with_context(|| format!("{name} could not sign in; does the stack run (cargo xtask up)?"))?;
    print!("{token}");
    Ok(())
}
