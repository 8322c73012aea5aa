//! The theme, light or dark: the only setting that the webview itself stores.

use happening_api::Theme;

use crate::api;

const KEY: &str = "theme";

/// The attribute of the page's root that holds the chosen theme; absent when the system decides.
pub(crate) const ATTRIBUTE: &str = "data-theme";

fn storage() -> Option<web_sys::Storage> {
    gloo::utils::window().local_storage().ok().flatten()
}

/// The theme that was chosen last.
pub(crate) fn chosen() -> Theme {
    match storage().and_then(|storage| storage.get_item(KEY).ok().flatten()).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// Stores the chosen theme and applies it.
pub(crate) fn choose(theme: Theme) {
    if let Some(storage) = storage() {
        let kept = match theme {
            Theme::System => storage.remove_item(KEY),
            Theme::Light => storage.set_item(KEY, "light"),
            Theme::Dark => storage.set_item(KEY, "dark"),
        };
        drop(kept); // if the storage is full or not allowed, the choice is lost at the next start
    }
    apply(theme);
}

/// Applies a theme to the page and to what the system draws.
pub(crate) fn apply(theme: Theme) {
    let Some(root) = gloo::utils::document().document_element() else { return };
    let shown = match theme {
        Theme::System => root.remove_attribute(ATTRIBUTE),
        Theme::Light => root.set_attribute(ATTRIBUTE, "light"),
        Theme::Dark => root.set_attribute(ATTRIBUTE, "dark"),
    };
    drop(shown); // fails only for an invalid attribute name
    wasm_bindgen_futures::spawn_local(async move {
        // the shell sets the theme of what the system draws, such as the menu bar; if that fails, the former theme
        // stays there
        drop(api::appearance(theme).await);
    });
}
