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
        let turn = self.turn();
        let begun = async { self.issuer().await?.begin().map_err(SignInFailure::from) };
        match begun.await {
            Ok(pending) => {
                let (url, started) = (pending.url.clone(), pending.state.clone());
                // cancelled while the sign-in service was asked: then nothing waits, and no browser is opened
                let waits = self.change(Some(turn), |state| {
                    state.pending = Some(pending);
                    state.view = SessionView::Waiting { expires_in_s: TIME_MAX.as_secs() };
                    true
                });
                waits.then(|| {
                    self.give_up_later(started);
                    url
                })
            }
            Err(reason) => {
                self.fail_in(turn, reason);
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

    /// The browser sent the person back. A callback without a sign-in that waits, or of another one, is ignored; the one that
    /// waits goes on waiting. Answers whether it was asked for.
    pub(crate) async fn finish_sign_in(self: &Arc<Self>, callback: Callback) -> bool {
        // with its turn in one look: cancelling in between would be missed
        let (pending, turn) = {
            let mut state = self.lock();
            match state.pending.take() {
                Some(pending) if pending.state == callback.state => (pending, state.turn),
                other => {
                    state.pending = other;
                    tracing::info!("a sign-in callback that nobody waits for was ignored");
                    return false;
                }
            }
        };
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
        if let Err(reason) = finished.await {
            self.fail_in(turn, reason);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::answering;

    static ASKED: AtomicBool = AtomicBool::new(false);
    static MAY_ANSWER: AtomicBool = AtomicBool::new(false);

    fn until(flag: &AtomicBool) {
        while !flag.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A sign-in service that describes itself when it may.
    fn hesitant(base: &str, path: &str) -> String {
        match path {
            "/" => answering::about(base),
            "/realm/.well-known/openid-configuration" => {
                ASKED.store(true, Ordering::SeqCst);
                until(&MAY_ANSWER);
                answering::description(base, &format!("{base}/realm/auth"))
            }
            "/realm/keys" => r#"{"keys":[]}"#.to_owned(),
            _ => String::new(),
        }
    }

    #[tokio::test]
    async fn a_cancelled_sign_in_does_not_begin() -> anyhow::Result<()> {
        let server = Url::parse(&answering::start(hesitant)?)?;
        let folder = std::env::temp_dir().join(format!("happening-sign-in-{}", std::process::id()));
        let session = Session::new(server, folder, Box::new(|_| {}))?;
        let begun = tokio::spawn({
            let session = Arc::clone(&session);
            async move { session.begin_sign_in().await }
        });
        tokio::task::spawn_blocking(|| until(&ASKED)).await?;
        session.cancel_sign_in();
        MAY_ANSWER.store(true, Ordering::SeqCst);
        assert_eq!(begun.await?, None, "a browser would be opened");
        assert_eq!(session.view(), SessionView::SignedOut { ended: false });
        assert_eq!(session.pending_url(), None, "the browser's answer would sign in");
        // the next one begins
        assert!(session.begin_sign_in().await.is_some());
        Ok(())
    }
}
