//! Building with cargo.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::root;

/// Runs cargo with these arguments, showing what it says.
///
/// # Errors
/// When it fails.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    cargo_with(arguments, &[])
}

/// As [`cargo`], with more in the environment.
///
/// # Errors
/// When it fails.
pub(crate) fn cargo_with(arguments: &[&str], env: &[(&str, &str)]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // set for this program by `cargo run`; passed on, they would make the other packages build anew
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    // queries are checked against `.sqlx`, not against whatever database the environment names
    command.env_remove("DATABASE_URL");
    let status = command.args(arguments).envs(env.iter().copied()).current_dir(root()).status()?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Where cargo puts what it builds; stacks, tools and pictures lie there, too.
pub(crate) fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Where tools from elsewhere are put.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}
