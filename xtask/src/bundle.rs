//! `bundle`: builds the installers of this system. With `--check` it also installs the .deb in a clean Debian, starts
//! the app from its desktop entry, and opens a link.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target};

use crate::{build, driven, packages, tools, ui};

/// The packages that `--check` needs beside those of a virtual display.
const CHECK_PACKAGES: &[&str] = &["debootstrap", "xdotool"];

/// Builds the installers.
///
/// # Errors
/// When a build fails, or the check finds a problem.
pub(crate) fn bundle(ask: bool, check: bool) -> Result<()> {
    progress::begin(5);
    packages::ensure(ask, &[packages::SHELL, &["npm", "rpm"]])?;
    ui::bundle_small()?;
    step("Building the installers");
    // the screens are built and minimized already
    let config = r#"{"build":{"beforeBuildCommand":""}}"#;
    let mut tauri = Command::new(tools::tauri()?);
    tauri.args(["build", "--config", config, "--bundles", if cfg!(target_os = "linux") { "deb,rpm" } else { "all" }]);
    ensure!(build::shown(tauri.current_dir(root()))?, "the installers could not be built; the lines above say why");
    for file in installers()? {
        say(&format!("{} ({} kB)", file.display(), std::fs::metadata(&file)?.len() / 1024));
    }
    if check {
        packages::ensure(ask, &[packages::VIRTUAL_DISPLAY, CHECK_PACKAGES])?;
        let package = installers()?.into_iter().find(|file| file.extension().is_some_and(|kind| kind == "deb"));
        let package = package.context("there is no .deb")?;
        driven::drive(&["try-installer", &package.display().to_string()])?;
    }
    Ok(())
}

fn installers() -> Result<Vec<PathBuf>> {
    let folder = target().join("release/bundle");
    let mut found = Vec::new();
    for kind in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        for file in std::fs::read_dir(kind?.path())? {
            let path = file?.path();
            if path.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}
