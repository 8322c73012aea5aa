//! The menu. The shell sends the id of a chosen entry to a window as the event `menu`, and the screen there acts on it.

use tauri::menu::{Menu, MenuItem, MenuItemKind, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Emitter, Manager, Runtime};

use crate::windows;

const QUIT: &str = "quit";
const CLOSE: &str = "close-window";

/// Entries that can be chosen without signing in.
const FOR_EVERYBODY: [&str; 4] = ["settings", "about", CLOSE, QUIT];

/// Builds the menu.
///
/// # Errors
/// When the system refuses an entry.
pub(crate) fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<Menu<R>> {
    let item =
        |id: &str, text: &str, keys: Option<&str>| MenuItem::with_id(app, id, text, FOR_EVERYBODY.contains(&id), keys);
    let line = || PredefinedMenuItem::separator(app);
    let file = Submenu::with_items(
        app,
        "File",
        true,
        &[
            &item("create-event", "Create event…", Some("CmdOrCtrl+N"))?,
            &line()?,
            &item("settings", "Settings", Some("CmdOrCtrl+,"))?,
            &item("sign-out", "Sign out", None)?,
            &line()?,
            // Tauri's predefined entries cannot be chosen under GTK
            &item(CLOSE, "Close window", Some("CmdOrCtrl+W"))?,
            &item(QUIT, "Quit", Some("CmdOrCtrl+Q"))?,
        ],
    )?;
    // under GTK the webview handles the keys for editing itself, and Tauri's predefined entries cannot be chosen
    #[cfg(not(target_os = "linux"))]
    let edit = Submenu::with_items(
        app,
        "Edit",
        true,
        &[
            &PredefinedMenuItem::cut(app, None)?,
            &PredefinedMenuItem::copy(app, None)?,
            &PredefinedMenuItem::paste(app, None)?,
            &PredefinedMenuItem::select_all(app, None)?,
        ],
    )?;
    let view = Submenu::with_items(
        app,
        "View",
        true,
        &[
            &item("home", "Home", Some("CmdOrCtrl+1"))?,
            &item("events", "Events", Some("CmdOrCtrl+2"))?,
            &item("bookings", "My bookings", Some("CmdOrCtrl+3"))?,
            &item("organize", "Organize", Some("CmdOrCtrl+4"))?,
            &item("members", "Members", Some("CmdOrCtrl+5"))?,
            &item("notifications", "Notifications", Some("CmdOrCtrl+6"))?,
            &line()?,
            &item("find", "Find…", Some("CmdOrCtrl+K"))?,
            &item("refresh", "Refresh", Some("CmdOrCtrl+R"))?,
        ],
    )?;
    let help = Submenu::with_items(app, "Help", true, &[&item("about", "About Happening", None)?])?;
    Menu::with_items(
        app,
        &[
            &file,
            #[cfg(not(target_os = "linux"))]
            &edit,
            &view,
            &help,
        ],
    )
}

/// Enables all entries while a person is signed in, otherwise only [`FOR_EVERYBODY`]. Does not wait until that is done.
///
/// # Errors
/// When the app is about to end.
pub(crate) fn follow(app: &AppHandle, signed_in: bool) -> tauri::Result<()> {
    let handle = app.clone();
    app.run_on_main_thread(move || {
        if let Err(error) = enable(&handle, signed_in) {
            tracing::warn!(%error, "the menu does not follow the session");
        }
    })
}

fn enable(app: &AppHandle, signed_in: bool) -> tauri::Result<()> {
    let menus = app.menu().map(|menu| menu.items()).transpose()?.unwrap_or_default();
    for menu in menus.iter().filter_map(MenuItemKind::as_submenu) {
        for entry in menu.items()? {
            if let Some(entry) = entry.as_menuitem() {
                entry.set_enabled(signed_in || FOR_EVERYBODY.contains(&entry.id().as_ref()))?;
            }
        }
    }
    Ok(())
}

/// Acts on a chosen entry: quits, closes the focused window, or sends the entry's id to the focused window, or else to
/// the main one.
pub(crate) fn chosen(app: &AppHandle, id: &str) {
    if id == QUIT {
        return app.exit(0);
    }
    let all = app.webview_windows();
    let looked_at = all.values().find(|window| window.is_focused().unwrap_or(false));
    if id == CLOSE {
        // a window that cannot be closed is already closing
        return looked_at.map_or((), |window| drop(window.close()));
    }
    let label = looked_at.map_or_else(|| windows::MAIN.to_owned(), |window| window.label().to_owned());
    if let Err(error) = app.emit_to(label, "menu", id) {
        tracing::debug!(%error, "no window took the menu's entry");
    }
}
