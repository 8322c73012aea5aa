//! Tools from elsewhere, installed once into `target/tools`, in versions that were tried.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::progress::say;
use happening_stack::project::tools;
use happening_stack::run;

/// Looks a page over for what keeps people from using it.
const AXE: &str = "axe-core@4.14.1";
/// Makes wasm smaller.
const BINARYEN: &str = "binaryen@132.0.0";
const TAURI: &str = "@tauri-apps/cli@2.12.5";
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The program that makes calls from the OpenAPI document.
///
/// # Errors
/// When Python or the network is missing.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let folder = tools().join("schemathesis");
    let program = folder.join("bin/schemathesis");
    // one that lies there runs no more when the checkout was moved, or Python replaced
    if run(Command::new(&program).arg("--version")).is_err() {
        say(&format!("installing {SCHEMATHESIS} into target/tools (once)"));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            .context("Python 3 with venv is needed")?;
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))
            .context("Schemathesis cannot be installed: is there a network?")?;
    }
    Ok(program)
}

/// The script of the accessibility checker.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn axe() -> Result<PathBuf> {
    package(AXE, "axe-core/axe.min.js")
}

/// The optimizer of wasm.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn wasm_opt() -> Result<PathBuf> {
    package(BINARYEN, ".bin/wasm-opt")
}

/// Tauri's tool, which makes installers.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn tauri() -> Result<PathBuf> {
    package(TAURI, ".bin/tauri")
}

/// A file of a package of npm.
fn package(name: &str, file: &str) -> Result<PathBuf> {
    let folder = tools().join("npm");
    let path = folder.join("node_modules").join(file);
    if !path.exists() {
        say(&format!("installing {name} into target/tools (once)"));
        std::fs::create_dir_all(&folder)?;
        let arguments = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        run(Command::new("npm").args(arguments).arg(&folder).arg(name))
            .with_context(|| format!("{name} cannot be installed: is npm there, and a network?"))?;
    }
    Ok(path)
}
