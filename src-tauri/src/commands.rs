//! The commands that the screens can call: each is an adapter of a few lines.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use happening_api::endpoint::{AcceptInvite, PreviewInvite};
use happening_api::{
    Answered, ApiFailure, Call, Download, Endpoint, EventId, InvitePreview, InviteToken, OpenTarget, OrgId,
    Organization, Saved, ServerCheck, SessionView, ShellInfo, Theme,
};
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

use crate::backend::Backend;
use crate::clipboard::Clipboard;
use crate::session::Session;
use crate::settings::{Settings, parse_server_url};
use crate::{diagnostics, files, updates, windows};

/// The deep link that was opened, until a window asks for its target.
#[derive(Default)]
pub(crate) struct Opened {
    target: Mutex<Option<OpenTarget>>,
    /// The token of the invite whose link was opened. It never leaves the shell.
    invite: Mutex<Option<InviteToken>>,
    /// The token of the invite that a screen shows, which is the one that is accepted.
    shown_invite: Mutex<Option<InviteToken>>,
}

impl Opened {
    pub(crate) fn put(&self, target: OpenTarget) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    pub(crate) fn put_invite(&self, token: InviteToken) {
        *self.invite.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    fn invite(&self) -> Option<InviteToken> {
        self.invite.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget_invite(&self) {
        *self.shown_invite.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.invite.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[tauri::command]
pub(crate) fn session(session: State<'_, Session>) -> SessionView {
    tracing::info!("a window shows its screens");
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

/// Copies the link of the pending sign-in to the clipboard, without passing it to the webview. Answers whether there
/// was one.
#[tauri::command]
pub(crate) async fn copy_sign_in_link(
    clipboard: State<'_, Clipboard>,
    session: State<'_, Session>,
) -> Result<bool, ApiFailure> {
    let Some(url) = session.pending_url() else { return Ok(false) };
    clipboard.put(url.as_str()).map_err(|error| unexpected(&error))?;
    Ok(true)
}

/// Copies a text to the clipboard. The shell does it because only some webviews allow a page to do it.
#[tauri::command]
pub(crate) async fn copy(clipboard: State<'_, Clipboard>, text: String) -> Result<(), ApiFailure> {
    clipboard.put(&text).map_err(|error| unexpected(&error))
}

/// Sets the theme of what the system draws to that of the screens: the menu bar, dialogs, the window's frame.
#[tauri::command]
pub(crate) async fn appearance(window: tauri::WebviewWindow, theme: Theme) -> Result<(), ApiFailure> {
    windows::follow_theme(&window, theme);
    Ok(())
}

#[tauri::command]
pub(crate) fn cancel_sign_in(session: State<'_, Session>) {
    session.cancel_sign_in();
}

#[tauri::command]
pub(crate) async fn sign_out(session: State<'_, Session>, opened: State<'_, Opened>) -> Result<(), ApiFailure> {
    opened.forget_invite();
    session.sign_out().await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn call(session: State<'_, Session>, call: Call) -> Result<Answered, ApiFailure> {
    let deletes = matches!(call, Call::DeleteMe(_));
    let answered = session.call(&call).await?;
    if deletes {
        session.sign_out().await;
    }
    Ok(answered)
}

#[tauri::command]
pub(crate) fn info(app: AppHandle, session: State<'_, Session>, settings: State<'_, Settings>) -> ShellInfo {
    ShellInfo {
        server: session.server().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        organization: settings.organization(),
        updates: updates::configured(&app),
    }
}

#[tauri::command]
pub(crate) fn opened(window: tauri::WebviewWindow, opened: State<'_, Opened>) -> Option<OpenTarget> {
    if window.label() != windows::MAIN {
        return None; // a window with a board does not follow links
    }
    opened.target.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[tauri::command]
pub(crate) async fn preview_invite(
    session: State<'_, Session>,
    opened: State<'_, Opened>,
) -> Result<Option<InvitePreview>, ApiFailure> {
    let Some(token) = opened.invite() else { return Ok(None) };
    let preview = ask(&session, PreviewInvite { token: token.clone() }).await?;
    *opened.shown_invite.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    Ok(Some(preview))
}

#[tauri::command]
pub(crate) async fn accept_invite(
    session: State<'_, Session>,
    opened: State<'_, Opened>,
) -> Result<Option<Organization>, ApiFailure> {
    let shown = opened.shown_invite.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(token) = shown else { return Ok(None) };
    let organization = ask(&session, AcceptInvite { token }).await?;
    opened.forget_invite();
    Ok(Some(organization))
}

#[tauri::command]
pub(crate) fn forget_invite(opened: State<'_, Opened>) {
    opened.forget_invite();
}

async fn ask<E: Endpoint>(session: &Session, endpoint: E) -> Result<E::Answer, ApiFailure> {
    let answered = session.call(&endpoint.into()).await?;
    serde_json::from_value(answered.value).map_err(|error| ApiFailure::Unexpected { message: error.to_string() })
}

#[tauri::command]
pub(crate) fn remember_organization(settings: State<'_, Settings>, org_id: Option<OrgId>) {
    if let Err(error) = settings.set_organization(org_id) {
        tracing::warn!(%error, "the chosen organization was not kept");
    }
}

#[tauri::command]
pub(crate) async fn check_server(address: String) -> Result<ServerCheck, ApiFailure> {
    let url = match parse_server_url(&address) {
        Ok(url) => url,
        Err(error) => return Ok(ServerCheck::NotAllowed { reason: error.to_string() }),
    };
    match Backend::new(url) {
        Ok(backend) => Ok(backend.check().await),
        Err(error) => Err(unexpected(&error)),
    }
}

#[tauri::command]
pub(crate) async fn change_server(
    session: State<'_, Session>,
    settings: State<'_, Settings>,
    address: String,
) -> Result<(), ApiFailure> {
    let url = parse_server_url(&address).map_err(|error| unexpected(error.as_ref()))?;
    settings.set_server_url(&url).map_err(|error| unexpected(&error))?;
    drop(settings.set_organization(None)); // the remembered organization belongs to the former server
    session.change_server(url).await.map_err(|error| unexpected(error.as_ref()))
}

#[tauri::command]
pub(crate) async fn save(app: AppHandle, session: State<'_, Session>, file: Download) -> Result<Saved, ApiFailure> {
    let bytes = session.download(&file).await?;
    files::save(&app, file.file_name(), bytes).await.map_err(|error| unexpected(&error))
}

#[tauri::command]
pub(crate) async fn open_board(app: AppHandle, event_id: EventId) -> Result<(), ApiFailure> {
    windows::open_board(&app, event_id).map_err(|error| unexpected(&error))
}

#[tauri::command]
pub(crate) fn diagnostics(app: AppHandle, session: State<'_, Session>) -> String {
    diagnostics::text(&app, &session)
}

/// Longest message of a panic that is logged, in characters.
const PANIC_CHARS_MAX: usize = 2000;
/// Most messages of panics that one run of the app logs.
const PANICS_MAX: u32 = 20;

#[tauri::command]
pub(crate) fn broke_down(window: tauri::WebviewWindow, message: String) {
    static LOGGED: AtomicU32 = AtomicU32::new(0);
    if LOGGED.fetch_add(1, Ordering::Relaxed) < PANICS_MAX {
        let panic: String = message.chars().take(PANIC_CHARS_MAX).collect();
        // not as the field `message`, which would be written unquoted: a page could forge lines of the log
        tracing::error!(window = window.label(), panic, "the screens broke down");
    }
}

#[tauri::command]
pub(crate) async fn update(app: AppHandle, install: bool) -> Result<Option<String>, ApiFailure> {
    updates::look(&app, install).await.map_err(|error| unexpected(error.as_ref()))
}

fn unexpected(error: &dyn std::error::Error) -> ApiFailure {
    ApiFailure::Unexpected { message: error.to_string() }
}
