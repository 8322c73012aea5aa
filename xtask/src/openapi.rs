//! `openapi`: the committed OpenAPI document is the one that the server makes from its routes.

use std::process::Command;

use anyhow::{Result, bail};
use happening_tests::stack::run;

use crate::{build, root, say, ui};

const FILE: &str = "docs/openapi.json";

fn made() -> Result<String> {
    ui::bundle()?;
    // the whole workspace, as the tests build it
    build::cargo(&["build", "--workspace"])?;
    run(Command::new(build::target().join("debug/happening-backend")).arg("openapi"))
}

/// Writes the document.
///
/// # Errors
/// When the server cannot be built.
pub(crate) fn write() -> Result<()> {
    std::fs::write(root().join(FILE), made()?)?;
    say(&format!("{FILE} is up to date"));
    Ok(())
}

/// Compares the committed document with the server's.
///
/// # Errors
/// When they differ.
pub(crate) fn check() -> Result<()> {
    if std::fs::read_to_string(root().join(FILE)).unwrap_or_default() != made()? {
        bail!("{FILE} is not what the server serves: run `cargo xtask openapi` and look at the difference");
    }
    Ok(())
}
