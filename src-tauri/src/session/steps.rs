//! Steps of the session that wait for the network or the keyring. Each runs beside the task and ends with a [`Step`], which the
//! task takes up if the session that the step belongs to has not ended meanwhile.

use std::time::{Duration, Instant};

use happening_api::endpoint::Me;
use happening_api::{ApiFailure, SignInFailure, User};
use url::Url;

use crate::backend::{Backend, Called};
use crate::deep_link::Code;
use crate::login::{Issuer, LoginError, Pending, Tokens};
use crate::vault::{self, Answer, Unreadable};

/// A keyring that asks for its password answers when the password was typed. Meanwhile the person is told that it is not used.
const STORE_PATIENCE: Duration = Duration::from_secs(10);
/// The app may start before the keyring does.
const START_PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a step came to.
pub(super) enum Step {
    /// What the keyring has of the last start.
    Loaded(Result<Option<String>, Unreadable>),
    /// A sign-in can begin.
    Begun(Result<(Issuer, Pending), SignInFailure>),
    /// `state` names the sign-in whose time is over.
    TimedOut { state: String },
    /// New tokens; those before are used up.
    GotTokens(Purpose, Result<(Issuer, Tokens), LoginFailure>),
    /// Who the tokens are of; the first tells whether the session is the one of the last start.
    Identified(bool, Result<(User, Stored), SignInFailure>),
    /// The keyring has taken the refresh token, or not.
    Stored(Stored),
}

/// What tokens were asked for.
pub(super) enum Purpose {
    SignIn,
    /// To go on with the session of the last start, which has this refresh token.
    Restore {
        refresh: String,
    },
    /// To go on with this session.
    Refresh,
}

/// Why there are no new tokens.
pub(super) enum LoginFailure {
    /// The sign-in service could not be asked.
    NotAsked(SignInFailure),
    /// The sign-in service was asked.
    Asked(LoginError),
}

impl From<LoginFailure> for SignInFailure {
    fn from(failure: LoginFailure) -> Self {
        match failure {
            LoginFailure::NotAsked(reason) => reason,
            LoginFailure::Asked(error) => error.into(),
        }
    }
}

/// Whether the keyring has the refresh token.
pub(super) enum Stored {
    Yes,
    No,
    /// It has not answered in [`STORE_PATIENCE`].
    NotYet(Answer<()>),
}

/// Where the session's steps go to: the server, and its sign-in service once that is known.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) backend: Backend,
    pub(super) issuer: Option<Issuer>,
}

impl Service {
    async fn issuer(self) -> Result<Issuer, SignInFailure> {
        if let Some(issuer) = self.issuer {
            return Ok(issuer);
        }
        let sign_in = self.backend.sign_in().await.map_err(|_| SignInFailure::ServerAway)?;
        Issuer::discover(self.backend.http(), &sign_in.issuer, &sign_in.client_id).await.map_err(|error| {
            tracing::warn!(%error, "the sign-in service cannot be used");
            SignInFailure::from(error)
        })
    }
}

/// Reads the refresh token of the last start. With `expected`, a keyring that is absent is looked for again for a while.
pub(super) async fn load(server: Url, expected: bool) -> Step {
    let until = Instant::now() + START_PATIENCE;
    loop {
        let loaded = vault::load(&server).await;
        // a keyring that stays locked is not asked again, because each time prompts the person for its password
        let absent = matches!(loaded, Err(Unreadable { absent: true }));
        if !(absent && expected) || Instant::now() > until {
            return Step::Loaded(loaded);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Prepares a sign-in.
pub(super) async fn begin(service: Service) -> Step {
    let begun = async {
        let issuer = service.issuer().await?;
        let pending = issuer.begin()?;
        Ok((issuer, pending))
    };
    Step::Begun(begun.await)
}

/// Ends a sign-in that the person does not finish in time.
pub(super) async fn time_out(state: String) -> Step {
    tokio::time::sleep(crate::login::TIME_MAX).await;
    Step::TimedOut { state }
}

/// Exchanges the code that the browser brought.
pub(super) async fn exchange(service: Service, pending: Pending, code: Code) -> Step {
    let finished = async {
        let issuer = service.issuer().await.map_err(LoginFailure::NotAsked)?;
        let tokens = issuer.finish(pending, code).await.map_err(|error| {
            tracing::warn!(%error, "the sign-in could not be finished");
            LoginFailure::Asked(error)
        })?;
        Ok((issuer, tokens))
    };
    Step::GotTokens(Purpose::SignIn, finished.await)
}

/// Exchanges a refresh token for new tokens. The service may accept a refresh token only once.
pub(super) async fn refresh(service: Service, refresh: String, purpose: fn(String) -> Purpose) -> Step {
    let refreshed = async {
        let issuer = service.issuer().await.map_err(LoginFailure::NotAsked)?;
        let mut tokens = issuer.refresh(&refresh).await.map_err(LoginFailure::Asked)?;
        // RFC 6749, 6: without a new refresh token, the old one stays good
        tokens.refresh.get_or_insert_with(|| refresh.clone());
        Ok((issuer, tokens))
    };
    let refreshed = refreshed.await;
    Step::GotTokens(purpose(refresh), refreshed)
}

/// Asks the server who the tokens are of, and waits for the keyring's answer.
pub(super) async fn identify(backend: Backend, access: String, stored: Answer<()>, is_restored: bool) -> Step {
    let identified = async {
        let answer = backend.call(&access, &Me {}.into(), None).await.map_err(|failure| match failure {
            ApiFailure::Busy { .. } => SignInFailure::ServerBusy,
            _ => SignInFailure::ServerAway,
        })?;
        let Called::New { value, .. } = answer else { return Err(SignInFailure::ServerAway) };
        let user = serde_json::from_value(value).map_err(|_| SignInFailure::ServerAway)?;
        Ok((user, in_time(stored).await))
    };
    Step::Identified(is_restored, identified.await)
}

/// Waits for the keyring's answer, but not for long.
pub(super) async fn store(stored: Answer<()>) -> Step {
    Step::Stored(in_time(stored).await)
}

/// Waits for the answer of a keyring that was slow, however long it takes.
pub(super) async fn store_late(stored: Answer<()>) -> Step {
    Step::Stored(if matches!(stored.await, Ok(Some(()))) { Stored::Yes } else { Stored::No })
}

async fn in_time(mut stored: Answer<()>) -> Stored {
    match tokio::time::timeout(STORE_PATIENCE, &mut stored).await {
        Ok(Ok(Some(()))) => Stored::Yes,
        Ok(_) => Stored::No,
        Err(_) => Stored::NotYet(stored),
    }
}

/// Ends tokens at the sign-in service.
pub(super) async fn end(issuer: Option<Issuer>, tokens: Option<Tokens>) {
    if let (Some(issuer), Some(tokens)) = (issuer, tokens) {
        issuer.end(&tokens).await;
    }
}

/// Waits until the keyring has forgotten the refresh token. A keyring that hangs forgets it when it goes on.
pub(super) async fn forgotten(answer: Answer<()>) {
    tokio::time::timeout(STORE_PATIENCE, answer).await.ok();
}
