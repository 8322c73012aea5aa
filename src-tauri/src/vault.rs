//! The refresh token in the system's keyring. Without a keyring nothing is kept, and the app says so.

use keyring::Entry;
use url::Url;

const SERVICE: &str = "org.happening.desktop";

/// The token that was kept for a server.
pub(crate) async fn load(server: &Url) -> Option<String> {
    let account = server.to_string();
    blocking(move || Entry::new(SERVICE, &account)?.get_password()).await
}

/// Keeps a token; answers whether it was kept.
pub(crate) async fn store(server: &Url, token: &str) -> bool {
    let (account, token) = (server.to_string(), token.to_owned());
    blocking(move || Entry::new(SERVICE, &account)?.set_password(&token)).await.is_some()
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
