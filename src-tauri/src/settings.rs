//! Settings of a person or an administrator: the server's address, and the organization that the person selected.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use happening_api::OrgId;
use url::Url;

use crate::net;

/// The server that runs on this machine.
const DEFAULT: &str = "http://127.0.0.1:5000";

/// The server that the app uses when no address is set.
pub(crate) fn default_server() -> Url {
    Url::parse(DEFAULT).expect("a good address")
}

/// Settings as files of one line in the app's configuration folder.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    folder: PathBuf,
}

impl Settings {
    /// The settings of this person, in the app's folder below `configurations`, the system's folder for configurations.
    pub(crate) fn below(configurations: &Path) -> Self {
        Self { folder: configurations.join("happening") }
    }

    /// Address of the server: `HAPPENING_SERVER_URL`, else the first line of `server-url`, else this machine.
    ///
    /// # Errors
    /// When the app may not use the address.
    pub(crate) fn server_url(&self) -> Result<Url> {
        const VARIABLE: &str = "HAPPENING_SERVER_URL";
        match std::env::var(VARIABLE) {
            Ok(text) => parse_server_url(&text).context(VARIABLE),
            Err(_) => parse_server_url(self.line("server-url").as_deref().unwrap_or(DEFAULT)).context("server-url"),
        }
    }

    /// Keeps the server's address for the next start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn set_server_url(&self, url: &Url) -> std::io::Result<()> {
        self.keep("server-url", url.as_str())
    }

    /// The organization that the person selected last.
    pub(crate) fn organization(&self) -> Option<OrgId> {
        self.line("organization")?.parse().ok()
    }

    /// Keeps the selected organization for the next start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn set_organization(&self, org: Option<OrgId>) -> std::io::Result<()> {
        self.keep("organization", &org.map(|id| id.to_string()).unwrap_or_default())
    }

    fn line(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.join(name)).ok()?;
        text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
    }

    fn keep(&self, name: &str, line: &str) -> std::io::Result<()> {
        write_line(&self.folder, name, line)
    }
}

fn write_line(folder: &Path, name: &str, line: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), format!("{line}\n"))
}

/// Parses the address of a server: https, or plain http for this machine only.
///
/// # Errors
/// When the app may not use the address; the error is a sentence for people.
pub(crate) fn parse_server_url(text: &str) -> Result<Url> {
    let url: Url = text.trim().parse().with_context(|| format!("{:?} is not an address", text.trim()))?;
    ensure!(net::is_allowed(&url), "the server's address must begin with https://");
    ensure!(url.username().is_empty() && url.password().is_none(), "the server's address must hold no password");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_accepted() {
        for good in
            ["https://happening.example", "http://127.0.0.1:5000", " http://localhost:1/base ", "http://[::1]:2"]
        {
            assert!(parse_server_url(good).is_ok(), "{good}");
        }
        for bad in
            ["http://happening.example", "happening.example", "", "file:///etc", "https://me:secret@happening.example"]
        {
            assert!(parse_server_url(bad).is_err(), "{bad}");
        }
    }
}
