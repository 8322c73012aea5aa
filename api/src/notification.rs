//! Notifications: the message in the queue, and the entry in a person's feed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{BookingId, EventId, InviteId, MessageId, NotificationId, OrgId, UserId};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
#[serde(rename_all = "snake_case")]
pub enum NotificationType {
    BookingConfirmed,
    BookingWaitlisted,
    WaitlistPromoted,
    BookingCancelled,
    WaitlistEnded,
    EventUpdated,
    EventCancelled,
    OrgInvite,
    RoleChanged,
}

/// The message that goes through the outbox and the queue `notifications`. Field names are in camel case on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: MessageId,
    #[serde(rename = "type")]
    pub kind: NotificationType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<BookingId>,
    /// Set for `org_invite`: the invite, because the invited person may have no account yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
    /// Set for `role_changed`: the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_numbers: Option<Vec<i32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Names of the event's fields that changed; for `role_changed` the new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<String>>,
    pub occurred_at: DateTime<Utc>,
    pub request_id: String,
}

impl Message {
    /// A message without optional fields; the caller sets those that belong to its type.
    pub fn new(id: MessageId, kind: NotificationType, occurred_at: DateTime<Utc>, request_id: &str) -> Self {
        Self {
            id,
            kind,
            event_id: None,
            user_id: None,
            booking_id: None,
            invite_id: None,
            org_id: None,
            seats: None,
            seat_numbers: None,
            reason: None,
            changes: None,
            occurred_at,
            request_id: request_id.to_owned(),
        }
    }
}

/// Whether a notification reached all of its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[serde(rename_all = "lowercase")]
pub enum NotificationStatus {
    Delivered,
    Failed,
}

/// An entry of a person's feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Notification {
    pub id: NotificationId,
    #[serde(rename = "type")]
    pub kind: NotificationType,
    pub event_id: Option<EventId>,
    pub booking_id: Option<BookingId>,
    pub seats: Option<i32>,
    pub seat_numbers: Vec<i32>,
    pub message: String,
    pub status: NotificationStatus,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

/// What marking all notifications as read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Marked {
    /// How many were unread.
    pub read: u64,
}
