//! The claims that the server reads from an access token.

use serde::Deserialize;

/// The claims that the server uses. The verifier checks `exp`, `aud`, `iss` and `nbf`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Claims {
    /// The id of the person at the issuer.
    pub(crate) sub: String,
    /// Seconds since 1970.
    pub(crate) exp: u64,
    /// When the person typed their password, in seconds since 1970. A refreshed token has a new `iat`, but keeps this.
    #[serde(default)]
    pub(crate) auth_time: Option<i64>,
    /// The client that the token was issued to.
    #[serde(default)]
    pub(crate) azp: String,
    /// `Bearer` for access tokens; an ID token says `ID`.
    #[serde(default)]
    pub(crate) typ: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) preferred_username: String,
    #[serde(default)]
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) email_verified: bool,
}

impl Claims {
    /// The name to show: the full name or, without one, the login name.
    pub(crate) fn display_name(&self) -> &str {
        if self.name.trim().is_empty() { &self.preferred_username } else { &self.name }
    }
}
