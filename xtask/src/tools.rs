//! Tools from elsewhere, installed once into `target/tools`, in versions that were tried.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use happening_tests::stack::run;

use crate::{root, say};

const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The program that makes calls from the OpenAPI document.
///
/// # Errors
/// When Python or the network is missing.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let folder = root().join("target/tools/schemathesis");
    let program = folder.join("bin/schemathesis");
    if !program.exists() {
        say(&format!("installing {SCHEMATHESIS} into target/tools (once)"));
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context("Python 3 with venv is needed")?;
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))
            .context("Schemathesis cannot be installed: is there a network?")?;
    }
    Ok(program)
}
