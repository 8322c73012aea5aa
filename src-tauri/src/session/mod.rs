//! The session: who is signed in, and their tokens, which never leave this module but for the network.
//!
//! One task owns the session (`task.rs`). Commands and calls send it messages; steps that wait for the network or the keyring
//! run beside it (`steps.rs`) and send it their result. So nothing here is locked, and every change of the session happens in
//! one place, one after the other. What others may read of it at any time is [`Seen`], which the task publishes.
//!
//! The access token lives in memory, the refresh token in the system's keyring. One refresh runs at a time, because a refresh
//! token is good for one use.

mod calls;
mod steps;
mod task;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use happening_api::{SessionView, User};
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;

use self::task::{Message, Task};
use crate::backend::Backend;
use crate::cache::Cache;
use crate::deep_link::Callback;
use crate::vault;

/// How long the app's end waits for the keyring.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// Called with every change of what the person sees of the session.
type Tell = Box<dyn Fn(&SessionView) + Send + Sync>;

/// Where the answer to a message goes.
type Reply<T> = oneshot::Sender<T>;

/// The app's handle of the session.
pub(crate) struct Session {
    messages: mpsc::UnboundedSender<Message>,
    seen: watch::Receiver<Seen>,
    cache_folder: PathBuf,
}

/// What the task publishes of the session. No token.
#[derive(Clone)]
struct Seen {
    view: SessionView,
    backend: Backend,
    /// Counts the sessions' ends: an answer that was asked for in an earlier turn changes nothing in a later one.
    turn: u64,
    /// The sign-in that waits for the browser.
    waiting: Option<Waiting>,
}

/// A sign-in that waits for the browser.
#[derive(Clone)]
struct Waiting {
    page: Url,
    until: Instant,
}

impl Seen {
    fn user(&self) -> Option<&User> {
        match &self.view {
            SessionView::SignedIn { user, .. } => Some(user),
            _ => None,
        }
    }
}

/// Receives sign-ins, also those that happen between two calls.
pub(crate) struct SignIns {
    seen: watch::Receiver<Seen>,
    /// The turn of the last sign-in that was told.
    last: Option<u64>,
}

impl SignIns {
    /// Returns at the next sign-in that this receiver has not returned yet; at once if a person is signed in already.
    pub(crate) async fn next(&mut self) {
        let last = self.last;
        let is_new = |seen: &Seen| seen.user().is_some() && Some(seen.turn) != last;
        let entered = self.seen.wait_for(is_new).await.map(|seen| seen.turn);
        match entered {
            Ok(turn) => self.last = Some(turn),
            Err(_) => std::future::pending().await, // the task has ended: there are no more sign-ins
        }
    }
}

impl Session {
    /// Starts the session's task, which waits for [`Session::restore`]. `tell` hears of every change, in order.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn start(server: Url, cache_folder: PathBuf, tell: Tell) -> Result<Self> {
        let (messages, inbox) = mpsc::unbounded_channel();
        let (task, seen) = Task::new(Backend::new(server)?, cache_folder.clone(), tell);
        tauri::async_runtime::spawn(task.run(inbox));
        Ok(Self { messages, seen, cache_folder })
    }

    /// Where the person stands.
    pub(crate) fn view(&self) -> SessionView {
        let seen = self.seen.borrow();
        match (&seen.view, &seen.waiting) {
            (SessionView::Waiting { .. }, Some(waiting)) => {
                SessionView::Waiting { expires_in_s: waiting.until.saturating_duration_since(Instant::now()).as_secs() }
            }
            (view, _) => view.clone(),
        }
    }

    /// Address of the server.
    pub(crate) fn server(&self) -> Url {
        self.seen.borrow().backend.url().clone()
    }

    /// Who is signed in.
    pub(crate) fn user(&self) -> Option<User> {
        self.seen.borrow().user().cloned()
    }

    /// A receiver of sign-ins. Its first one is that of the person who is signed in, if there is one.
    pub(crate) fn sign_ins(&self) -> SignIns {
        SignIns { seen: self.seen.clone(), last: None }
    }

    /// Takes up the session of the last start, if the keyring has it.
    pub(crate) fn restore(&self) {
        self.send(Message::Restore);
    }

    /// Begins a sign-in; answers the page that the browser must open. While a sign-in waits for the browser, that one's page is
    /// answered. `None`: it could not begin, or was cancelled meanwhile.
    pub(crate) async fn begin_sign_in(&self) -> Option<Url> {
        self.ask(Message::BeginSignIn).await.flatten()
    }

    /// The page of the sign-in that waits for the browser.
    pub(crate) fn pending_url(&self) -> Option<Url> {
        self.seen.borrow().waiting.as_ref().map(|waiting| waiting.page.clone())
    }

    /// No browser could be opened.
    pub(crate) fn no_browser(&self) {
        self.send(Message::NoBrowser);
    }

    /// The person gives the sign-in up.
    pub(crate) fn cancel_sign_in(&self) {
        self.send(Message::CancelSignIn);
    }

    /// The browser sent the person back. Answers whether a sign-in waited for it; if none did, or another one, nothing changes.
    pub(crate) async fn finish_sign_in(&self, callback: Callback) -> bool {
        self.ask(|reply| Message::FinishSignIn(callback, reply)).await.unwrap_or(false)
    }

    /// Signs out here, and waits until the keyring and the sign-in service have been told, too, but not for long.
    pub(crate) async fn sign_out(&self) {
        self.ask(Message::SignOut).await;
    }

    /// Another server from now on: the person is signed out of the old one, whose answers are forgotten.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) async fn change_server(&self, server: Url) -> Result<()> {
        let backend = Backend::new(server)?;
        self.ask(|reply| Message::ChangeServer(backend, reply)).await;
        Ok(())
    }

    /// The app ends: what a session without a keyring has read is removed.
    pub(crate) fn leave(&self) {
        vault::finish(LEAVE_PATIENCE);
        let cache = Cache::of(&self.cache_folder, &self.server());
        // the person of a session with a keyring was noted
        if cache.person().is_none() {
            cache.clear();
        }
    }

    fn send(&self, message: Message) {
        if self.messages.send(message).is_err() {
            tracing::error!("the session's task has ended");
        }
    }

    /// Sends a message and waits for its answer. `None`: the task has ended, which it does not do before the app does.
    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.send(message(reply));
        answer.await.ok()
    }
}
