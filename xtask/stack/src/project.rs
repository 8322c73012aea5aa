//! The paths of the project's folders.

use std::path::{Path, PathBuf};

/// The folder of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

/// Cargo's target folder. Stacks, tools, logs and pictures are stored in it, too.
pub fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The folder in which tools from package registries are installed.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// `target/logs/<name>.log`, for the output of a program such as apt-get, which the person is not shown.
///
/// # Errors
/// When the folder cannot be created.
pub fn log_file(name: &str) -> std::io::Result<PathBuf> {
    let folder = target().join("logs");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("{name}.log")))
}
