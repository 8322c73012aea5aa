//! Newer versions of the app, from the address that it was built with. Without one nothing is asked and nothing is shown.

use anyhow::Result;
use tauri::AppHandle;
use tauri_plugin_updater::UpdaterExt;

/// Whether the app was built with an address to look at (`plugins.updater` in tauri.conf.json).
pub(crate) fn configured(app: &AppHandle) -> bool {
    app.config().plugins.0.contains_key("updater")
}

/// The version that is newer than this one, if there is one. With `install` it replaces this one, and the app
/// restarts.
///
/// # Errors
/// When the address does not answer, or what it sends is not signed by us.
pub(crate) async fn look(app: &AppHandle, install: bool) -> Result<Option<String>> {
    if !configured(app) {
        return Ok(None);
    }
    let Some(update) = app.updater()?.check().await? else { return Ok(None) };
    if install {
        update.download_and_install(|_, _| {}, || {}).await?;
        app.restart();
    }
    Ok(Some(update.version.clone()))
}
