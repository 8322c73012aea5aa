//! Invites into an organization, by e-mail and with a role.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::{InviteId, OrgId, Role, UserId};

/// Days until an invite expires.
pub const INVITE_DAYS: i64 = 7;
const INVITE_TOKEN_CHARS_MAX: usize = 256;

/// The token of an invite's link: 1 to 256 letters, digits, `-` and `_`, so that no token can change the URL path into
/// which it is put.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InviteToken(String);

/// The error for a text that is not an [`InviteToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoInviteToken;

impl std::fmt::Display for NoInviteToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this is not the token of an invite")
    }
}

impl std::error::Error for NoInviteToken {}

impl TryFrom<String> for InviteToken {
    type Error = NoInviteToken;

    fn try_from(text: String) -> Result<Self, NoInviteToken> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let good = (1..=INVITE_TOKEN_CHARS_MAX).contains(&text.len()) && text.chars().all(known);
        if good { Ok(Self(text)) } else { Err(NoInviteToken) }
    }
}

impl std::str::FromStr for InviteToken {
    type Err = NoInviteToken;

    fn from_str(text: &str) -> Result<Self, NoInviteToken> {
        text.to_owned().try_into()
    }
}

impl From<InviteToken> for String {
    fn from(token: InviteToken) -> Self {
        token.0
    }
}

/// Leaves the token out, because anyone who finds it in a log could open the invite.
impl std::fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteToken")
    }
}

impl InviteToken {
    /// The token as it stands in the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether an invite can still be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InviteStatus {
    Pending,
    Expired,
}

/// `POST /org-invites`.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    #[garde(skip)]
    pub org_id: OrgId,
    #[garde(email, length(chars, max = 254))]
    #[cfg_attr(feature = "server", schema(format = "email", min_length = 3, max_length = 254))]
    pub email: String,
    #[garde(skip)]
    pub role: Role,
}

/// An invite that was not accepted yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Invite {
    pub id: InviteId,
    pub org_id: OrgId,
    pub email: String,
    pub role: Role,
    pub invited_by: UserId,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub status: InviteStatus,
}

/// The answer to creating or resending an invite: the only one that holds the token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CreatedInvite {
    #[serde(flatten)]
    pub invite: Invite,
    pub token: String,
    /// A page that opens the app, for an organizer who writes the mail themselves.
    pub url: String,
}

/// What a person with an invite's link may know before signing in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct InvitePreview {
    /// Name of the organization.
    pub organization: String,
    pub role: Role,
    /// Name of the person who invites.
    pub inviter: String,
    /// Address with most of its letters hidden.
    pub email: String,
    pub expires_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::InviteToken;

    #[test]
    fn a_token_is_one_path_segment() {
        assert!("0aZ-_9".parse::<InviteToken>().is_ok());
        for bad in ["", "..", ".", "../users/me", "a/b", "a?b", "%2e%2e", "a b", "é", &"a".repeat(257)] {
            assert!(bad.parse::<InviteToken>().is_err(), "{bad}");
            assert!(serde_json::from_value::<InviteToken>(bad.into()).is_err(), "{bad}");
        }
    }
}
