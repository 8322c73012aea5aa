//! The body of every error answer, and the codes that programs may rely on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Event;

/// Every refusal and failure of the server has this body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// A sentence for people.
    pub error: String,
    /// What programs decide by.
    pub code: ErrorCode,
    #[serde(default, skip_serializing_if = "ErrorDetails::is_empty")]
    pub details: ErrorDetails,
    /// The same id stands in the server's logs.
    pub request_id: String,
}

/// What a refusal is about. Only the members that belong to the code are present.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ErrorDetails {
    /// `invalid`: field path to reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// `seats_taken`, `seats_booked`, and seats that are not the caller's: the seats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Vec<i32>>,
    /// `stale`: the event as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<Event>>,
    /// `not_enough_free`: how many seats are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<i32>,
    /// `limit_reached`: seats that one person may have at this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// `limit_reached`: seats that the person holds and waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub have: Option<i32>,
    /// `unavailable` on a write: whether anything happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl ErrorDetails {
    /// True when no member is set; such details are left out of the answer.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a write that could not be answered has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing happened.
    Nothing,
    /// The write may have happened; a caller finds out by repeating it with the same idempotency key.
    Unknown,
}

/// Stable codes; the status that each one goes with is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    Unauthenticated,
    Invalid,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    UnsupportedMediaType,
    KeyReused,
    RateLimited,
    Unavailable,
    Internal,
    EventNotOpen,
    EventStarted,
    EventHasBookings,
    LimitReached,
    SeatsTaken,
    SeatsBooked,
    SoldOut,
    Stale,
    AlreadyCancelled,
    NothingToClaim,
    NotEnoughFree,
    LastAdmin,
    OrganizationHasEvents,
    AlreadyMember,
    InviteUsed,
    InviteGone,
    InviteForOtherAddress,
    EmailNotVerified,
    /// A code that this version of the app does not know; callers decide by its HTTP status instead.
    #[serde(other)]
    Other,
}

impl ErrorCode {
    /// The HTTP status that this code is answered with.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Invalid => 400,
            Self::Forbidden | Self::InviteForOtherAddress | Self::EmailNotVerified => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::KeyReused => 422,
            Self::RateLimited => 429,
            Self::Unavailable => 503,
            Self::Internal | Self::Other => 500,
            Self::EventNotOpen
            | Self::EventStarted
            | Self::EventHasBookings
            | Self::LimitReached
            | Self::SeatsTaken
            | Self::SeatsBooked
            | Self::SoldOut
            | Self::Stale
            | Self::AlreadyCancelled
            | Self::NothingToClaim
            | Self::NotEnoughFree
            | Self::LastAdmin
            | Self::OrganizationHasEvents
            | Self::AlreadyMember
            | Self::InviteUsed => 409,
            Self::InviteGone => 410,
        }
    }
}
