//! The refresh token in the system's keyring. Without a keyring the token is not kept, and the app says so.

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
/// How long the app waits for the person to unlock the keyring; after that, they can sign in without it.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs the keyring's jobs in the order in which they were requested, also when the caller no longer
/// waits. Otherwise an older token could overwrite a newer one, or come back after it was deleted.
static JOBS: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (jobs, queue) = mpsc::channel::<Job>();
    std::thread::spawn(move || queue.iter().for_each(|job| job()));
    jobs
});

/// The keyring's answer, when it comes: `None` when the keyring refuses or has no such token, an error when there is no
/// keyring.
pub(crate) type Answer<T> = oneshot::Receiver<Option<T>>;

/// The keyring could not be read.
pub(crate) struct Unreadable {
    /// There is no keyring; otherwise the keyring was not unlocked.
    pub(crate) absent: bool,
}

/// Reads the token that was kept for a server.
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

/// Stores a token, also when the caller does not wait for the answer.
pub(crate) fn store(server: &Url, token: &str) -> Answer<()> {
    let token = token.to_owned();
    ask(server, move |entry| entry.set_password(&token))
}

/// Deletes the token, also when the caller does not wait for the answer.
pub(crate) fn forget(server: &Url) -> Answer<()> {
    ask(server, |entry| entry.delete_credential())
}

/// Waits for the jobs that were requested so far, at most for `limit`.
pub(crate) fn finish(limit: Duration) {
    let (done, finished) = mpsc::channel();
    let job = move || done.send(()).unwrap_or_default(); // fails when the caller has stopped waiting
    if JOBS.send(Box::new(job)).is_ok() && finished.recv_timeout(limit).is_err() {
        tracing::info!("the keyring was not waited for any longer");
    }
}

/// Runs a job on a server's entry in the keyring. Each job looks for the keyring again, because the keyring can start
/// later than the app, or restart.
fn ask<T: Send + 'static>(server: &Url, ask: impl FnOnce(Entry) -> Result<T> + Send + 'static) -> Answer<T> {
    let account = server.to_string();
    let (told, answer) = oneshot::channel();
    if cfg!(test) {
        return answer; // as without a keyring: a test must not write into its developer's
    }
    let job = move || {
        let store = match Store::new() {
            Ok(store) => store,
            Err(error) => return tracing::info!(%error, "there is no keyring"), // dropping `told` tells the caller
        };
        let asked = store.build(SERVICE, &account, None).and_then(ask);
        if let Err(error) = &asked
            && !matches!(error, Error::NoEntry)
        {
            tracing::info!(%error, "the system's keyring cannot be used");
        }
        drop(told.send(asked.ok())); // fails when the caller has stopped waiting
    };
    if JOBS.send(Box::new(job)).is_err() {
        tracing::warn!("the keyring's thread is gone");
    }
    answer
}
