//! The app's windows: the main one, and one for each event whose board was opened in a separate window.

use std::sync::atomic::{AtomicBool, Ordering};

use happening_api::{EventId, Theme};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// Label of the main window.
pub(crate) const MAIN: &str = "main";

/// Shows the main window in front of others; opens it again if it was closed while a board was open.
pub(crate) fn show_main(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        return raise(&window);
    }
    let app = app.clone();
    let open = move || match open_main(&app) {
        Ok(window) => raise(&window),
        Err(error) => tracing::warn!(%error, "the main window cannot be opened"),
    };
    // under Windows, a window cannot be created while an event is handled; under GTK, it must be created on the main
    // thread
    if cfg!(windows) {
        std::thread::spawn(open);
    } else {
        open();
    }
}

/// Whether the theme that was set last is light or dark, as opposed to that of the system.
static THEME_CHOSEN: AtomicBool = AtomicBool::new(false);

/// Sets the theme of what the system draws of the app's windows to that of the screens.
pub(crate) fn follow_theme(window: &WebviewWindow, theme: Theme) {
    let app = window.app_handle();
    let chosen = match theme {
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
        Theme::System => None,
    };
    if THEME_CHOSEN.swap(chosen.is_some(), Ordering::Relaxed) || chosen.is_some() {
        app.set_theme(chosen);
    }
    // GTK takes "no theme" for light, so a dark theme of the system is set explicitly
    #[cfg(target_os = "linux")]
    if chosen.is_none()
        && let Ok(system) = window.theme()
        && system == tauri::Theme::Dark
    {
        app.set_theme(Some(system));
    }
}

/// Opens the main window.
///
/// # Errors
/// When the window cannot be created.
pub(crate) fn open_main(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let configured = app.config().app.windows.iter().find(|window| window.label == MAIN);
    let configured = configured.ok_or(tauri::Error::WindowNotFound)?;
    let window = WebviewWindowBuilder::from_config(app, configured)?.on_document_title_changed(follow_title).build()?;
    watch(&window);
    Ok(window)
}

fn watch(window: &WebviewWindow) {
    #[cfg(target_os = "linux")]
    crate::web_engine::reload_after_crash(window);
    #[cfg(not(target_os = "linux"))]
    let _ = window; // under macOS Tauri loads a crashed page again; under Windows the engine shows that the page crashed
}

/// Gives the window the title of its screen.
fn follow_title(window: WebviewWindow, title: String) {
    drop(window.set_title(&title)); // fails when the window is closing
}

/// Brings a window to the front. Failures are ignored, since the window is still there.
fn raise(window: &WebviewWindow) {
    drop(window.unminimize());
    drop(window.show());
    drop(window.set_focus());
}

/// Whether one of the app's windows has the focus.
pub(crate) fn is_looked_at(app: &AppHandle) -> bool {
    app.webview_windows().values().any(|window| window.is_focused().unwrap_or(false))
}

/// Opens the board of an event in a separate window, or shows that window if it is already open.
///
/// # Errors
/// When the window cannot be created.
pub(crate) fn open_board(app: &AppHandle, event: EventId) -> tauri::Result<()> {
    let label = format!("board-{event}");
    if let Some(window) = app.get_webview_window(&label) {
        raise(&window);
        return Ok(());
    }
    let address = WebviewUrl::App(format!("index.html#/organize/{event}").into());
    WebviewWindowBuilder::new(app, label, address)
        .title("Happening")
        .on_document_title_changed(follow_title)
        .inner_size(1100.0, 760.0)
        .min_inner_size(900.0, 600.0)
        .build()
        .map(|window| watch(&window))
}
