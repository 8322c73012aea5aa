//! `bundle-screens WASM DIST`: makes the files that the webview loads from the compiled screens. Run by `cargo xtask
//! ui`.
//!
//! It is a separate program because wasm-bindgen brings many crates that no other task needs.

use std::path::PathBuf;

use anyhow::Result;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [wasm, dist] = &arguments[..] else { anyhow::bail!("usage: bundle-screens WASM DIST") };
    Bindgen::new().input_path(wasm).web(true)?.typescript(false).out_name("happening_ui").generate(dist)
}
