//! What an administrator sets.

use anyhow::{Context, Result, ensure};
use url::Url;

/// The server that runs on this machine.
const DEFAULT: &str = "http://127.0.0.1:5000";

/// Address of the server: `HAPPENING_SERVER_URL`, else the first line of `server-url` in the app's configuration folder
/// (`$XDG_CONFIG_HOME/happening` and its like), else this machine.
///
/// # Errors
/// When it is no http or https address; plain http is taken for this machine only.
pub(crate) fn server_url() -> Result<Url> {
    let text = std::env::var("HAPPENING_SERVER_URL").ok().or_else(from_file).unwrap_or_else(|| DEFAULT.to_owned());
    let url: Url = text.trim().parse().with_context(|| format!("the server's address {text:?} is no address"))?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && local),
        "the server's address must begin with https://"
    );
    Ok(url)
}

fn from_file() -> Option<String> {
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .or_else(|| std::env::var_os("APPDATA"))
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".config")))?;
    let text = std::fs::read_to_string(base.join("happening/server-url")).ok()?;
    text.lines().next().map(str::to_owned)
}
