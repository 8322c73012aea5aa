//! The refresh token in the system's keyring. Without a keyring nothing is kept, and the app says so.

use std::time::Duration;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error, Result};
use tokio::sync::Mutex;
use url::Url;
#[cfg(windows)]
use windows_native_keyring_store::Store;
#[cfg(not(any(windows, target_os = "macos")))]
use zbus_secret_service_keyring_store::Store;

const SERVICE: &str = "org.happening.desktop";
/// A keyring that asks for its password answers when somebody types it; calls to the server don't wait for that.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody seems to type it, or to be asked: the person can sign in without it.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Held while the keyring is asked, also when nobody waits for the answer any more: a later token must not be replaced by an
/// earlier one, and a keyring that hangs must not take a thread for each.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The keyring is absent, or was not unlocked: nobody knows what it holds.
pub(crate) struct Unreadable;

/// The token that was kept for a server.
///
/// # Errors
/// [`Unreadable`].
pub(crate) async fn load(server: &Url) -> std::result::Result<Option<String>, Unreadable> {
    let read = |entry: Entry| match entry.get_password() {
        Err(Error::NoEntry) => Ok(None),
        other => other.map(Some),
    };
    within(LOAD_TIMEOUT, server, read).await.ok_or(Unreadable)
}

/// Keeps a token; answers whether it was kept.
pub(crate) async fn store(server: &Url, token: &str) -> bool {
    let token = token.to_owned();
    within(CHANGE_TIMEOUT, server, move |entry| entry.set_password(&token)).await.is_some()
}

/// Forgets the token.
pub(crate) async fn forget(server: &Url) {
    within(CHANGE_TIMEOUT, server, |entry| entry.delete_credential()).await;
}

/// Asks the keyring about a server's token. It is looked for each time: it can start later than the app, and be started anew.
async fn within<T: Send + 'static>(
    limit: Duration,
    server: &Url,
    ask: impl FnOnce(Entry) -> Result<T> + Send + 'static,
) -> Option<T> {
    let account = server.to_string();
    let asked = async {
        let one_at_a_time = ONE_AT_A_TIME.lock().await;
        let answer = tokio::task::spawn_blocking(move || {
            let _until_it_answers = one_at_a_time;
            ask(Store::new()?.build(SERVICE, &account, None)?)
        });
        answer.await
    };
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(Ok(value))) => return Some(value),
        Ok(Ok(Err(Error::NoEntry))) => {}
        Ok(Ok(Err(error))) => tracing::info!(%error, "the system's keyring cannot be used"),
        Ok(Err(error)) => tracing::warn!(%error, "the keyring call failed"),
        Err(_) => tracing::info!("the system's keyring does not answer"),
    }
    None
}
