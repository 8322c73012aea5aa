//! What we read from an access token.

use serde::Deserialize;

/// The claims that matter here. `exp`, `aud`, `iss` and `nbf` are checked by the verifier.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Claims {
    /// The person, as the issuer knows them.
    pub(crate) sub: String,
    /// Seconds since 1970.
    pub(crate) exp: u64,
    /// When its person typed their password, seconds since 1970. A refresh gives a new `iat`, and keeps this.
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
    /// A name to show: the full one, else the login name.
    pub(crate) fn display_name(&self) -> &str {
        if self.name.trim().is_empty() { &self.preferred_username } else { &self.name }
    }
}
