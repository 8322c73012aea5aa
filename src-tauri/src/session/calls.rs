//! Calls as the person who is signed in: the token, its refresh, and what is kept of the answers.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use happening_api::{Answered, ApiFailure, Call, Download, Method, SessionView, User};
use serde_json::Value;

use super::Session;
use crate::backend::{Backend, Called};
use crate::cache::Cache;
use crate::login::{LoginError, Tokens};

/// How long a call waits for new tokens.
const REFRESH_PATIENCE: Duration = Duration::from_secs(5);
/// After a refresh that was not answered.
const REFRESH_AGAIN: Duration = Duration::from_secs(5);

impl Session {
    /// Makes a call as the person who is signed in. While the network is away, lists and maps are answered as they were
    /// known last, and say so.
    ///
    /// # Errors
    /// [`ApiFailure`].
    #[expect(clippy::disallowed_methods, reason = "the age of a kept answer is told in this machine's own time")]
    pub(crate) async fn call(self: &Arc<Self>, call: &Call) -> Result<Answered, ApiFailure> {
        let (user, turn) = (self.user(), self.turn());
        let known = user.as_ref().and_then(|user| self.cache().named(user, call));
        let etag = known.as_ref().map(|(_, etag)| etag.clone());
        let result = self
            .with_token(|backend, token| {
                let (call, etag) = (call.clone(), etag.clone());
                async move { backend.call(&token, &call, etag).await }
            })
            .await;
        let result = result.and_then(|called| match (called, known) {
            (Called::New { value, etag }, _) => Ok((value, etag)),
            (Called::Unchanged, Some((value, etag))) => Ok((value, Some(etag))),
            (Called::Unchanged, None) => Err(ApiFailure::NoAnswer), // nothing was said to be known
        });
        if self.turn() != turn {
            // the person who asked has left, so the answer is dropped; a write may have been done, which is said
            let sent = !matches!(result, Err(ApiFailure::SessionEnded | ApiFailure::Offline));
            let writes = call.request().method != Method::Get;
            return Err(if sent && writes { ApiFailure::NoAnswer } else { ApiFailure::SessionEnded });
        }
        match (result, user) {
            (Ok((value, etag)), Some(user)) => {
                self.while_it_lasts(turn, |cache| cache.put(&user, call, &value, etag, chrono::Utc::now()))?;
                self.follow_own_changes(turn, call, &value);
                Ok(Answered { value, as_of: None })
            }
            (Ok((value, _)), None) => Ok(Answered { value, as_of: None }),
            (Err(failure @ (ApiFailure::Offline | ApiFailure::NoAnswer)), Some(user)) => {
                self.cache().get(&user, call).ok_or(failure)
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Does something to the kept answers, unless the session of that turn has ended; signing out waits for it, and removes
    /// them then.
    pub(super) fn while_it_lasts(&self, turn: u64, work: impl FnOnce(Cache)) -> Result<(), ApiFailure> {
        let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        if self.turn() != turn {
            return Err(ApiFailure::SessionEnded);
        }
        work(self.cache());
        Ok(())
    }

    /// The person changed or deleted themselves.
    fn follow_own_changes(&self, turn: u64, call: &Call, value: &Value) {
        if let (Call::UpdateMe(_), Ok(new)) = (call, serde_json::from_value::<User>(value.clone())) {
            self.change(Some(turn), |state| match &mut state.view {
                SessionView::SignedIn { user, .. } => {
                    **user = new;
                    true
                }
                _ => false,
            });
            self.note_person(turn).ok(); // it has ended
        }
    }

    /// Reads a file as the person who is signed in.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn download(self: &Arc<Self>, file: &Download) -> Result<Vec<u8>, ApiFailure> {
        let file = *file;
        self.with_token(|backend, token| async move { backend.download(&token, &file).await }).await
    }

    async fn with_token<T, F>(self: &Arc<Self>, ask: impl Fn(Backend, String) -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        let (backend, turn) = (self.backend(), self.turn());
        let token = self.access_token(None).await?;
        if self.turn() != turn {
            return Err(ApiFailure::SessionEnded); // the token is for another server
        }
        match ask(backend.clone(), token.clone()).await {
            // clocks differ, or the server forgot the key: once with a new token
            Err(ApiFailure::SessionEnded) => {
                let token = self.access_token(Some(&token)).await?;
                if self.turn() != turn {
                    return Err(ApiFailure::SessionEnded); // the token is of another session
                }
                let result = ask(backend, token).await;
                if matches!(result, Err(ApiFailure::SessionEnded)) {
                    self.end(turn);
                }
                result
            }
            result => result,
        }
    }

    /// A token to call with, other than the `refused` one. One that ends soon is used, and replaced beside the call: a sign-in
    /// service that hangs holds nothing up as long as the token lasts.
    async fn access_token(self: &Arc<Self>, refused: Option<&str>) -> Result<String, ApiFailure> {
        let current = self.lock().tokens.clone().ok_or(ApiFailure::SessionEnded)?;
        let now = Instant::now();
        if refused == Some(current.access.as_str()) || now >= current.ends_at {
            return self.replaced_token(current.access).await;
        }
        if now >= current.refresh_at {
            let (session, old) = (Arc::clone(self), current.access.clone());
            tauri::async_runtime::spawn(async move { session.replace(&old).await });
        }
        Ok(current.access)
    }

    /// Waits for another token than `old`, but not for long. The refresh goes on without its caller: the token that it sent is used
    /// up, so its answer must not be lost.
    async fn replaced_token(self: &Arc<Self>, old: String) -> Result<String, ApiFailure> {
        let session = Arc::clone(self);
        let replaced = tauri::async_runtime::spawn(async move { session.replace(&old).await });
        match tokio::time::timeout(REFRESH_PATIENCE, replaced).await {
            Ok(Ok(token)) => token,
            Ok(Err(_)) => Err(ApiFailure::Offline), // it panicked
            Err(_) => Err(ApiFailure::Offline),
        }
    }

    /// Replaces the tokens, unless they are others than `old` already; one refresh at a time.
    async fn replace(self: &Arc<Self>, old: &str) -> Result<String, ApiFailure> {
        let _one_at_a_time = self.refreshing.lock().await;
        let (turn, current, failed) = {
            let state = self.lock();
            (state.turn, state.tokens.clone().ok_or(ApiFailure::SessionEnded)?, state.refresh_failed)
        };
        if current.access != old {
            return Ok(current.access);
        }
        // a call that has waited for that try does not wait for another one
        if failed.is_some_and(|at| at.elapsed() < REFRESH_AGAIN) {
            return Err(ApiFailure::Offline);
        }
        let refreshed = self.refresh(turn, current).await;
        let offline = matches!(refreshed, Err(ApiFailure::Offline));
        self.lock().refresh_failed = offline.then(Instant::now);
        refreshed
    }

    async fn refresh(self: &Arc<Self>, turn: u64, current: Tokens) -> Result<String, ApiFailure> {
        let issuer = self.issuer().await.map_err(|_| ApiFailure::Offline)?;
        let refresh = current.refresh.as_deref().ok_or(ApiFailure::SessionEnded)?;
        match issuer.refresh(refresh).await {
            Ok(mut tokens) => {
                // RFC 6749, 6: without a new one, the old one stays good
                tokens.refresh = tokens.refresh.or(current.refresh);
                tracing::debug!(in_time = Instant::now() < current.ends_at, "the tokens were replaced");
                let Some(stored) = self.keep(&tokens, turn) else {
                    issuer.end(&tokens).await;
                    return Err(ApiFailure::SessionEnded);
                };
                tauri::async_runtime::spawn(Arc::clone(self).follow_keyring(turn, stored));
                Ok(tokens.access)
            }
            Err(LoginError::Away(_)) => Err(ApiFailure::Offline),
            Err(LoginError::Refused(_)) => {
                self.end(turn);
                Err(ApiFailure::SessionEnded)
            }
        }
    }
}
