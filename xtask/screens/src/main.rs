//! `bundle-screens WASM DIST`: from the compiled screens the files that the webview loads. Run by `cargo xtask ui`.
//!
//! A program of its own, since wasm-bindgen and the splitter bring a hundred crates that no other task needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, dist] = &arguments[..] else { anyhow::bail!("usage: bundle-screens WASM DIST") };
    let start = split(wasm, dist)?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&start).web(true)?.typescript(false).out_name("happening_ui");
    bindgen.keep_lld_exports(true).generate(dist) // the parts share its table of functions
}

/// Splits the compiled screens at the functions that `ui/src/parts.rs` marks: the parts go to `dist`, what is loaded at the
/// start to the path that is returned.
fn split(wasm: &Path, dist: &Path) -> Result<PathBuf> {
    let whole = std::fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let start = wasm.with_file_name("start.wasm");
    let mut options = wasm_split_cli_support::Options::new(&whole);
    (options.output_dir, options.main_out_path, options.main_module) = (dist, &start, "./happening_ui.js");
    wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("the screens cannot be split into parts: {error:#}"))?;
    Ok(start)
}
