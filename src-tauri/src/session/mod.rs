//! The session: who is signed in, and their tokens, which never leave this module but for the network.
//!
//! The access token lives in memory, the refresh token in the system's keyring. One refresh at a time: a refresh token is
//! good for one use.

mod calls;
mod keep;
mod sign_in;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use happening_api::endpoint::Me;
use happening_api::{ApiFailure, SessionView, SignInFailure, User};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use url::Url;

use crate::backend::{Backend, Called};
use crate::cache::Cache;
use crate::login::{Issuer, Pending, Tokens};
use crate::vault::{self, Unreadable};

type Tell = Box<dyn Fn(&SessionView) + Send + Sync>;

/// The app's session.
pub(crate) struct Session {
    cache_folder: PathBuf,
    state: Mutex<State>,
    /// Held while the view changes and this is told: who hears of two changes hears of the last one last.
    telling: Mutex<()>,
    /// Held while a sign-in begins.
    beginning: AsyncMutex<()>,
    /// Held while tokens are replaced.
    refreshing: AsyncMutex<()>,
    /// Held while kept answers are written or removed.
    keeping: Mutex<()>,
    /// A person has signed in.
    signed_in: Notify,
    tell: Tell,
}

struct State {
    backend: Backend,
    view: SessionView,
    issuer: Option<Issuer>,
    pending: Option<Pending>,
    tokens: Option<Tokens>,
    /// When the sign-in service was last asked for new ones in vain.
    refresh_failed: Option<Instant>,
    /// Counts ends of sessions. Whatever was asked for in an earlier one changes nothing in this one when it is answered.
    turn: u64,
    /// The last session ended without the person's doing, and they have not signed in or out since.
    ended: bool,
}

impl State {
    /// No sign-in was finished or begun since that turn.
    fn nobody_came(&self, turn: u64) -> bool {
        self.turn == turn && self.tokens.is_none() && self.pending.is_none()
    }
}

impl Session {
    /// A session that has not been restored yet. `tell` hears of every change.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(server: Url, cache_folder: PathBuf, tell: Tell) -> Result<Arc<Self>> {
        let backend = Backend::new(server)?;
        let state = State {
            backend,
            view: SessionView::Restoring,
            issuer: None,
            pending: None,
            tokens: None,
            refresh_failed: None,
            turn: 0,
            ended: false,
        };
        Ok(Arc::new(Self {
            cache_folder,
            state: Mutex::new(state),
            telling: Mutex::default(),
            beginning: AsyncMutex::default(),
            refreshing: AsyncMutex::default(),
            keeping: Mutex::default(),
            signed_in: Notify::new(),
            tell,
        }))
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

    /// Waits for the next sign-in.
    pub(crate) async fn next_sign_in(&self) {
        self.signed_in.notified().await;
    }

    /// Another server from now on: a person who was signed in is signed out of the old one, and its answers are forgotten.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) async fn change_server(self: &Arc<Self>, server: Url) -> Result<()> {
        let backend = Backend::new(server)?;
        self.sign_out().await;
        {
            let mut state = self.lock();
            state.backend = backend;
            state.turn += 1;
            (state.issuer, state.pending, state.tokens, state.refresh_failed) = (None, None, None, None);
        }
        self.restore().await;
        Ok(())
    }

    fn turn(&self) -> u64 {
        self.lock().turn
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, view: SessionView) {
        self.show_in(None, view);
    }

    /// Shows it, unless a turn is given that has ended; answers whether it did.
    fn show_in(&self, turn: Option<u64>, view: SessionView) -> bool {
        self.change(turn, |state| {
            match view {
                SessionView::SignedOut { ended } => state.ended = ended,
                SessionView::SignedIn { .. } => state.ended = false,
                _ => {}
            }
            state.view = view;
            true
        })
    }

    /// Changes the view, unless a turn is given that has ended, and tells of it if `change` says that it did; answers the same.
    fn change(&self, turn: Option<u64>, change: impl FnOnce(&mut State) -> bool) -> bool {
        let _in_order = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let view = {
            let mut state = self.lock();
            if turn.is_some_and(|turn| turn != state.turn) || !change(&mut state) {
                return false;
            }
            state.view.clone()
        };
        (self.tell)(&view); // who is told may want the state, too
        if matches!(view, SessionView::SignedIn { .. }) {
            self.signed_in.notify_one();
        }
        true
    }

    fn fail(&self, reason: SignInFailure) {
        self.lock().pending = None;
        self.show(SessionView::Failed { reason });
    }

    /// A sign-in of that turn failed; nothing is shown of one that was cancelled.
    fn fail_in(&self, turn: u64, reason: SignInFailure) {
        self.change(Some(turn), |state| {
            state.pending = None;
            state.view = SessionView::Failed { reason };
            true
        });
    }

    /// Takes up the session of the last start, if the keyring has it.
    pub(crate) async fn restore(self: &Arc<Self>) {
        let turn = self.turn();
        let refresh = match self.load(turn).await {
            Ok(Some(refresh)) => refresh,
            Ok(None) => return self.restored_nothing(turn, true),
            // it may hold the session whose answers can be read here
            Err(Unreadable { .. }) => return self.restored_nothing(turn, self.cache().person().is_none()),
        };
        let restored = async {
            let issuer = self.issuer().await?;
            let tokens = issuer.refresh(&refresh).await.map_err(SignInFailure::from)?;
            self.enter(&issuer, tokens, turn).await
        };
        match restored.await {
            Ok(()) => {}
            // another sign-in was finished, or another server chosen, meanwhile
            Err(SignInFailure::Cancelled) => {}
            // the session ended at the service: nothing to be alarmed about
            Err(SignInFailure::Refused) => {
                {
                    let state = self.lock();
                    if state.nobody_came(turn) {
                        vault::forget(state.backend.url());
                    }
                }
                self.restored_nothing(turn, true);
            }
            Err(reason) => match self.cache().person() {
                Some(user) => self.restore_offline(turn, user, refresh),
                None => self.fail(reason),
            },
        }
    }

    /// There is no session to go on with; `clear`: nor will there be one, so the kept answers are removed.
    fn restored_nothing(&self, turn: u64, clear: bool) {
        if self.lock().nobody_came(turn) {
            if clear {
                self.cache().clear();
            }
            self.show(SessionView::SignedOut { ended: false });
        }
    }

    /// The network is away, but it is known who was here: they can read what was kept, and the next call tries again.
    fn restore_offline(&self, turn: u64, user: User, refresh: String) {
        let now = Instant::now();
        let tokens = Tokens { access: String::new(), refresh: Some(refresh), refresh_at: now, ends_at: now };
        self.change(Some(turn), |state| {
            // newer ones are there when only the server did not answer
            state.tokens.get_or_insert(tokens);
            state.view = SessionView::SignedIn { user: Box::new(user), remembered: true };
            true
        });
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
    async fn enter(self: &Arc<Self>, issuer: &Issuer, tokens: Tokens, turn: u64) -> Result<(), SignInFailure> {
        let Some(mut stored) = self.keep(&tokens, turn) else {
            issuer.end(&tokens).await;
            return Err(SignInFailure::Cancelled);
        };
        let answer =
            self.backend().call(&tokens.access, &Me {}.into(), None).await.map_err(|failure| match failure {
                ApiFailure::Busy { .. } => SignInFailure::ServerBusy,
                _ => SignInFailure::ServerAway,
            })?;
        let Called::New { value, .. } = answer else { return Err(SignInFailure::ServerAway) };
        let user: User = serde_json::from_value(value).map_err(|_| SignInFailure::ServerAway)?;
        let kept = tokio::time::timeout(keep::STORE_PATIENCE, &mut stored).await;
        let remembered = matches!(kept, Ok(Ok(Some(()))));
        if !self.show_in(Some(turn), SessionView::SignedIn { user: Box::new(user), remembered }) {
            issuer.end(&tokens).await;
            return Err(SignInFailure::Cancelled);
        }
        if kept.is_err() {
            tauri::async_runtime::spawn(Arc::clone(self).follow_keyring(turn, stored));
        }
        self.note_person(turn).map_err(|_| SignInFailure::Cancelled)
    }

    /// Signs out here and at the sign-in service.
    pub(crate) async fn sign_out(&self) {
        let (turn, tokens, issuer, forgotten) = {
            let mut state = self.lock();
            state.turn += 1;
            (state.turn, state.tokens.take(), state.issuer.clone(), vault::forget(state.backend.url()))
        };
        {
            let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
            self.cache().clear();
        }
        self.show_in(Some(turn), SessionView::SignedOut { ended: false });
        let ended = async {
            if let (Some(tokens), Some(issuer)) = (tokens, issuer) {
                issuer.end(&tokens).await;
            }
        };
        // a keyring that hangs forgets it when it goes on
        drop(tokio::join!(tokio::time::timeout(keep::STORE_PATIENCE, forgotten), ended));
    }

    /// The session of that turn has ended by itself.
    fn end(&self, turn: u64) {
        let next = {
            let mut state = self.lock();
            if state.turn != turn {
                return;
            }
            state.tokens = None;
            state.turn += 1;
            vault::forget(state.backend.url());
            state.turn
        };
        self.show_in(Some(next), SessionView::SignedOut { ended: true });
    }
}
