//! Invites into an organization, by e-mail and with a role.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::{InviteId, OrgId, Role, UserId};

/// Days until an invite expires.
pub const INVITE_DAYS: i64 = 7;

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

/// An invite that nobody has accepted yet.
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
    /// A page that opens the app, for whoever writes the mail themselves.
    pub url: String,
}

/// What somebody with an invite's link may know before signing in.
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
