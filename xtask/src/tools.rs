//! Third-party tools, installed once into `target/tools` in versions that were tried.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::progress::say;
use happening_stack::project::tools;
use happening_stack::run;

/// Checks a page's accessibility.
const AXE: &str = "axe-core@4.14.1";
/// Optimizes wasm for size.
const BINARYEN: &str = "binaryen@132.0.0";
const TAURI: &str = "@tauri-apps/cli@2.12.5";
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Installs Schemathesis, which generates calls from the OpenAPI document.
///
/// # Errors
/// When Python or the network is missing.
pub(crate) fn schemathesis() -> Result<PathBuf> {
    let folder = tools().join("schemathesis");
    let program = folder.join("bin/schemathesis");
    // an installed copy stops working when the checkout is moved or Python is replaced
    if run(Command::new(&program).arg("--version")).is_err() {
        say(&format!("installing {SCHEMATHESIS} into target/tools (once)"));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            .context("Python 3 with venv is needed")?;
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))
            .context("Schemathesis cannot be installed: is there a network?")?;
    }
    Ok(program)
}

/// Installs the accessibility checker, a script.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn axe() -> Result<PathBuf> {
    package(AXE, "axe-core/axe.min.js")
}

/// Installs the optimizer of wasm.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn wasm_opt() -> Result<PathBuf> {
    package(BINARYEN, ".bin/wasm-opt")
}

/// Installs Tauri's tool, which builds installers.
///
/// # Errors
/// When npm or the network is missing.
pub(crate) fn tauri() -> Result<PathBuf> {
    package(TAURI, ".bin/tauri")
}

/// Installs a package of npm. Answers the path of one of its files.
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
