//! The desktop shell: the window, the session, the network. The screens run in the webview (`ui/`), which never sees a token
//! and never opens a connection; it calls the few commands in `commands.rs`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod backend;
mod commands;
mod deep_link;
mod login;
mod session;
mod settings;
mod vault;

use tauri::{Emitter, Manager};
use tauri_plugin_deep_link::DeepLinkExt;
use tracing_subscriber::EnvFilter;

use crate::deep_link::DeepLink;
use crate::session::Session;

fn main() {
    let filter = EnvFilter::try_from_env("HAPPENING_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let app = tauri::Builder::default()
        // first of all: a second start hands its deep link over and ends
        .plugin(tauri_plugin_single_instance::init(|app, _, _| show_window(app)))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_opener::init())
        .invoke_handler(tauri::generate_handler![
            commands::session,
            commands::sign_in,
            commands::open_sign_in_again,
            commands::sign_in_link,
            commands::cancel_sign_in,
            commands::sign_out,
            commands::call,
            commands::info,
            commands::opened,
        ])
        .setup(|app| {
            let handle = app.handle().clone();
            let tell = move |view: &happening_api::SessionView| {
                if let Err(error) = handle.emit("session", view) {
                    tracing::warn!(%error, "the window could not be told of the session");
                }
            };
            app.manage(Session::new(settings::server_url()?, Box::new(tell))?);
            app.manage(commands::Opened::default());
            listen_for_links(app.handle());
            let handle = app.handle().clone();
            tauri::async_runtime::spawn(async move { handle.state::<Session>().restore().await });
            Ok(())
        })
        .run(tauri::generate_context!());
    if let Err(error) = app {
        tracing::error!(%error, "the app cannot run");
        std::process::exit(1);
    }
}

fn show_window(app: &tauri::AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        // a window that cannot be raised is still there
        drop(window.unminimize());
        drop(window.set_focus());
    }
}

fn listen_for_links(app: &tauri::AppHandle) {
    #[cfg(any(target_os = "linux", debug_assertions))]
    if let Err(error) = app.deep_link().register_all() {
        tracing::debug!(%error, "the scheme is registered by the installer");
    }
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        urls.iter().for_each(|url| follow(app, url));
    }
    let handle = app.clone();
    app.deep_link().on_open_url(move |event| event.urls().iter().for_each(|url| follow(&handle, url)));
}

/// Any web page can open such a link, so it is parsed to what we know, and never logged.
fn follow(app: &tauri::AppHandle, url: &url::Url) {
    show_window(app);
    match DeepLink::parse(url) {
        Some(DeepLink::SignIn(callback)) => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { app.state::<Session>().finish_sign_in(callback).await });
        }
        Some(DeepLink::Open(target)) => {
            app.state::<commands::Opened>().put(target.clone());
            drop(app.emit("open", &target)); // a window that is not there yet asks for it when it is
        }
        None => tracing::info!("a link that is not ours was ignored"),
    }
}
