//! `openapi`: writes the OpenAPI document that the server makes from its routes, or checks that the committed one
//! equals it.

use std::process::Command;

use anyhow::{Result, bail};
use happening_stack::progress::say;
use happening_stack::project::{root, target};
use happening_stack::run;

use crate::build;

const FILE: &str = "docs/openapi.json";

fn made() -> Result<String> {
    build::cargo(&build::SERVER)?;
    run(Command::new(target().join("debug/happening-backend")).arg("openapi"))
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
