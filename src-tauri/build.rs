//! Reads tauri.conf.json, and permits the app's windows to call the app's own commands and to listen to its events,
//! nothing else.

use std::error::Error;
use std::path::Path;

// includes only the file with the list: as a dependency, the whole crate would be compiled once more for this script
#[macro_use]
#[path = "../api/src/commands.rs"]
mod commands;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        &[$(stringify!($name)),*]
    };
}

const COMMANDS: &[&str] = with_commands!(names);

fn main() {
    println!("cargo:rerun-if-changed=api/src/commands.rs");
    println!("cargo:rerun-if-changed=ui/dist");
    if let Err(error) = build() {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&std::env::var("OUT_DIR")?).join("capabilities");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("main.json"), capability())?;
    // the path is relative if possible, because folders above the project may contain characters that are special in a
    // glob pattern
    let below = folder.strip_prefix(std::env::current_dir()?).unwrap_or(&folder);
    let pattern = below.join("*.json").display().to_string();
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern(pattern.leak())
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS));
    Ok(tauri_build::try_build(attributes)?)
}

/// The permissions of the app's windows. Tauri makes a permission of each command.
fn capability() -> String {
    let own = COMMANDS.iter().map(|name| format!("allow-{}", name.replace('_', "-")));
    let events = ["core:event:allow-listen", "core:event:allow-unlisten"].map(str::to_owned);
    let permissions: Vec<String> = events.into_iter().chain(own).map(|name| format!("{name:?}")).collect();
    format!(
        r#"{{ "identifier": "main", "windows": ["main", "board-*"], "permissions": [{}] }}"#,
        permissions.join(", ")
    )
}
