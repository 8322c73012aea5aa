//! Saves a file where the person chooses.

use happening_api::Saved;
use tauri::AppHandle;
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

/// Asks the person where to save a file, and writes it there.
///
/// # Errors
/// When the file cannot be written.
pub(crate) async fn save(app: &AppHandle, name: &str, bytes: Vec<u8>) -> std::io::Result<Saved> {
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().set_file_name(name).save_file(move |chosen| {
        drop(sender.send(chosen)); // fails when the caller has gone; then nothing is saved
    });
    let Some(path) = receiver.await.ok().flatten().and_then(|chosen| chosen.into_path().ok()) else {
        return Ok(Saved::No);
    };
    tokio::fs::write(&path, bytes).await?;
    Ok(Saved::File { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned() })
}
