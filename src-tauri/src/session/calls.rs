//! Calls as the person who is signed in: the token, and what is kept of the answers.

use std::time::Duration;

use happening_api::{Answered, ApiFailure, Call, Download, Method};

use super::task::Message;
use super::{Seen, Session};
use crate::backend::{Backend, Called};
use crate::cache::Cache;

/// How long a call waits for new tokens.
const REFRESH_PATIENCE: Duration = Duration::from_secs(5);

impl Session {
    /// Makes a call as the person who is signed in. While the network is away, lists and maps are answered as they were
    /// known last, and say so.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn call(&self, call: &Call) -> Result<Answered, ApiFailure> {
        let seen = self.seen.borrow().clone();
        let cache = Cache::of(&self.cache_folder, seen.backend.url());
        let known = seen.user().and_then(|user| cache.named(user, call));
        let etag = known.as_ref().map(|(_, etag)| etag.clone());
        let ask = |backend: Backend, token: String| {
            let (call, etag) = (call.clone(), etag.clone());
            async move { backend.call(&token, &call, etag).await }
        };
        let failure = match (self.with_token(&seen, ask).await, known) {
            (Ok(Called::New { value, etag }), _) => return self.answered(&seen, call, value, etag).await,
            (Ok(Called::Unchanged), Some((value, etag))) => {
                return self.answered(&seen, call, value, Some(etag)).await;
            }
            (Ok(Called::Unchanged), None) => ApiFailure::NoAnswer, // the server was not told of a known answer
            (Err(failure), _) => failure,
        };
        if self.seen.borrow().turn != seen.turn {
            let was_sent = !matches!(failure, ApiFailure::SessionEnded | ApiFailure::Offline);
            return Err(after_the_end(call, was_sent));
        }
        match (failure, seen.user()) {
            (failure @ (ApiFailure::Offline | ApiFailure::NoAnswer), Some(user)) => {
                cache.get(user, call).ok_or(failure)
            }
            (failure, _) => Err(failure),
        }
    }

    /// The answer goes through the session's task, which drops it when the person who asked has left.
    async fn answered(
        &self,
        seen: &Seen,
        call: &Call,
        value: serde_json::Value,
        etag: Option<String>,
    ) -> Result<Answered, ApiFailure> {
        let call_again = call.clone();
        let message = |reply| Message::Answered { turn: seen.turn, call: call_again, value, etag, reply };
        self.ask(message).await.flatten().ok_or_else(|| after_the_end(call, true))
    }

    /// Reads a file as the person who is signed in.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn download(&self, file: &Download) -> Result<Vec<u8>, ApiFailure> {
        let file = *file;
        let seen = self.seen.borrow().clone();
        self.with_token(&seen, |backend, token| async move { backend.download(&token, &file).await }).await
    }

    async fn with_token<T, F>(&self, seen: &Seen, ask: impl Fn(Backend, String) -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        let token = self.token(seen.turn, None).await?;
        match ask(seen.backend.clone(), token.clone()).await {
            // the clocks differ, or the server does not know the token's key: once more with a new token
            Err(ApiFailure::SessionEnded) => {
                let token = self.token(seen.turn, Some(token)).await?;
                let result = ask(seen.backend.clone(), token).await;
                if matches!(result, Err(ApiFailure::SessionEnded)) {
                    self.send(Message::Refused { turn: seen.turn });
                }
                result
            }
            result => result,
        }
    }

    /// The access token of that turn's session, other than the `refused` one. A refresh goes on when its caller stops waiting,
    /// because the refresh token that was sent is used up.
    pub(super) async fn token(&self, turn: u64, refused: Option<String>) -> Result<String, ApiFailure> {
        let asked = self.ask(|reply| Message::Token { turn, refused, reply });
        match tokio::time::timeout(REFRESH_PATIENCE, asked).await {
            Ok(token) => token.unwrap_or(Err(ApiFailure::SessionEnded)),
            Err(_) => Err(ApiFailure::Offline),
        }
    }
}

/// The session of a call has ended. A write that was sent may have been done, which is said.
fn after_the_end(call: &Call, was_sent: bool) -> ApiFailure {
    let writes = call.request().method != Method::Get;
    if was_sent && writes { ApiFailure::NoAnswer } else { ApiFailure::SessionEnded }
}
