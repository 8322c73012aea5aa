//! What the screens can ask of the shell: adapters of a few lines.

use std::sync::{Mutex, PoisonError};

use happening_api::{ApiFailure, Call, OpenTarget, SessionView, ShellInfo};
use serde_json::Value;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

use crate::session::Session;

/// Where a deep link led before the window was there.
#[derive(Default)]
pub(crate) struct Opened(Mutex<Option<OpenTarget>>);

impl Opened {
    pub(crate) fn put(&self, target: OpenTarget) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }
}

#[tauri::command]
pub(crate) fn session(session: State<'_, Session>) -> SessionView {
    session.view()
}

#[tauri::command]
pub(crate) async fn sign_in(app: AppHandle, session: State<'_, Session>) -> Result<(), ApiFailure> {
    if let Some(url) = session.begin_sign_in().await
        && app.opener().open_url(url.as_str(), None::<&str>).is_err()
    {
        session.no_browser();
    }
    Ok(())
}

#[tauri::command]
pub(crate) fn open_sign_in_again(app: AppHandle, session: State<'_, Session>) {
    if let Some(url) = session.pending_url()
        && app.opener().open_url(url.as_str(), None::<&str>).is_err()
    {
        session.no_browser();
    }
}

#[tauri::command]
pub(crate) fn sign_in_link(session: State<'_, Session>) -> Option<String> {
    session.pending_url().map(String::from)
}

#[tauri::command]
pub(crate) fn cancel_sign_in(session: State<'_, Session>) {
    session.cancel_sign_in();
}

#[tauri::command]
pub(crate) async fn sign_out(session: State<'_, Session>) -> Result<(), ApiFailure> {
    session.sign_out().await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn call(session: State<'_, Session>, call: Call) -> Result<Value, ApiFailure> {
    session.call(&call).await
}

#[tauri::command]
pub(crate) fn info(session: State<'_, Session>) -> ShellInfo {
    ShellInfo { server: session.server().to_string(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

#[tauri::command]
pub(crate) fn opened(opened: State<'_, Opened>) -> Option<OpenTarget> {
    opened.0.lock().unwrap_or_else(PoisonError::into_inner).take()
}
