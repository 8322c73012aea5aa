//! The app's windows: the main one, and one for each event whose board was opened beside it.

use std::sync::atomic::{AtomicBool, Ordering};

use happening_api::{EventId, Theme};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// Label of the main window.
pub(crate) const MAIN: &str = "main";

/// Shows the main window, in front of others; a new one when it was closed while a board was open.
pub(crate) fn show_main(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        return raise(&window);
    }
    let app = app.clone();
    let open = move || match open_main(&app) {
        Ok(window) => raise(&window),
        Err(error) => tracing::warn!(%error, "the main window cannot be opened"),
    };
    // under Windows no window can be made while an event is handled; GTK's are made on the main thread
    if cfg!(windows) {
        std::thread::spawn(open);
    } else {
        open();
    }
}

/// Whether a theme was chosen since the start.
static THEME_CHOSEN: AtomicBool = AtomicBool::new(false);

/// What the system draws of our windows is in the theme of the screens.
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
    // GTK takes "none" for light: it is told what the system has, once it was told otherwise
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
/// When no window can be made.
pub(crate) fn open_main(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let configured = app.config().app.windows.iter().find(|window| window.label == MAIN);
    let configured = configured.ok_or(tauri::Error::WindowNotFound)?;
    WebviewWindowBuilder::from_config(app, configured)?.on_document_title_changed(follow_title).build()
}

/// The window's title is its screen's.
fn follow_title(window: WebviewWindow, title: String) {
    drop(window.set_title(&title)); // a window that is closing needs none
}

/// A window that cannot be raised is still there.
fn raise(window: &WebviewWindow) {
    drop(window.unminimize());
    drop(window.show());
    drop(window.set_focus());
}

/// Whether one of our windows has the focus.
pub(crate) fn is_looked_at(app: &AppHandle) -> bool {
    app.webview_windows().values().any(|window| window.is_focused().unwrap_or(false))
}

/// Opens the board of an event in a window of its own, or shows the one that is open.
///
/// # Errors
/// When no window can be made.
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
        .map(drop)
}
