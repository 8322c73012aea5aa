//! The refresh token in the system's keyring. Without a keyring nothing is kept, and the app says so.

use std::sync::{LazyLock, mpsc};
use std::time::Duration;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error, Result};
use tokio::sync::oneshot;
use url::Url;
#[cfg(windows)]
use windows_native_keyring_store::Store;
#[cfg(not(any(windows, target_os = "macos")))]
use zbus_secret_service_keyring_store::Store;

const SERVICE: &str = "org.happening.desktop";
/// After this time the keyring's password is not going to be typed: the person can sign in without the keyring.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does what the keyring is asked for, in the order of asking, also when the caller no longer waits: a later token must
/// not be replaced by an earlier one, nor come back after it was to be forgotten.
static JOBS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (jobs, queue) = mpsc::channel::<Job>();
    std::thread::spawn(move || queue.iter().for_each(|job| job()));
    jobs
});

/// What the keyring will answer; `None` when it refuses, or has no such token. An error when there is no keyring.
pub(crate) type Answer<T> = oneshot::Receiver<Option<T>>;

/// It is not known what the keyring holds.
pub(crate) struct Unreadable {
    /// There is none; otherwise it was not unlocked.
    pub(crate) absent: bool,
}

/// The token that was kept for a server.
///
/// # Errors
/// [`Unreadable`].
pub(crate) async fn load(server: &Url) -> std::result::Result<Option<String>, Unreadable> {
    let read = |entry: Entry| match entry.get_password() {
        Err(Error::NoEntry) => Ok(None),
        other => other.map(Some),
    };
    match tokio::time::timeout(LOAD_TIMEOUT, ask(server, read)).await {
        Ok(Ok(Some(found))) => Ok(found),
        Ok(Err(_)) => Err(Unreadable { absent: true }),
        Ok(Ok(None)) | Err(_) => Err(Unreadable { absent: false }),
    }
}

/// Keeps a token from now on, also when the caller does not wait for the answer.
pub(crate) fn store(server: &Url, token: &str) -> Answer<()> {
    let token = token.to_owned();
    ask(server, move |entry| entry.set_password(&token))
}

/// Forgets the token, also when the caller does not wait for the answer.
pub(crate) fn forget(server: &Url) -> Answer<()> {
    ask(server, |entry| entry.delete_credential())
}

/// Waits for what was asked for so far, but not longer than that.
pub(crate) fn finish(limit: Duration) {
    let (done, finished) = mpsc::channel();
    let job = move || done.send(()).unwrap_or_default(); // the caller has stopped waiting
    if JOBS.send(Box::new(job)).is_ok() && finished.recv_timeout(limit).is_err() {
        tracing::info!("the keyring was not waited for any longer");
    }
}

/// Asks about a server's token. The keyring is looked for each time: it can start later than the app, and be restarted.
fn ask<T: Send + 'static>(server: &Url, ask: impl FnOnce(Entry) -> Result<T> + Send + 'static) -> Answer<T> {
    let account = server.to_string();
    let (told, answer) = oneshot::channel();
    if cfg!(test) {
        return answer; // as without a keyring: a test must not write into its developer's
    }
    let job = move || {
        let store = match Store::new() {
            Ok(store) => store,
            Err(error) => return tracing::info!(%error, "there is no keyring"), // which the end of `told` says
        };
        let asked = store.build(SERVICE, &account, None).and_then(ask);
        if let Err(error) = &asked
            && !matches!(error, Error::NoEntry)
        {
            tracing::info!(%error, "the system's keyring cannot be used");
        }
        drop(told.send(asked.ok())); // the caller may have stopped waiting
    };
    if JOBS.send(Box::new(job)).is_err() {
        tracing::warn!("the keyring's thread is gone");
    }
    answer
}
