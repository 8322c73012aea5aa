//! The session: who is signed in, and their tokens, which never leave this module but for the network.
//!
//! The access token lives in memory, the refresh token in the system's keyring. One refresh at a time: a refresh token is
//! good for one use.

mod calls;
mod sign_in;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use happening_api::{ApiFailure, Call, SessionView, SignInFailure, User};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use url::Url;

use crate::backend::Backend;
use crate::cache::Cache;
use crate::login::{Issuer, Pending, Tokens};
use crate::vault::{self, Unreadable};

type Tell = Box<dyn Fn(&SessionView) + Send + Sync>;

/// The app's session.
pub(crate) struct Session {
    cache_folder: PathBuf,
    state: Arc<Mutex<State>>,
    /// Held while a sign-in begins.
    beginning: AsyncMutex<()>,
    /// Held while tokens are replaced.
    refreshing: AsyncMutex<()>,
    /// Held while kept answers are written or removed.
    keeping: Mutex<()>,
    /// Somebody has signed in.
    signed_in: Notify,
    tell: Arc<Tell>,
}

struct State {
    backend: Backend,
    view: SessionView,
    issuer: Option<Issuer>,
    pending: Option<Pending>,
    tokens: Option<Tokens>,
    /// Counts ends of sessions. Whatever was asked for in an earlier one changes nothing in this one when it is answered.
    turn: u64,
    /// The last session ended without the person's doing, and they have not signed in or out since.
    ended: bool,
}

impl Session {
    /// A session that has not been restored yet. `tell` hears of every change.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(server: Url, cache_folder: PathBuf, tell: Tell) -> Result<Self> {
        let backend = Backend::new(server)?;
        let state = State {
            backend,
            view: SessionView::Restoring,
            issuer: None,
            pending: None,
            tokens: None,
            turn: 0,
            ended: false,
        };
        Ok(Self {
            cache_folder,
            state: Arc::new(Mutex::new(state)),
            beginning: AsyncMutex::default(),
            refreshing: AsyncMutex::default(),
            keeping: Mutex::default(),
            signed_in: Notify::new(),
            tell: Arc::new(tell),
        })
    }

    /// Where the person stands.
    pub(crate) fn view(&self) -> SessionView {
        let state = self.lock();
        match (&state.view, &state.pending) {
            (SessionView::Waiting { .. }, Some(pending)) => {
                SessionView::Waiting { expires_in_s: pending.seconds_left() }
            }
            (view, _) => view.clone(),
        }
    }

    /// Address of the server.
    pub(crate) fn server(&self) -> Url {
        self.backend().url().clone()
    }

    fn backend(&self) -> Backend {
        self.lock().backend.clone()
    }

    fn cache(&self) -> Cache {
        Cache::of(&self.cache_folder, &self.server())
    }

    /// Who is signed in.
    pub(crate) fn user(&self) -> Option<User> {
        match &self.lock().view {
            SessionView::SignedIn { user, .. } => Some((**user).clone()),
            _ => None,
        }
    }

    /// Waits until somebody signs in.
    pub(crate) async fn next_sign_in(&self) {
        self.signed_in.notified().await;
    }

    /// Another server from now on: whoever was signed in is signed out of the old one, and its answers are forgotten.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) async fn change_server(&self, server: Url) -> Result<()> {
        let backend = Backend::new(server)?;
        self.sign_out().await;
        {
            let mut state = self.lock();
            state.backend = backend;
            state.turn += 1;
            (state.issuer, state.pending) = (None, None);
        }
        self.restore().await;
        Ok(())
    }

    fn turn(&self) -> u64 {
        self.lock().turn
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: SessionView) {
        self.show_in(None, view);
    }

    /// Shows it, unless a turn is given that has ended; answers whether it did.
    fn show_in(&self, turn: Option<u64>, view: SessionView) -> bool {
        {
            let mut state = self.lock();
            if turn.is_some_and(|turn| turn != state.turn) {
                return false;
            }
            match view {
                SessionView::SignedOut { ended } => state.ended = ended,
                SessionView::SignedIn { .. } => state.ended = false,
                _ => {}
            }
            state.view = view.clone();
        }
        (self.tell)(&view);
        if matches!(view, SessionView::SignedIn { .. }) {
            self.signed_in.notify_one();
        }
        true
    }

    fn fail(&self, reason: SignInFailure) {
        self.lock().pending = None;
        self.show(SessionView::Failed { reason });
    }

    /// Takes up the session of the last start, if the keyring has it.
    pub(crate) async fn restore(&self) {
        let turn = self.turn();
        let refresh = match vault::load(&self.server()).await {
            Ok(Some(refresh)) => refresh,
            Ok(None) => return self.restored_nothing(turn, true),
            // it may hold the session of whoever can be read about here
            Err(Unreadable) => return self.restored_nothing(turn, self.cache().person().is_none()),
        };
        let restored = async {
            let tokens = self.issuer().await?.refresh(&refresh).await.map_err(SignInFailure::from)?;
            self.enter(tokens, turn).await
        };
        match restored.await {
            Ok(()) => {}
            // somebody signed in or chose another server meanwhile
            Err(SignInFailure::Cancelled) => {}
            // the session ended at the service: nothing to be alarmed about
            Err(SignInFailure::Refused) => {
                if self.nobody_came(turn) {
                    vault::forget(&self.server()).await;
                }
                self.restored_nothing(turn, true);
            }
            Err(reason) => match self.cache().person() {
                Some(user) => self.restore_offline(user, refresh),
                None => self.fail(reason),
            },
        }
    }

    /// There is no session to go on with; `clear`: nor can there be one, so what was kept is nobody's.
    fn restored_nothing(&self, turn: u64, clear: bool) {
        if self.nobody_came(turn) {
            if clear {
                self.cache().clear();
            }
            self.show(SessionView::SignedOut { ended: false });
        }
    }

    /// Nobody has signed in, or begun to, since that turn.
    fn nobody_came(&self, turn: u64) -> bool {
        let state = self.lock();
        state.turn == turn && state.tokens.is_none() && state.pending.is_none()
    }

    /// The app ends: what a session without a keyring has read goes with it.
    pub(crate) fn leave(&self) {
        // one with a keyring has noted who it is of
        if self.cache().person().is_none() {
            self.cache().clear();
        }
    }

    /// The network is away, but it is known who was here: they can read what was kept, and the next call tries again.
    fn restore_offline(&self, user: User, refresh: String) {
        let now = Instant::now();
        let tokens = Tokens { access: String::new(), refresh: Some(refresh), refresh_at: now, ends_at: now };
        // newer ones are there when only the server did not answer
        self.lock().tokens.get_or_insert(tokens);
        self.show(SessionView::SignedIn { user: Box::new(user), remembered: true });
    }

    async fn issuer(&self) -> Result<Issuer, SignInFailure> {
        if let Some(issuer) = self.lock().issuer.clone() {
            return Ok(issuer);
        }
        let (backend, turn) = (self.backend(), self.turn());
        let sign_in = backend.sign_in().await.map_err(|_| SignInFailure::ServerAway)?;
        let issuer = Issuer::discover(backend.http(), &sign_in.issuer, &sign_in.client_id).await.map_err(|error| {
            tracing::warn!(%error, "the sign-in service cannot be used");
            SignInFailure::from(error)
        })?;
        let mut state = self.lock();
        if state.turn != turn {
            return Err(SignInFailure::Cancelled); // it is another server's
        }
        state.issuer = Some(issuer.clone());
        Ok(issuer)
    }

    /// The tokens are good: keeps them, since the ones before are used up, and asks the server who this is.
    async fn enter(&self, tokens: Tokens, turn: u64) -> Result<(), SignInFailure> {
        let backend = self.backend();
        let remembered = self.keep(&tokens, turn).await.ok_or(SignInFailure::Cancelled)?;
        let answer = backend.call(&tokens.access, &Call::Me).await.map_err(|failure| match failure {
            ApiFailure::Busy { .. } => SignInFailure::ServerBusy,
            _ => SignInFailure::ServerAway,
        })?;
        let user: User = serde_json::from_value(answer).map_err(|_| SignInFailure::ServerAway)?;
        if self.show_signed_in(turn, user, remembered) { Ok(()) } else { Err(SignInFailure::Cancelled) }
    }

    /// `remembered`: the session outlives the app, so its next start may show what was kept. Answers whether the turn lasts.
    fn show_signed_in(&self, turn: u64, user: User, remembered: bool) -> bool {
        self.while_it_lasts(turn, |cache| cache.remember(remembered.then_some(&user))).is_ok()
            && self.show_in(Some(turn), SessionView::SignedIn { user: Box::new(user), remembered })
    }

    /// Keeps tokens, also for the next start; answers whether the keyring took them. `None`: the session that they were got for
    /// has ended meanwhile, and so does the one at the sign-in service.
    async fn keep(&self, tokens: &Tokens, turn: u64) -> Option<bool> {
        let server = self.server();
        let issuer = {
            let mut state = self.lock();
            if state.turn == turn {
                state.tokens = Some(tokens.clone());
            }
            state.issuer.clone().filter(|_| state.turn != turn)
        };
        let kept = match &tokens.refresh {
            Some(refresh) if self.turn() == turn => vault::store(&server, refresh).await,
            _ => false,
        };
        if self.turn() == turn {
            return Some(kept);
        }
        if kept {
            vault::forget(&server).await;
        }
        if let (Some(issuer), Some(refresh)) = (issuer, &tokens.refresh) {
            issuer.end(refresh).await;
        }
        None
    }

    /// The keyring came, or went: the person is told whether they have to sign in again after closing the app.
    fn follow_keyring(&self, turn: u64, kept: bool) {
        if let SessionView::SignedIn { user, remembered } = self.view()
            && remembered != kept
        {
            self.show_signed_in(turn, *user, kept);
        }
    }

    /// Signs out here and at the sign-in service.
    pub(crate) async fn sign_out(&self) {
        let (tokens, issuer) = {
            let mut state = self.lock();
            state.turn += 1;
            (state.tokens.take(), state.issuer.clone())
        };
        vault::forget(&self.server()).await;
        {
            let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
            self.cache().clear();
        }
        self.show(SessionView::SignedOut { ended: false });
        if let (Some(Tokens { refresh: Some(refresh), .. }), Some(issuer)) = (tokens, issuer) {
            issuer.end(&refresh).await;
        }
    }

    async fn end(&self) {
        {
            let mut state = self.lock();
            state.tokens = None;
            state.turn += 1;
        }
        vault::forget(&self.server()).await;
        self.show(SessionView::SignedOut { ended: true });
    }
}
