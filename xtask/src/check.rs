//! `check`: formatting, lints, dependencies, documents. Needs no services.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{build, openapi, packages, root, say, step, ui};

/// Versions that are installed once, into `target/tools`.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-machete", "0.9.2")];
const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "migrations/README.md",
    "docs/api.md",
    "docs/guide.md",
    "docs/runbooks.md",
];

/// Checks everything.
///
/// # Errors
/// When something is not as it should be.
pub(crate) fn check(ask: bool) -> Result<()> {
    packages::ensure(ask, &[packages::SHELL])?;
    step("Formatting");
    build::cargo(&["fmt", "--all", "--check"])?;
    // the shell's build reads the bundle
    ui::bundle()?;
    step("Lints");
    build::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "happening-backend/switches",
        "--",
        "-D",
        "warnings",
    ])?;
    build::cargo(&["clippy", "--package", "happening-backend", "--", "-D", "warnings"])?;
    build::cargo(&[
        "clippy",
        "--package",
        "happening-ui",
        "--target",
        "wasm32-unknown-unknown",
        "--",
        "-D",
        "warnings",
    ])?;
    step("Dependencies");
    for (name, version) in TOOLS {
        install(name, version)?;
    }
    tool("cargo-deny", &["--all-features", "check", "bans", "licenses", "sources"])?;
    tool("cargo-machete", &["."])?;
    step("Documents");
    openapi::check()?;
    documents()
}

fn install(name: &str, version: &str) -> Result<()> {
    let tools = build::tools();
    if tools.join("bin").join(name).exists() {
        return Ok(());
    }
    say(&format!("installing {name} {version} into target/tools (once)"));
    let tools = tools.display().to_string();
    build::cargo(&["install", "--quiet", "--locked", "--root", &tools, "--version", version, name])
        .with_context(|| format!("{name} cannot be installed: is there a network?"))
}

fn tool(name: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(build::tools().join("bin").join(name)).args(arguments).current_dir(root()).status()?;
    if !status.success() {
        bail!("{name} found something");
    }
    Ok(())
}

/// Every file that a document names must exist.
fn documents() -> Result<()> {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let path = root().join(document);
        let text = std::fs::read_to_string(&path)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                missing.push(format!("{document}: {target}"));
            }
        }
    }
    if !missing.is_empty() {
        bail!("links that lead nowhere: {}", missing.join(", "));
    }
    Ok(())
}
