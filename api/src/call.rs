//! Every call that the app makes, as data: the UI names a call, the shell adds the token and sends it.
//!
//! To add one: a variant here, its request in [`Call::request`], and a typed function in `ui/src/api`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    BookingId, CancelBooking, CancelSeats, ClaimSeats, CreateBooking, ErrorBody, EventId, NotificationId, OrgId,
    Outcome, User, UserId,
};

/// A call of the server's HTTP API. The key of a creating call is made once per click and kept for retries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Answers `User`.
    Me,
    /// Answers `Vec<Organization>`.
    MyOrganizations { user_id: UserId },
    /// Answers `Vec<Member>`.
    Members { org_id: OrgId },
    /// Answers `Vec<Event>`, soonest first; `org_id` narrows it to one organization, `mine` to the caller's own.
    Events { org_id: Option<OrgId>, mine: bool },
    /// Answers `Event`.
    Event { event_id: EventId },
    /// Answers `SeatMap`.
    Seats { event_id: EventId },
    /// Answers `Vec<Booking>`, newest first.
    MyBookings { user_id: UserId },
    /// Answers `Booking`.
    Booking { booking_id: BookingId },
    /// Answers `Vec<HistoryEntry>`.
    BookingHistory { booking_id: BookingId },
    /// Answers `Booking`.
    CreateBooking { key: String, body: CreateBooking },
    /// Answers `Booking`.
    CancelBooking { booking_id: BookingId, body: CancelBooking },
    /// Answers `Booking`.
    CancelSeats { booking_id: BookingId, body: CancelSeats },
    /// Answers `Booking`.
    Claim { booking_id: BookingId, key: String, body: ClaimSeats },
    /// Answers `Vec<Notification>`, newest first.
    Notifications { unread: bool },
    /// Answers `Notification`.
    ReadNotification { notification_id: NotificationId },
    /// Answers nothing of interest.
    ReadAllNotifications,
}

/// The HTTP method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// A call as HTTP, without address and token.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    pub method: Method,
    /// Path and query, starting with a slash.
    pub path: String,
    pub body: Option<Value>,
    pub idempotency_key: Option<String>,
}

impl Call {
    /// How this call is sent.
    pub fn request(&self) -> HttpRequest {
        match self {
            Self::Me => get("/users/me".to_owned()),
            Self::MyOrganizations { user_id } => get(format!("/organizations/user/{user_id}?limit=200")),
            Self::Members { org_id } => get(format!("/organizations/{org_id}/members?limit=200")),
            Self::Events { org_id, mine } => {
                let org = org_id.map(|id| format!("&org_id={id}")).unwrap_or_default();
                let mine = if *mine { "&mine=true" } else { "" };
                get(format!("/events?limit=200{org}{mine}"))
            }
            Self::Event { event_id } => get(format!("/events/{event_id}")),
            Self::Seats { event_id } => get(format!("/events/{event_id}/seats")),
            Self::MyBookings { user_id } => get(format!("/bookings/user/{user_id}?limit=200")),
            Self::Booking { booking_id } => get(format!("/bookings/{booking_id}")),
            Self::BookingHistory { booking_id } => get(format!("/bookings/{booking_id}/history")),
            Self::CreateBooking { key, body } => post("/bookings".to_owned(), Some(body), Some(key)),
            Self::CancelBooking { booking_id, body } => {
                post(format!("/bookings/{booking_id}/cancel"), Some(body), None)
            }
            Self::CancelSeats { booking_id, body } => {
                post(format!("/bookings/{booking_id}/cancel-seats"), Some(body), None)
            }
            Self::Claim { booking_id, key, body } => {
                post(format!("/bookings/{booking_id}/claim"), Some(body), Some(key))
            }
            Self::Notifications { unread } => {
                get(format!("/notifications?limit=200{}", if *unread { "&unread=true" } else { "" }))
            }
            Self::ReadNotification { notification_id } => {
                post::<Value>(format!("/notifications/{notification_id}/read"), None, None)
            }
            Self::ReadAllNotifications => post::<Value>("/notifications/read-all".to_owned(), None, None),
        }
    }
}

fn get(path: String) -> HttpRequest {
    HttpRequest { method: Method::Get, path, body: None, idempotency_key: None }
}

fn post<T: Serialize>(path: String, body: Option<&T>, key: Option<&String>) -> HttpRequest {
    let body = body.map(|body| serde_json::to_value(body).expect("bodies have string keys and finite numbers"));
    HttpRequest { method: Method::Post, path, body, idempotency_key: key.cloned() }
}

/// Why a call has no answer, in the words that a screen decides by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ApiFailure {
    /// The server refused; the body says why.
    Refused { status: u16, body: Box<ErrorBody> },
    /// The server could not be reached, so nothing was sent.
    Offline,
    /// The server asks to wait (429 or 503). `outcome` is set for writes.
    Busy { retry_after_s: u64, outcome: Option<Outcome> },
    /// The call was sent and no answer came: for a write the outcome is unknown.
    NoAnswer,
    /// The person has to sign in again.
    SessionEnded,
    /// An answer that this app does not understand.
    Unexpected { message: String },
}

/// Where the person stands with signing in. The shell tells the UI, also by the event `session`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionView {
    /// A stored session is being restored.
    Restoring,
    SignedOut,
    /// The browser is open; the person has until `expires_in_s` runs out.
    Waiting {
        expires_in_s: u64,
    },
    Failed {
        reason: SignInFailure,
    },
    /// `remembered`: the session survives a restart, since the system keyring keeps it.
    SignedIn {
        user: Box<User>,
        remembered: bool,
    },
}

/// Why signing in did not work, in the words that the screen decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInFailure {
    /// The person cancelled, here or in the browser.
    Cancelled,
    /// It took longer than five minutes.
    TimedOut,
    /// The sign-in service (Keycloak) does not answer.
    ServiceAway,
    /// The sign-in service refused or sent something that does not verify.
    Refused,
    /// Signed in, but our own server does not answer.
    ServerAway,
    /// No browser could be opened.
    NoBrowser,
}

/// Settings of the shell that a screen shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShellInfo {
    /// Address of the server.
    pub server: String,
    pub version: String,
}

/// Where a deep link leads inside the app; sent by the event `open`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum OpenTarget {
    Event { event_id: EventId },
    Invite { token: String },
}
