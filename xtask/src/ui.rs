//! `ui`: the app's screens as wasm, with their page and styles, in `ui/dist`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target};
use happening_stack::run;

use crate::{build, tools};

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

/// The screens.
const BUNDLE: &str = "happening_ui_bg.wasm";

/// Most bytes of [`BUNDLE`] as gzip: who makes it larger decides so.
const GZIP_MAX: usize = 600_000;

/// For whom the screens are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Soon compiled: development and tests.
    Quick,
    /// Small and fast: installers and benchmarks.
    Small,
}

impl Profile {
    /// The profile in Cargo.toml, and the name of its folder.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Quick => ("dev", "debug"),
            Self::Small => ("wasm", "wasm"),
        }
    }
}

/// Compiles the screens and makes their bundle.
///
/// # Errors
/// When they do not compile.
pub(crate) fn bundle(profile: Profile) -> Result<()> {
    step("Building the app's screens");
    bundle_quietly(profile)
}

/// As [`bundle`], without a heading.
///
/// # Errors
/// When they do not compile.
pub(crate) fn bundle_quietly(profile: Profile) -> Result<()> {
    build::cargo(&build::SCREENS)?;
    compile(profile, "")?;
    assemble(profile)
}

/// Compiles the screens to wasm, with features of theirs (separated by commas).
///
/// # Errors
/// When they do not compile.
pub(crate) fn compile(profile: Profile, features: &str) -> Result<()> {
    ensure_target()?;
    let package = ["build", "--package", "happening-ui", "--bin", "happening-ui", "--target", "wasm32-unknown-unknown"];
    build::cargo(&[&package[..], &["--profile", profile.names().0, "--features", features]].concat())
}

/// Makes `ui/dist` from the compiled screens. [`build::SCREENS`] must have been built.
///
/// # Errors
/// When the bundle cannot be made.
pub(crate) fn assemble(profile: Profile) -> Result<()> {
    let wasm = target().join("wasm32-unknown-unknown").join(profile.names().1).join("happening-ui.wasm");
    let (program, public) = (target().join("debug/bundle-screens"), root().join("ui/public"));
    let dist = root().join("ui/dist");
    // what the bundle was made of; outside of it, since all that lies in it is packed into the app
    let (noted, made_of) = (root().join("ui/.dist-inputs"), inputs(&[&wasm, &program, &public])?);
    if dist.exists() && std::fs::read_to_string(&noted).is_ok_and(|text| text == made_of) {
        return Ok(()); // a new bundle would have the app built again
    }
    std::fs::remove_file(&noted).ok();
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?; // files of an earlier one would be packed, too
    }
    std::fs::create_dir_all(&dist)?;
    run(Command::new(&program).arg(&wasm).arg(&dist))?;
    copy_folder(&public, &dist)?;
    Ok(std::fs::write(&noted, made_of)?)
}

/// Every file below these paths with its time and size, a line each.
fn inputs(paths: &[&Path]) -> Result<String> {
    let mut lines = Vec::new();
    // without links, so that the same files have the same names from every target folder
    let mut open: Vec<PathBuf> = paths
        .iter()
        .map(|path| path.canonicalize())
        .collect::<std::io::Result<_>>()
        .context("what the screens are bundled from is not there")?;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else {
            let of = std::fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
            lines.push(format!("{} {:?} {}", path.display(), of.modified()?, of.len()));
        }
    }
    lines.sort();
    Ok(lines.join("\n"))
}

/// As [`bundle`], made as small as the optimizer can.
///
/// # Errors
/// When npm is missing, the screens do not compile, or they are larger than [`GZIP_MAX`].
pub(crate) fn bundle_small() -> Result<()> {
    bundle(Profile::Small)?;
    step("Making the screens small");
    let (optimizer, dist) = (tools::wasm_opt()?, root().join("ui/dist"));
    std::fs::remove_file(root().join("ui/.dist-inputs")).ok(); // it will be another one
    let wasm = dist.join(BUNDLE);
    run(Command::new(&optimizer).args(WASM_OPT).arg(&wasm).arg("-o").arg(&wasm))?;
    let size = gzipped(&wasm)?;
    say(&format!("ui/dist: {size} bytes of wasm as gzip; at most {GZIP_MAX}"));
    anyhow::ensure!(size <= GZIP_MAX, "the screens have become too large");
    Ok(())
}

fn gzipped(file: &Path) -> Result<usize> {
    let output = Command::new("gzip").args(["--best", "--stdout"]).arg(file).output().context("gzip is needed")?;
    anyhow::ensure!(output.status.success(), "gzip failed");
    Ok(output.stdout.len())
}

/// The app's compilation looks for a bundle; for one that is not run, an empty page is enough.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn ensure_dist() -> Result<()> {
    let page = root().join("ui/dist/index.html");
    if page.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(root().join("ui/dist"))?;
    Ok(std::fs::write(page, "")?)
}

/// Adds the target of the screens when rustup has it not. A toolchain without rustup brings its own targets.
///
/// # Errors
/// When it cannot be added.
pub(crate) fn ensure_target() -> Result<()> {
    let Ok(list) = Command::new("rustup").args(["target", "list", "--installed"]).output() else { return Ok(()) };
    if String::from_utf8_lossy(&list.stdout).contains("wasm32-unknown-unknown") {
        return Ok(());
    }
    say("adding the target wasm32-unknown-unknown");
    run(Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
        .context("the wasm target cannot be added; is there a network?")
        .map(drop)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
