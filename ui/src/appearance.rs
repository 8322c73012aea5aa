//! Light or dark: the one thing that the webview itself remembers.

use happening_api::Theme;

use crate::api;

const KEY: &str = "theme";

/// Of the page's root: what was chosen; absent when the system decides.
pub(crate) const ATTRIBUTE: &str = "data-theme";

fn storage() -> Option<web_sys::Storage> {
    gloo::utils::window().local_storage().ok().flatten()
}

/// The choice of last time.
pub(crate) fn chosen() -> Theme {
    match storage().and_then(|storage| storage.get_item(KEY).ok().flatten()).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// Chooses and remembers.
pub(crate) fn choose(theme: Theme) {
    if let Some(storage) = storage() {
        let kept = match theme {
            Theme::System => storage.remove_item(KEY),
            Theme::Light => storage.set_item(KEY, "light"),
            Theme::Dark => storage.set_item(KEY, "dark"),
        };
        drop(kept); // a full or forbidden storage forgets the choice at the next start
    }
    apply(theme);
}

/// Shows it.
pub(crate) fn apply(theme: Theme) {
    let Some(root) = gloo::utils::document().document_element() else { return };
    let shown = match theme {
        Theme::System => root.remove_attribute(ATTRIBUTE),
        Theme::Light => root.set_attribute(ATTRIBUTE, "light"),
        Theme::Dark => root.set_attribute(ATTRIBUTE, "dark"),
    };
    drop(shown); // the attribute's name is a good one
    wasm_bindgen_futures::spawn_local(async move {
        // what the system draws, such as the menu bar; a shell that cannot leaves it as it is
        drop(api::appearance(theme).await);
    });
}
