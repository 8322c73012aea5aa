//! The refresh token in the system's keyring. Without a keyring nothing is kept, and the app says so.

use std::time::Duration;

use keyring::Entry;
use url::Url;

const SERVICE: &str = "org.happening.desktop";
/// A keyring that asks for its password answers when somebody types it; calls to the server don't wait for that.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody seems to type it, or to be asked: the person can sign in without it.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The keyring is absent, or was not unlocked: nobody knows what it holds.
pub(crate) struct Unreadable;

/// The token that was kept for a server.
///
/// # Errors
/// [`Unreadable`].
pub(crate) async fn load(server: &Url) -> Result<Option<String>, Unreadable> {
    let account = server.to_string();
    let read = move || match Entry::new(SERVICE, &account)?.get_password() {
        Err(keyring::Error::NoEntry) => Ok(None),
        other => other.map(Some),
    };
    tokio::time::timeout(LOAD_TIMEOUT, blocking(read)).await.ok().flatten().ok_or(Unreadable)
}

/// Keeps a token; answers whether it was kept.
pub(crate) async fn store(server: &Url, token: &str) -> bool {
    let (account, token) = (server.to_string(), token.to_owned());
    let stored = blocking(move || Entry::new(SERVICE, &account)?.set_password(&token));
    tokio::time::timeout(STORE_TIMEOUT, stored).await.is_ok_and(|stored| stored.is_some())
}

/// Forgets the token.
pub(crate) async fn forget(server: &Url) {
    let account = server.to_string();
    blocking(move || Entry::new(SERVICE, &account)?.delete_credential()).await;
}

/// A keyring can ask the person to unlock it, and can be absent.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> keyring::Result<T> + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(call).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(keyring::Error::NoEntry)) => None,
        Ok(Err(error)) => {
            tracing::info!(%error, "the system's keyring cannot be used");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the keyring call failed");
            None
        }
    }
}
