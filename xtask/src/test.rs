//! `test`: the checks, then every test, on services that this task starts and stops.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use happening_tests::stack::{Stack, TEST_STACK};

use crate::{build, check, packages, root, say, sqlx_data, step, tools, ui};

/// Runs everything; services are stopped again, also when a test fails.
///
/// # Errors
/// When something fails.
pub(crate) async fn test(ask: bool, filter: Option<&str>, no_check: bool) -> Result<()> {
    packages::ensure(
        ask,
        &[packages::SERVICES, packages::SHELL, packages::VIRTUAL_DISPLAY, packages::WEBDRIVER, packages::EXAMPLES],
    )?;
    if !no_check {
        check::check(ask)?;
    }
    ui::bundle()?;
    // the whole workspace each time, as the tests do: its parts share features then, and nothing is built twice
    step("Building app and server");
    build::cargo(&["build", "--workspace"])?;
    std::fs::copy(build::target().join("debug/happening-backend"), plain_backend())?;
    step("Building the server with its test switches");
    build::cargo(&["build", "--workspace", "--features", "happening-backend/switches"])?;
    let folder = build::target().join("test-stack");
    let (schemathesis, axe) = (tools::schemathesis()?, tools::axe()?);
    let stack = Stack::at(&folder)?;
    step("Starting services for the tests");
    stack.forget_queues()?;
    let result = match stack.start(&root(), &build::tools(), &say).await {
        Ok(()) => match if no_check { Ok(()) } else { prepare(&stack).await } {
            Ok(()) => run_tests(&stack, &schemathesis, &axe, filter),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    let keep = std::env::var_os("HAPPENING_KEEP_TEST_STACK").is_some();
    if !keep {
        stack.stop(&say).await.context("the services of the tests could not be stopped")?;
    }
    result
}

async fn prepare(stack: &Stack) -> Result<()> {
    stack.forget_worlds()?;
    sqlx_data::check(stack).await
}

fn run_tests(stack: &Stack, schemathesis: &Path, axe: &Path, filter: Option<&str>) -> Result<()> {
    step("Running the tests");
    let folder = stack.folder.display().to_string();
    let backend = build::target().join("debug/happening-backend").display().to_string();
    let app = build::target().join("debug/happening").display().to_string();
    let plain = plain_backend().display().to_string();
    let (schemathesis, axe) = (schemathesis.display().to_string(), axe.display().to_string());
    let env = [
        (TEST_STACK, folder.as_str()),
        ("HAPPENING_BACKEND", backend.as_str()),
        ("HAPPENING_PLAIN_BACKEND", plain.as_str()),
        ("HAPPENING_APP", app.as_str()),
        ("HAPPENING_SCHEMATHESIS", schemathesis.as_str()),
        ("HAPPENING_AXE", axe.as_str()),
        // an error says what was expected and what was there; the frames of the runtime above it say nothing more
        ("RUST_BACKTRACE", "0"),
    ];
    let mut arguments = vec!["test", "--workspace", "--features", "happening-backend/switches", "--no-fail-fast", "--"];
    arguments.extend(["--test-threads", "2"]);
    arguments.extend(filter);
    build::cargo_with(&arguments, &env)
}

/// The server without test switches, kept beside the one that has them.
fn plain_backend() -> PathBuf {
    build::target().join("debug/happening-backend-plain")
}
