//! `ui`: builds the app's screens as wasm, with their page and styles, into `ui/dist`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target};
use happening_stack::run;

use crate::{build, tools};

/// Enables the wasm features that the compiler itself emits, and no newer ones, which older web engines would refuse.
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

/// The file that has the screens' code.
const BUNDLE: &str = "happening_ui_bg.wasm";

/// The most bytes that [`BUNDLE`] may have as gzip. Raise this only after deciding that the screens may grow.
const GZIP_MAX: usize = 600_000;

/// How the screens are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Fast to compile, for development and tests.
    Quick,
    /// Small and fast to run, for installers and benchmarks.
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

/// Like [`bundle`], without printing a heading.
///
/// # Errors
/// When they do not compile.
pub(crate) fn bundle_quietly(profile: Profile) -> Result<()> {
    build::cargo(&build::SCREENS)?;
    compile(profile, "")?;
    assemble(profile)
}

/// Compiles the screens to wasm, with cargo features (separated by commas).
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
    // the bundle's inputs are noted outside of `ui/dist`, since all files in it are embedded into the app
    let (noted, made_of) = (root().join("ui/.dist-inputs"), inputs(&[&wasm, &program, &public])?);
    if dist.exists() && std::fs::read_to_string(&noted).is_ok_and(|text| text == made_of) {
        return Ok(()); // replacing an equal bundle would make cargo build the app again
    }
    std::fs::remove_file(&noted).ok();
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?; // files of an earlier bundle would be embedded, too
    }
    std::fs::create_dir_all(&dist)?;
    run(Command::new(&program).arg(&wasm).arg(&dist))?;
    copy_folder(&public, &dist)?;
    Ok(std::fs::write(&noted, made_of)?)
}

/// Lists every file below these paths with its time and size, one per line.
fn inputs(paths: &[&Path]) -> Result<String> {
    let mut lines = Vec::new();
    // resolve links, so that the same files have the same paths whichever target folder is used
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

/// Like [`bundle`], then minimizes the wasm with the optimizer.
///
/// # Errors
/// When npm is missing, the screens do not compile, or they are larger than [`GZIP_MAX`].
pub(crate) fn bundle_small() -> Result<()> {
    bundle(Profile::Small)?;
    step("Making the screens small");
    let (optimizer, dist) = (tools::wasm_opt()?, root().join("ui/dist"));
    // the bundle changes now, so its noted inputs no longer hold
    std::fs::remove_file(root().join("ui/.dist-inputs")).ok();
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

/// Makes sure that `ui/dist` has a page, since the app's build embeds it. An empty page is enough for an app that is
/// compiled and not run.
///
/// # Errors
/// When the page cannot be written.
pub(crate) fn ensure_dist() -> Result<()> {
    let page = root().join("ui/dist/index.html");
    if page.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(root().join("ui/dist"))?;
    Ok(std::fs::write(page, "")?)
}

/// Adds the screens' target when rustup lacks it. A toolchain without rustup brings its own targets.
///
/// # Errors
/// When the target cannot be added.
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
