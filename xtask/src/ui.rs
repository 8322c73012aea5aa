//! `ui`: the app's screens as wasm, with their page and styles, in `ui/dist`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use happening_tests::stack::run;
use wasm_bindgen_cli_support::Bindgen;

use crate::{build, root, say, step, tools};

/// What the compiler emits, and no newer feature that an older web engine would refuse.
const WASM_OPT: [&str; 8] = [
    "-Oz",
    "--strip-debug",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds the bundle.
///
/// # Errors
/// When the screens do not compile.
pub(crate) fn bundle() -> Result<()> {
    bundle_with(&[])
}

/// As [`bundle`], with features of the screens.
///
/// # Errors
/// When the screens do not compile.
pub(crate) fn bundle_with(features: &[&str]) -> Result<()> {
    step("Building the app's screens");
    ensure_target()?;
    let features = features.join(",");
    let arguments = ["build", "--package", "happening-ui", "--target", "wasm32-unknown-unknown", "--profile", "wasm"];
    build::cargo(&[&arguments[..], &["--features", &features]].concat())?;
    let dist = root().join("ui/dist");
    std::fs::create_dir_all(&dist)?;
    let wasm = build::target().join("wasm32-unknown-unknown/wasm/happening-ui.wasm");
    Bindgen::new().input_path(&wasm).web(true)?.typescript(false).out_name("happening_ui").generate(&dist)?;
    copy_folder(&root().join("ui/public"), &dist)?;
    let bytes = std::fs::metadata(dist.join("happening_ui_bg.wasm"))?.len();
    say(&format!("ui/dist: {} kB of wasm", bytes / 1024));
    Ok(())
}

/// As [`bundle`], made as small as the optimizer can.
///
/// # Errors
/// When npm is missing, or the screens do not compile.
pub(crate) fn bundle_small() -> Result<()> {
    bundle()?;
    step("Making the screens small");
    let wasm = root().join("ui/dist/happening_ui_bg.wasm");
    let optimizer = tools::wasm_opt()?;
    run(Command::new(optimizer).args(WASM_OPT).arg(&wasm).arg("-o").arg(&wasm))?;
    let kb = std::fs::metadata(&wasm)?.len() / 1024;
    say(&format!("ui/dist: {kb} kB of wasm"));
    Ok(())
}

fn ensure_target() -> Result<()> {
    let list = std::process::Command::new("rustup").args(["target", "list", "--installed"]).output();
    let Ok(list) = list else { return Ok(()) }; // a toolchain without rustup brings its own targets
    if String::from_utf8_lossy(&list.stdout).contains("wasm32-unknown-unknown") {
        return Ok(());
    }
    say("adding the target wasm32-unknown-unknown");
    let status = std::process::Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"]).status()?;
    anyhow::ensure!(status.success(), "the wasm target cannot be added; is there a network?");
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir_all(&target)?;
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
