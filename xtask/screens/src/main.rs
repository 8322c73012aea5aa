//! `bundle-screens WASM DIST`: from the compiled screens the files that the webview loads. Run by `cargo xtask ui`.
//!
//! A program of its own, since wasm-bindgen brings many crates that no other task needs.

use std::path::PathBuf;

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, dist] = &arguments[..] else { anyhow::bail!("usage: bundle-screens WASM DIST") };
    Bindgen::new().input_path(wasm).web(true)?.typescript(false).out_name("happening_ui").generate(dist)
}
