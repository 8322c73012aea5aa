//! `test`: runs every test, on services that this task starts and stops.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use anyhow::{Context, Result, ensure};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{ENGINE_FAULTS, Stack, TEST_STACK};

use crate::parallel::side_by_side;
use crate::{build, doctor, packages, tools as installed, ui};

/// Builds the server with the switches that take protections away, for tests that must notice that.
const SWITCHES: [&str; 2] = ["--features", "happening-backend/switches"];
/// An environment variable that keeps the services running after the tests.
const KEEP: &str = "HAPPENING_KEEP_TEST_STACK";

/// Runs the tests whose name contains `filter`. Stops the services afterwards, also when a test fails.
///
/// # Errors
/// When a build, a service or a test fails.
pub(crate) fn test(ask: bool, filter: Option<&str>) -> Result<()> {
    progress::begin(3);
    step("Looking at this machine");
    doctor::before_building()?;
    let missing = packages::agree(
        ask,
        &[packages::SERVICES, packages::SHELL, packages::VIRTUAL_DISPLAY, packages::WEBDRIVER, packages::EXAMPLES],
    )?;
    let stack = Stack::at(&target().join("test-stack"))?;
    stack.remove_stale_queues()?;
    let result = build_all(&stack, &missing).and_then(|()| run_tests(&stack, filter));
    if std::env::var_os(KEEP).is_none() {
        stack.stop(&say).context("the services of the tests could not be stopped")?;
    }
    result
}

fn build_all(stack: &Stack, missing: &packages::Agreed) -> Result<()> {
    step("Building screens, server, app and tests, and installing and starting services for the tests meanwhile");
    let (packages_are_there, waits) = mpsc::channel();
    side_by_side(vec![
        (
            "the services",
            Box::new(move || {
                missing.install()?;
                packages_are_there.send(()).ok(); // fails when the build has failed and no longer waits
                stack.start(&root(), &tools(), &say)?;
                stack.drop_test_databases()?;
                installed::schemathesis()?;
                installed::axe().map(drop)
            }),
        ),
        ("the programs", Box::new(move || build_programs(&waits))),
    ])
}

/// Builds the screens; then, once the packages are installed that the app links with, everything else.
fn build_programs(packages_are_there: &mpsc::Receiver<()>) -> Result<()> {
    ui::bundle_quietly(ui::Profile::Quick)?;
    if packages_are_there.recv().is_err() {
        return Ok(()); // the packages could not be installed; the other job reports that failure
    }
    build::cargo(&build::SERVER_AND_APP)?;
    std::fs::copy(target().join("debug/happening-backend"), plain_backend())?;
    say("building the tests, and the server with its test switches");
    build::cargo(&[&build::SERVER[..], &SWITCHES].concat())?;
    build::cargo(&[&["test", "--workspace", "--no-run"][..], &SWITCHES].concat())
}

fn run_tests(stack: &Stack, filter: Option<&str>) -> Result<()> {
    step("Running the tests");
    let text = |path: &Path| path.display().to_string();
    let built = |name: &str| text(&target().join("debug").join(name));
    let env = [
        (TEST_STACK, text(&stack.folder)),
        ("HAPPENING_BACKEND", built("happening-backend")),
        ("HAPPENING_PLAIN_BACKEND", text(&plain_backend())),
        ("HAPPENING_APP", built("happening")),
        ("HAPPENING_XTASK", text(&std::env::current_exe()?)),
        ("HAPPENING_SCHEMATHESIS", text(&installed::schemathesis()?)),
        ("HAPPENING_AXE", text(&installed::axe()?)),
        // no backtraces: an error tells what was expected and what was found, and the runtime's frames add nothing
        ("RUST_BACKTRACE", "0".to_owned()),
    ];
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    let noted = stack.folder.join(ENGINE_FAULTS);
    std::fs::remove_file(&noted).ok(); // missing, unless the engine failed in an earlier run
    let mut arguments =
        [&["test", "--workspace"][..], &SWITCHES, &["--no-fail-fast", "--", "--test-threads", "2"]].concat();
    arguments.extend(filter);
    let failed = build::cargo_tests(&arguments, &env)?;
    let noted = std::fs::read_to_string(&noted).unwrap_or_default();
    let is_engines = |test: &&String| noted.lines().any(|line| line == test.as_str());
    let (engines, ours): (Vec<&String>, Vec<&String>) = failed.iter().partition(is_engines);
    ensure!(ours.is_empty(), "these tests failed: {}", list(&ours));
    if engines.is_empty() {
        return Ok(());
    }
    say(&format!("the web engine failed in these tests, so they run once more: {}", list(&engines)));
    let mut arguments =
        [&["test", "--workspace"][..], &SWITCHES, &["--test", "app", "--", "--test-threads", "2", "--exact"]].concat();
    arguments.extend(engines.iter().map(|test| test.as_str()));
    let failed = build::cargo_tests(&arguments, &env)?;
    ensure!(failed.is_empty(), "these tests failed twice: {}", failed.join(", "));
    Ok(())
}

fn list(tests: &[&String]) -> String {
    tests.iter().map(|test| test.as_str()).collect::<Vec<_>>().join(", ")
}

/// The server without test switches, which is kept beside the one that has them.
fn plain_backend() -> PathBuf {
    target().join("debug/happening-backend-plain")
}
