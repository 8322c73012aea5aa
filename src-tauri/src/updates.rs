//! Updates of the app, from the feed whose address the app was built with. Without an address, the app looks for no
//! updates.

use anyhow::Result;
use tauri::AppHandle;
use tauri_plugin_updater::UpdaterExt;

/// Whether the app was built with the address of an update feed (`plugins.updater` in tauri.conf.json).
pub(crate) fn configured(app: &AppHandle) -> bool {
    app.config().plugins.0.contains_key("updater")
}

/// The number of a newer version, if there is one. With `install` the newer version is installed, and the app restarts.
///
/// # Errors
/// When the feed does not answer, or an update is not signed with the project's key.
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
