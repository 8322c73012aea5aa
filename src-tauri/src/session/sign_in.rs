//! Signing in through the system's browser: at most one sign-in waits.

use std::sync::Arc;

use happening_api::{SessionView, SignInFailure};
use url::Url;

use super::Session;
use crate::deep_link::{Callback, Code};
use crate::login::TIME_MAX;
use crate::vault;

impl Session {
    /// Begins a sign-in; answers the page that the browser must open. While one waits, it is that one's page again.
    pub(crate) async fn begin_sign_in(self: &Arc<Self>) -> Option<Url> {
        let _one_at_a_time = self.beginning.lock().await;
        if let Some(waiting) = self.pending_url() {
            return Some(waiting);
        }
        let begun = async { self.issuer().await?.begin().map_err(SignInFailure::from) };
        match begun.await {
            Ok(pending) => {
                let (url, state) = (pending.url.clone(), pending.state.clone());
                self.lock().pending = Some(pending);
                self.show(SessionView::Waiting { expires_in_s: TIME_MAX.as_secs() });
                self.give_up_later(state);
                Some(url)
            }
            Err(reason) => {
                self.fail(reason);
                None
            }
        }
    }

    /// The page of the sign-in that waits.
    pub(crate) fn pending_url(&self) -> Option<Url> {
        self.lock().pending.as_ref().map(|pending| pending.url.clone())
    }

    /// No browser could be opened.
    pub(crate) fn no_browser(&self) {
        self.fail(SignInFailure::NoBrowser);
    }

    /// The person gives up.
    pub(crate) fn cancel_sign_in(&self) {
        let ended = {
            let mut state = self.lock();
            state.pending = None;
            state.turn += 1;
            // the browser may have come back already
            if state.tokens.take().is_some() {
                vault::forget(state.backend.url());
            }
            state.ended
        };
        self.show(SessionView::SignedOut { ended });
    }

    fn give_up_later(self: &Arc<Self>, started: String) {
        let session = Arc::clone(self);
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(TIME_MAX).await;
            session.change(None, |state| {
                if state.pending.as_ref().is_none_or(|pending| pending.state != started) {
                    return false;
                }
                state.pending = None;
                state.view = SessionView::Failed { reason: SignInFailure::TimedOut };
                true
            });
        });
    }

    /// The browser sent the person back. A callback that nobody asked for, or of another sign-in, is ignored; the one that
    /// waits goes on waiting. Answers whether it was asked for.
    pub(crate) async fn finish_sign_in(self: &Arc<Self>, callback: Callback) -> bool {
        let pending = {
            let mut state = self.lock();
            match state.pending.take() {
                Some(pending) if pending.state == callback.state => pending,
                other => {
                    state.pending = other;
                    tracing::info!("a sign-in callback that nobody waits for was ignored");
                    return false;
                }
            }
        };
        let turn = self.turn();
        let finished = async {
            let code: Code = callback.result.map_err(|reason| match reason.as_str() {
                "access_denied" => SignInFailure::Cancelled,
                _ => SignInFailure::Refused,
            })?;
            let issuer = self.issuer().await?;
            let tokens = issuer.finish(pending, code).await.map_err(|error| {
                tracing::warn!(%error, "the sign-in could not be finished");
                SignInFailure::from(error)
            })?;
            self.enter(&issuer, tokens, turn).await
        };
        match finished.await {
            Err(reason) if self.turn() == turn => self.fail(reason),
            _ => {}
        }
        true
    }
}
