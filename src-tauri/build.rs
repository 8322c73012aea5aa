//! Reads tauri.conf.json and the capability file.

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=ui/dist");
    let commands = &[
        "session",
        "sign_in",
        "open_sign_in_again",
        "copy_sign_in_link",
        "copy",
        "appearance",
        "cancel_sign_in",
        "sign_out",
        "call",
        "info",
        "opened",
        "preview_invite",
        "accept_invite",
        "forget_invite",
        "remember_organization",
        "check_server",
        "change_server",
        "save",
        "open_board",
        "diagnostics",
        "update",
    ];
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().commands(commands));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning={error:#}");
        std::process::exit(1);
    }
}
