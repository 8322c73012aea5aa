//! Logs in the system's folder for logs, and a report for support. Neither contains a secret.

use std::path::{Path, PathBuf};

use anyhow::Result;
use happening_api::SessionView;
use tauri::{AppHandle, Manager};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::session::Session;

/// Log files that are kept, one per day.
const LOG_FILES_MAX: usize = 7;
/// Lines of the log that the report contains.
const LINES_SHOWN: usize = 40;

/// Writes logs to standard error and to a file per day.
///
/// # Errors
/// When the folder cannot be made.
pub(crate) fn start_logs(app: &AppHandle) -> Result<()> {
    let folder = log_folder(app)?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("happening")
        .filename_suffix("log")
        .max_log_files(LOG_FILES_MAX)
        .build(folder)?;
    let filter = EnvFilter::try_from_env("HAPPENING_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry()
        .with(filter)
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(files)))
        .init();
    Ok(())
}

fn log_folder(app: &AppHandle) -> Result<PathBuf> {
    let folder = app.path().app_log_dir()?;
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The report that a person can send to support.
pub(crate) fn text(app: &AppHandle, session: &Session) -> String {
    let webview = tauri::webview_version().unwrap_or_else(|_| "unknown".to_owned());
    let state = match session.view() {
        SessionView::Restoring => "restoring",
        SessionView::SignedOut { .. } => "signed out",
        SessionView::Waiting { .. } => "waiting for the browser",
        SessionView::Failed { .. } => "sign-in failed",
        SessionView::SignedIn { remembered: true, .. } => "signed in, kept in the keyring",
        SessionView::SignedIn { remembered: false, .. } => "signed in, without a keyring",
    };
    let log = log_folder(app).ok().and_then(|folder| last_lines(&folder)).unwrap_or_default();
    format!(
        "Happening {}\nsystem: {} {}\nwebview: {webview}\nserver: {}\nsession: {state}\n\nlast lines of the log:\n{log}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        session.server(),
    )
}

fn last_lines(folder: &Path) -> Option<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let text = std::fs::read_to_string(files.last()?).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    Some(lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n"))
}
