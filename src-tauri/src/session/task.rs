//! The task that owns the session: takes messages and the results of steps one after the other, and changes the session.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use happening_api::{Answered, ApiFailure, Call, SessionView, SignInFailure, User};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use url::Url;

use super::steps::{self, LoginFailure, Purpose, Service, Step, Stored};
use super::{Reply, Seen, Tell, Waiting};
use crate::backend::Backend;
use crate::cache::Cache;
use crate::deep_link::Callback;
use crate::login::{Issuer, LoginError, Pending, TIME_MAX, Tokens};
use crate::vault::{self, Answer, Unreadable};

#[cfg(test)]
mod tests;

/// Pause after the sign-in service did not answer a refresh.
const REFRESH_AGAIN: Duration = Duration::from_secs(5);

/// What the session is asked for.
pub(super) enum Message {
    Restore,
    BeginSignIn(Reply<Option<Url>>),
    NoBrowser,
    CancelSignIn,
    FinishSignIn(Callback, Reply<bool>),
    SignOut(Reply<()>),
    ChangeServer(Backend, Reply<()>),
    /// An access token for a call of that turn, other than the `refused` one.
    Token {
        turn: u64,
        refused: Option<String>,
        reply: Reply<Result<String, ApiFailure>>,
    },
    /// The server takes no token of that turn's session.
    Refused {
        turn: u64,
    },
    /// The server's answer to a call of that turn. `None` is replied when the session has ended meanwhile.
    Answered {
        turn: u64,
        call: Call,
        value: Value,
        etag: Option<String>,
        reply: Reply<Option<Answered>>,
    },
}

/// How far the sign-in has come.
enum SignIn {
    No,
    /// The sign-in service is asked.
    Begins,
    /// The browser shows the page of the sign-in service.
    Waits(Pending),
    /// The code that the browser brought is exchanged, and the person looked up.
    Finishes,
}

/// The session.
pub(super) struct Task {
    backend: Backend,
    view: SessionView,
    /// Counts the sessions' ends: the result of a step that began in an earlier turn changes nothing.
    turn: u64,
    /// The last session was ended by the sign-in service, and the person has not signed in or out since.
    ended: bool,
    issuer: Option<Issuer>,
    sign_in: SignIn,
    /// The callers who wait for the page of the sign-in that begins.
    want_page: Vec<Reply<Option<Url>>>,
    tokens: Option<Tokens>,
    is_refreshing: bool,
    /// When the sign-in service last did not answer a refresh.
    refresh_failed: Option<Instant>,
    /// Calls that wait for the refresh.
    want_token: Vec<Reply<Result<String, ApiFailure>>>,
    steps: JoinSet<(u64, Result<Step, JoinError>)>,
    cache_folder: PathBuf,
    seen: watch::Sender<Seen>,
    tell: Tell,
}

impl Task {
    /// A session that has not been restored, and what others see of it.
    pub(super) fn new(backend: Backend, cache_folder: PathBuf, tell: Tell) -> (Self, watch::Receiver<Seen>) {
        let view = SessionView::Restoring;
        let (seen, seen_by_others) =
            watch::channel(Seen { view: view.clone(), backend: backend.clone(), turn: 0, waiting: None });
        let task = Self {
            backend,
            view,
            turn: 0,
            ended: false,
            issuer: None,
            sign_in: SignIn::No,
            want_page: Vec::new(),
            tokens: None,
            is_refreshing: false,
            refresh_failed: None,
            want_token: Vec::new(),
            steps: JoinSet::new(),
            cache_folder,
            seen,
            tell,
        };
        (task, seen_by_others)
    }

    /// Runs until the app's handle is dropped.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        loop {
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.handle(message),
                    None => return,
                },
                Some(Ok((turn, step))) = self.steps.join_next() => match step {
                    Ok(step) => self.take_up(turn, step),
                    Err(error) => self.lost(turn, &error),
                },
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Restore => self.restore(),
            Message::BeginSignIn(reply) => self.begin_sign_in(reply),
            Message::NoBrowser if matches!(self.sign_in, SignIn::Waits(_)) => self.fail(SignInFailure::NoBrowser),
            Message::NoBrowser => {} // of a sign-in that was cancelled or begun again
            Message::CancelSignIn => self.cancel_sign_in(),
            Message::FinishSignIn(callback, reply) => drop(reply.send(self.finish_sign_in(callback))),
            Message::SignOut(reply) => self.sign_out(reply),
            Message::ChangeServer(backend, reply) => self.change_server(backend, reply),
            Message::Token { turn, refused, reply } if turn == self.turn => self.token(refused.as_deref(), reply),
            Message::Token { reply, .. } => drop(reply.send(Err(ApiFailure::SessionEnded))),
            Message::Refused { turn } if turn == self.turn => self.end(),
            Message::Refused { .. } => {}
            Message::Answered { turn, call, value, etag, reply } => {
                let answered = (turn == self.turn).then(|| self.answered(&call, value, etag));
                drop(reply.send(answered)); // who asked may have gone
            }
        }
    }

    fn take_up(&mut self, turn: u64, step: Step) {
        if turn != self.turn {
            // tokens that came too late must not stay valid
            if let Step::GotTokens(_, Ok((issuer, tokens))) = step {
                tokio::spawn(steps::end(Some(issuer), Some(tokens)));
            }
            return;
        }
        match step {
            Step::Loaded(loaded) => self.loaded(loaded),
            Step::Begun(begun) => self.begun(begun),
            Step::TimedOut { state } => self.timed_out(&state),
            Step::GotTokens(purpose, Ok((issuer, tokens))) => self.got_tokens(purpose, issuer, tokens),
            Step::GotTokens(purpose, Err(failure)) => self.got_no_tokens(purpose, failure),
            Step::Identified(_, Ok((user, stored))) => self.enter(user, stored),
            Step::Identified(is_restored, Err(reason)) => self.not_identified(is_restored, reason),
            Step::Stored(stored) => self.stored(stored),
        }
    }

    /// A step panicked: its callers are answered, and a sign-in that needed it fails.
    fn lost(&mut self, turn: u64, error: &JoinError) {
        tracing::error!(%error, "a step of the session was lost");
        if turn != self.turn {
            return;
        }
        self.is_refreshing = false;
        self.answer_token(&Err(ApiFailure::Offline));
        if matches!(self.sign_in, SignIn::Begins | SignIn::Finishes) {
            self.fail(SignInFailure::ServiceAway);
        } else if self.view == SessionView::Restoring {
            self.show(SessionView::SignedOut { ended: false });
        }
    }

    fn step(&mut self, step: impl Future<Output = Step> + Send + 'static) {
        let turn = self.turn;
        // on a task of its own, so that the turn of a step that panics is known
        self.steps.spawn(async move { (turn, tokio::spawn(step).await) });
    }

    fn service(&self) -> Service {
        Service { backend: self.backend.clone(), issuer: self.issuer.clone() }
    }

    fn cache(&self) -> Cache {
        Cache::of(&self.cache_folder, self.backend.url())
    }

    fn show(&mut self, view: SessionView) {
        self.view = view;
        self.publish();
        (self.tell)(&self.view);
    }

    fn publish(&self) {
        let waiting = match &self.sign_in {
            SignIn::Waits(pending) => Some(Waiting { page: pending.url.clone(), until: pending.until() }),
            _ => None,
        };
        let (view, backend) = (self.view.clone(), self.backend.clone());
        self.seen.send_replace(Seen { view, backend, turn: self.turn, waiting });
    }

    /// The session ends: nothing that was begun in it has an effect from now on.
    fn next_turn(&mut self) {
        self.turn += 1;
        (self.sign_in, self.is_refreshing, self.refresh_failed) = (SignIn::No, false, None);
        self.answer_token(&Err(ApiFailure::SessionEnded));
        self.answer_page(None);
    }

    fn answer_token(&mut self, token: &Result<String, ApiFailure>) {
        for reply in self.want_token.drain(..) {
            drop(reply.send(token.clone())); // the call may have stopped waiting
        }
    }

    fn answer_page(&mut self, page: Option<&Url>) {
        for reply in self.want_page.drain(..) {
            drop(reply.send(page.cloned())); // the window may be closed
        }
    }
}

/// The session of the last start.
impl Task {
    fn restore(&mut self) {
        let expected = self.cache().person().is_some();
        self.step(steps::load(self.backend.url().clone(), expected));
    }

    /// Whether no person has signed in, or begun to, while the app looked for the session of the last start.
    fn is_untouched(&self) -> bool {
        self.tokens.is_none() && matches!(self.sign_in, SignIn::No)
    }

    fn loaded(&mut self, loaded: Result<Option<String>, Unreadable>) {
        if !self.is_untouched() {
            return;
        }
        match loaded {
            Ok(Some(refresh)) => {
                let purpose = |refresh| Purpose::Restore { refresh };
                self.step(steps::refresh(self.service(), refresh, purpose));
            }
            Ok(None) => self.restored_nothing(true),
            // a keyring that cannot be read may hold the session whose answers were kept
            Err(Unreadable { .. }) => self.restored_nothing(self.cache().person().is_none()),
        }
    }

    /// There is no session to go on with. With `clear` there will be none later either, so the kept answers are removed.
    fn restored_nothing(&mut self, clear: bool) {
        if clear {
            self.cache().clear();
        }
        self.show(SessionView::SignedOut { ended: false });
    }

    /// The session of the last start cannot be checked. Its person can read the kept answers, and the next call tries again.
    fn restore_offline(&mut self, reason: SignInFailure, refresh: Option<String>) {
        let Some(user) = self.cache().person() else { return self.fail(reason) };
        let now = Instant::now();
        self.tokens.get_or_insert(Tokens { access: String::new(), refresh, refresh_at: now, ends_at: now });
        self.show(SessionView::SignedIn { user: Box::new(user), remembered: true });
    }
}

/// Signing in through the system's browser: at most one sign-in waits.
impl Task {
    fn begin_sign_in(&mut self, reply: Reply<Option<Url>>) {
        let signed_in = matches!(self.view, SessionView::SignedIn { .. });
        match &self.sign_in {
            SignIn::Begins => self.want_page.push(reply),
            SignIn::Waits(pending) => drop(reply.send(Some(pending.url.clone()))), // the window may be closed
            SignIn::Finishes => drop(reply.send(None)),
            SignIn::No if signed_in => drop(reply.send(None)),
            SignIn::No => {
                // tokens of a sign-in whose person could not be looked up
                if self.tokens.is_some() {
                    self.drop_tokens();
                    self.next_turn();
                }
                self.want_page.push(reply);
                self.sign_in = SignIn::Begins;
                self.step(steps::begin(self.service()));
            }
        }
    }

    fn begun(&mut self, begun: Result<(Issuer, Pending), SignInFailure>) {
        if !matches!(self.sign_in, SignIn::Begins) {
            return;
        }
        let (issuer, pending) = match begun {
            Ok(begun) => begun,
            Err(reason) => return self.fail(reason),
        };
        let page = pending.url.clone();
        self.step(steps::time_out(pending.state.clone()));
        (self.issuer, self.sign_in) = (Some(issuer), SignIn::Waits(pending));
        self.show(SessionView::Waiting { expires_in_s: TIME_MAX.as_secs() });
        self.answer_page(Some(&page));
    }

    fn timed_out(&mut self, state: &str) {
        if matches!(&self.sign_in, SignIn::Waits(pending) if pending.state == state) {
            self.fail(SignInFailure::TimedOut);
        }
    }

    fn fail(&mut self, reason: SignInFailure) {
        self.sign_in = SignIn::No;
        self.show(SessionView::Failed { reason });
        self.answer_page(None);
    }

    /// Forgets the tokens here, in the keyring, and at the sign-in service.
    fn drop_tokens(&mut self) {
        if let Some(tokens) = self.tokens.take() {
            vault::forget(self.backend.url());
            tokio::spawn(steps::end(self.issuer.clone(), Some(tokens)));
        }
    }

    fn cancel_sign_in(&mut self) {
        self.drop_tokens(); // the browser may have come back already
        self.next_turn();
        self.show(SessionView::SignedOut { ended: self.ended });
    }

    /// A callback of another sign-in than the one that waits is ignored, and that one goes on waiting. Answers whether it was
    /// asked for.
    fn finish_sign_in(&mut self, callback: Callback) -> bool {
        let pending = match std::mem::replace(&mut self.sign_in, SignIn::Finishes) {
            SignIn::Waits(pending) if pending.state == callback.state => pending,
            other => {
                self.sign_in = other;
                tracing::info!("a sign-in callback that was not asked for was ignored");
                return false;
            }
        };
        match callback.result {
            Ok(code) => {
                self.publish();
                self.step(steps::exchange(self.service(), pending, code));
            }
            Err(reason) if reason == "access_denied" => self.fail(SignInFailure::Cancelled),
            Err(_) => self.fail(SignInFailure::Refused),
        }
        true
    }
}

/// The tokens.
impl Task {
    /// Answers the access token. A token that ends soon is still used, and replaced beside the call, so that a sign-in service
    /// that hangs delays no call before the token's end.
    fn token(&mut self, refused: Option<&str>, reply: Reply<Result<String, ApiFailure>>) {
        let Some(tokens) = &self.tokens else {
            drop(reply.send(Err(ApiFailure::SessionEnded))); // the call may have stopped waiting
            return;
        };
        let now = Instant::now();
        // without a refresh token, the access token is used until its end
        let is_old = now >= tokens.refresh_at && tokens.refresh.is_some();
        if refused == Some(tokens.access.as_str()) || now >= tokens.ends_at {
            self.want_token.push(reply);
            self.refresh();
        } else {
            drop(reply.send(Ok(tokens.access.clone()))); // the call may have stopped waiting
            if is_old {
                self.refresh();
            }
        }
    }

    fn refresh(&mut self) {
        if self.is_refreshing {
            return;
        }
        if self.refresh_failed.is_some_and(|at| at.elapsed() < REFRESH_AGAIN) {
            return self.answer_token(&Err(ApiFailure::Offline));
        }
        let Some(refresh) = self.tokens.as_ref().and_then(|tokens| tokens.refresh.clone()) else {
            return self.end();
        };
        self.is_refreshing = true;
        self.step(steps::refresh(self.service(), refresh, |_| Purpose::Refresh));
    }

    fn got_tokens(&mut self, purpose: Purpose, issuer: Issuer, tokens: Tokens) {
        if matches!(purpose, Purpose::Restore { .. }) && !self.is_untouched() {
            return; // the person has begun to sign in, which ends the older session or goes on with it
        }
        self.issuer = Some(issuer);
        let access = tokens.access.clone();
        let in_time = self.tokens.as_ref().is_some_and(|old| Instant::now() < old.ends_at);
        let stored = self.keep(tokens);
        match purpose {
            Purpose::SignIn => self.step(steps::identify(self.backend.clone(), access, stored, false)),
            Purpose::Restore { .. } => self.step(steps::identify(self.backend.clone(), access, stored, true)),
            Purpose::Refresh => {
                tracing::debug!(in_time, "the tokens were replaced");
                (self.is_refreshing, self.refresh_failed) = (false, None);
                self.answer_token(&Ok(access));
                self.step(steps::store(stored));
            }
        }
    }

    /// Goes on with these tokens, also at the next start if the keyring takes them. Tokens are kept as soon as they are there,
    /// because those before are used up.
    fn keep(&mut self, tokens: Tokens) -> Answer<()> {
        let server = self.backend.url();
        let stored = match &tokens.refresh {
            Some(refresh) => vault::store(server, refresh),
            None => vault::forget(server),
        };
        self.tokens = Some(tokens);
        stored
    }

    /// A test starts with these tokens.
    #[cfg(test)]
    pub(super) fn go_on_with(&mut self, tokens: Tokens) {
        drop(self.keep(tokens));
    }

    fn got_no_tokens(&mut self, purpose: Purpose, failure: LoginFailure) {
        let is_refused = matches!(failure, LoginFailure::Asked(LoginError::Refused(_)));
        match purpose {
            Purpose::SignIn => self.fail(failure.into()),
            Purpose::Restore { .. } if !self.is_untouched() => {}
            Purpose::Restore { .. } if is_refused => {
                // the session has ended at the service, as sessions do: the person is not told of a failure
                vault::forget(self.backend.url());
                self.restored_nothing(true);
            }
            Purpose::Restore { refresh } => self.restore_offline(failure.into(), Some(refresh)),
            Purpose::Refresh if is_refused => self.end(),
            Purpose::Refresh => {
                (self.is_refreshing, self.refresh_failed) = (false, Some(Instant::now()));
                self.answer_token(&Err(ApiFailure::Offline));
            }
        }
    }
}

/// The person.
impl Task {
    fn enter(&mut self, user: User, stored: Stored) {
        (self.sign_in, self.ended) = (SignIn::No, false);
        let remembered = matches!(stored, Stored::Yes);
        self.show(SessionView::SignedIn { user: Box::new(user), remembered });
        self.note_person();
        if let Stored::NotYet(stored) = stored {
            self.step(steps::store_late(stored));
        }
    }

    fn not_identified(&mut self, is_restored: bool, reason: SignInFailure) {
        if is_restored { self.restore_offline(reason, None) } else { self.fail(reason) }
    }

    /// Tells the person whether they have to sign in again after closing the app.
    fn stored(&mut self, stored: Stored) {
        let now = matches!(stored, Stored::Yes);
        if let SessionView::SignedIn { user, remembered } = &self.view
            && *remembered != now
        {
            self.show(SessionView::SignedIn { user: user.clone(), remembered: now });
        }
        match stored {
            Stored::NotYet(stored) => self.step(steps::store_late(stored)),
            Stored::Yes | Stored::No => self.note_person(),
        }
    }

    /// Notes whose session outlives the app, so that its next start may show the kept answers.
    fn note_person(&self) {
        if let SessionView::SignedIn { user, remembered } = &self.view {
            self.cache().remember(remembered.then_some(&**user));
        }
    }

    fn answered(&mut self, call: &Call, value: Value, etag: Option<String>) -> Answered {
        if let SessionView::SignedIn { user, remembered } = &self.view {
            #[expect(
                clippy::disallowed_methods,
                reason = "the age of a kept answer is told in this machine's own time"
            )]
            self.cache().put(user, call, &value, etag, chrono::Utc::now());
            // the person changed themselves
            if let (Call::UpdateMe(_), Ok(user)) = (call, serde_json::from_value::<User>(value.clone())) {
                self.show(SessionView::SignedIn { user: Box::new(user), remembered: *remembered });
                self.note_person();
            }
        }
        Answered { value, as_of: None }
    }

    /// The session has ended by itself.
    fn end(&mut self) {
        self.tokens = None;
        vault::forget(self.backend.url());
        self.next_turn();
        self.ended = true;
        self.show(SessionView::SignedOut { ended: true });
    }

    fn sign_out(&mut self, reply: Reply<()>) {
        let forgotten = vault::forget(self.backend.url());
        let ended = steps::end(self.issuer.clone(), self.tokens.take());
        self.next_turn();
        self.ended = false;
        self.cache().clear();
        self.show(SessionView::SignedOut { ended: false });
        tokio::spawn(async move {
            tokio::join!(steps::forgotten(forgotten), ended);
            reply.send(()).ok(); // the window may be closed
        });
    }

    fn change_server(&mut self, backend: Backend, reply: Reply<()>) {
        self.sign_out(reply);
        (self.backend, self.issuer) = (backend, None);
        self.publish();
        self.restore();
    }
}
