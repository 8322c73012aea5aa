//! `ui`: the app's screens as wasm, with their page and styles, in `ui/dist`.

use std::io::Write;
use std::path::{Path, PathBuf};
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

/// The wasm that is loaded at the start. Its JavaScript and the parts are not counted in [`START_GZIP_MAX`].
const START: &str = "happening_ui_bg.wasm";

/// Most bytes of [`START`] as gzip, so that the first screen stays quick to be there.
const START_GZIP_MAX: usize = 300_000;

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
    let package = ["--package", "happening-ui", "--bin", "happening-ui", "--target", "wasm32-unknown-unknown"];
    let options = ["--profile", "wasm", "--features", &features, "--", "-Clink-arg=--emit-relocs"];
    build::cargo(&[&["rustc"][..], &package, &options].concat())?;
    let dist = root().join("ui/dist");
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?; // parts of an earlier cut would be packed, too
    }
    std::fs::create_dir_all(&dist)?;
    let start = cut(&build::target().join("wasm32-unknown-unknown/wasm/happening-ui.wasm"), &dist)?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&start).web(true)?.typescript(false).out_name("happening_ui");
    bindgen.keep_lld_exports(true).generate(&dist)?; // the parts share its table of functions
    copy_folder(&root().join("ui/public"), &dist)?;
    tell_sizes(&dist)
}

/// Cuts the compiled screens at the functions that `ui/src/parts.rs` marks: the parts go to `dist`, what is loaded at the start
/// to the path that is returned.
fn cut(wasm: &Path, dist: &Path) -> Result<PathBuf> {
    let (whole, start) = (std::fs::read(wasm)?, wasm.with_file_name("start.wasm"));
    let mut options = wasm_split_cli_support::Options::new(&whole);
    (options.output_dir, options.main_out_path, options.main_module) = (dist, &start, "./happening_ui.js");
    wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("the screens cannot be cut into parts: {error:#}"))?;
    Ok(start)
}

/// As [`bundle`], made as small as the optimizer can.
///
/// # Errors
/// When npm is missing, the screens do not compile, or more than [`START_GZIP_MAX`] is loaded at the start.
pub(crate) fn bundle_small() -> Result<()> {
    bundle()?;
    step("Making the screens small");
    let (optimizer, dist) = (tools::wasm_opt()?, root().join("ui/dist"));
    for (name, _) in parts(&dist)? {
        let wasm = dist.join(name);
        run(Command::new(&optimizer).args(WASM_OPT).arg(&wasm).arg("-o").arg(&wasm))?;
    }
    tell_sizes(&dist)?;
    let start = gzipped(&dist.join(START))?;
    say(&format!("{start} bytes gzip at the start; at most {START_GZIP_MAX}"));
    anyhow::ensure!(
        start <= START_GZIP_MAX,
        "too much is loaded at the start; can a screen that is not seen first move to a part of ui/src/parts.rs?"
    );
    Ok(())
}

fn gzipped(file: &Path) -> Result<usize> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&std::fs::read(file)?)?;
    Ok(gzip.finish()?.len())
}

/// Names and bytes of what is loaded as wasm.
fn parts(dist: &Path) -> Result<Vec<(String, u64)>> {
    let mut parts = Vec::new();
    for entry in std::fs::read_dir(dist)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") {
            parts.push((name, entry.metadata()?.len()));
        }
    }
    Ok(parts)
}

fn tell_sizes(dist: &Path) -> Result<()> {
    let parts = parts(dist)?;
    let all: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
    let start = parts.iter().find(|(name, _)| name == START).map_or(0, |(_, bytes)| *bytes);
    say(&format!("ui/dist: {} kB of wasm, {} kB of it loaded at the start", all / 1024, start / 1024));
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
