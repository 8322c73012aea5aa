//! The desktop shell: windows, the session, the network. The screens run in the webview (`ui/`), which never sees a token
//! and never opens a connection; it calls the few commands in `commands.rs`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

#[cfg(test)]
mod answering;
mod backend;
mod cache;
mod clipboard;
mod commands;
mod deep_link;
mod diagnostics;
mod files;
mod login;
mod menu;
mod net;
mod notices;
mod session;
mod settings;
mod updates;
mod vault;
#[cfg(target_os = "linux")]
mod web_engine;
mod windows;

use happening_api::OpenTarget;
use tauri::{Emitter, Manager};
use tauri_plugin_deep_link::DeepLinkExt;
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

use crate::clipboard::Clipboard;
use crate::deep_link::DeepLink;
use crate::session::Session;
use crate::settings::Settings;

/// The handler of each command.
macro_rules! handlers {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        tauri::generate_handler![$(commands::$name),*]
    };
}

fn main() {
    #[cfg(target_os = "linux")]
    web_engine::start_with_settings();
    let app = tauri::Builder::default()
        // must be the first plugin: a second instance of the app hands its deep link to the first one and ends
        .plugin(tauri_plugin_single_instance::init(|app, _, _| windows::show_main(app)))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .menu(menu::build)
        .on_menu_event(|app, event| menu::chosen(app, event.id().as_ref()))
        .invoke_handler(happening_api::with_commands!(handlers))
        .setup(|app| Ok(set_up(app.handle())?))
        .build(tauri::generate_context!());
    match app {
        Ok(app) => app.run(|app, event| {
            if matches!(event, tauri::RunEvent::Exit) {
                app.state::<Clipboard>().leave();
                app.state::<Session>().leave();
            }
        }),
        Err(error) => {
            tracing::error!(%error, "the app cannot run");
            eprintln!("Happening cannot run: {error}");
            std::process::exit(1);
        }
    }
}

fn set_up(app: &tauri::AppHandle) -> anyhow::Result<()> {
    diagnostics::start_logs(app)?;
    let handle = app.clone();
    let tell = move |view: &happening_api::SessionView| {
        if let Err(error) = handle.emit("session", view) {
            tracing::warn!(%error, "the window could not be told of the session");
        }
        let signed_in = matches!(view, happening_api::SessionView::SignedIn { .. });
        if let Err(error) = menu::follow(&handle, signed_in) {
            tracing::debug!(%error, "the menu does not follow the session");
        }
    };
    let settings = Settings::below(&app.path().config_dir()?);
    let cache_folder = app.path().app_cache_dir()?;
    let server = settings.server_url().unwrap_or_else(|error| {
        let reason = format!("{error:#}");
        tracing::error!(reason, "the server's address cannot be used");
        let words = format!("{reason}. Another one is used until it is mended; ask your administrator.");
        app.dialog()
            .message(words)
            .title("The server's address cannot be used")
            .kind(MessageDialogKind::Warning)
            .show(drop);
        settings::default_server()
    });
    app.manage(Session::start(server, cache_folder, Box::new(tell))?);
    app.manage(settings);
    app.manage(commands::Opened::default());
    app.manage(Clipboard::default());
    if updates::configured(app) {
        app.plugin(tauri_plugin_updater::Builder::new().build())?;
    }
    windows::open_main(app)?;
    listen_for_links(app);
    let handle = app.clone();
    app.state::<Session>().restore();
    tauri::async_runtime::spawn(notices::watch(handle));
    Ok(())
}

fn listen_for_links(app: &tauri::AppHandle) {
    // the installer registers the links of an installed app; an entry in the person's folder would take precedence over
    // that
    #[cfg(debug_assertions)]
    if let Err(error) = app.deep_link().register_all() {
        tracing::debug!(%error, "links do not open this build");
    }
    if let Ok(Some(urls)) = app.deep_link().get_current() {
        urls.iter().for_each(|url| follow(app, url));
    }
    let handle = app.clone();
    app.deep_link().on_open_url(move |event| event.urls().iter().for_each(|url| follow(&handle, url)));
}

/// Handles a link that was opened. Any web page can open one, so the shell accepts only known links, and never logs a
/// link.
fn follow(app: &tauri::AppHandle, url: &url::Url) {
    windows::show_main(app);
    let opened = app.state::<commands::Opened>();
    let target = match DeepLink::parse(url) {
        Some(DeepLink::SignIn(callback)) => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                if !app.state::<Session>().finish_sign_in(callback).await {
                    drop(app.emit_to(windows::MAIN, "stray-sign-in", ())); // fails when there is no window to show it
                }
            });
            return;
        }
        Some(DeepLink::Event(event_id)) => {
            tracing::info!("a link to an event was opened");
            OpenTarget::Event { event_id }
        }
        Some(DeepLink::Invite(token)) => {
            tracing::info!("the link of an invite was opened");
            opened.put_invite(token);
            OpenTarget::Invite
        }
        None => return tracing::info!("a link that is not ours was ignored"),
    };
    opened.put(target.clone());
    // a window that does not exist yet asks for the target when it opens
    drop(app.emit_to(windows::MAIN, "open", &target));
}
