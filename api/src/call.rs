//! Every call that the app makes, as data: the UI names a call, the shell adds the token and sends it.
//!
//! To add one: a variant here, its request in [`Call::request`], and a typed function in `ui/src/api`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    BookingId, CancelBooking, CancelSeats, Category, ClaimSeats, CreateBooking, CreateEvent, CreateInvite,
    CreateOrganization, DuplicateEvent, EventId, EventStatus, InviteId, InviteToken, NotificationId, OrgId,
    UpdateEvent, UpdateMember, UpdateOrganization, UpdateUser, UserId,
};

/// A call of the server's HTTP API. The key of a creating call is made once per click and kept for retries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Answers `User`.
    Me,
    /// Answers `User`.
    UpdateMe { body: UpdateUser },
    /// Answers nothing; the person is gone.
    DeleteMe,
    /// Answers `Vec<Organization>`.
    MyOrganizations { user_id: UserId },
    /// Answers `Organization`.
    CreateOrganization { key: String, body: CreateOrganization },
    /// Answers `Organization`.
    UpdateOrganization { org_id: OrgId, body: UpdateOrganization },
    /// Answers nothing.
    DeleteOrganization { org_id: OrgId },
    /// Answers `Vec<Member>`, by name; all of them when nothing is searched.
    Members { org_id: OrgId, q: String },
    /// Answers `Member`.
    UpdateMember { org_id: OrgId, user_id: UserId, body: UpdateMember },
    /// Answers nothing; the caller leaves when it is their own membership.
    RemoveMember { org_id: OrgId, user_id: UserId },
    /// Answers `Vec<AuditEntry>`, newest first.
    Audit { org_id: OrgId },
    /// Answers `Vec<Invite>`, newest first.
    Invites { org_id: OrgId },
    /// Answers `CreatedInvite`.
    CreateInvite { key: String, body: CreateInvite },
    /// Answers `CreatedInvite`.
    ResendInvite { invite_id: InviteId },
    /// Answers nothing.
    RevokeInvite { invite_id: InviteId },
    /// Answers `InvitePreview`.
    PreviewInvite { token: InviteToken },
    /// Answers `Organization`.
    AcceptInvite { token: InviteToken },
    /// Answers `Vec<Event>`, soonest first.
    Events { filter: EventFilter },
    /// Answers `Event`.
    Event { event_id: EventId },
    /// Answers `SeatMap`.
    Seats { event_id: EventId },
    /// Answers `Event`.
    CreateEvent { key: String, body: Box<CreateEvent> },
    /// Answers `Event`; refused when the event is no longer of that version.
    UpdateEvent { event_id: EventId, version: i64, body: Box<UpdateEvent> },
    /// Answers `Event`.
    CancelEvent { event_id: EventId },
    /// Answers nothing.
    DeleteEvent { event_id: EventId },
    /// Answers `Event`.
    DuplicateEvent { event_id: EventId, key: String, body: DuplicateEvent },
    /// Answers `Vec<Booking>`: confirmed by seat, waiting by position, then cancelled ones.
    EventBookings { event_id: EventId, waiting: bool },
    /// Answers `Vec<ActivityEntry>`, newest first.
    EventActivity { event_id: EventId },
    /// Answers `Vec<Booking>`, newest first.
    MyBookings { user_id: UserId },
    /// Answers `Booking`.
    Booking { booking_id: BookingId },
    /// Answers `Vec<HistoryEntry>`.
    BookingHistory { booking_id: BookingId },
    /// Answers `Vec<WaitlistMove>`.
    BookingWaitlist { booking_id: BookingId },
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
    /// Answers `Vec<Notification>`: those that were not read, newest first, 20 at most.
    News,
    /// Answers how many notifications were not read.
    UnreadCount,
    /// Answers `Notification`.
    ReadNotification { notification_id: NotificationId },
    /// Answers nothing of interest.
    ReadAllNotifications,
}

/// Which events are listed. Without a status only upcoming and ongoing ones are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Of one organization.
    pub org_id: Option<OrgId>,
    /// Owned by the caller.
    pub mine: bool,
    pub status: Option<EventStatus>,
    pub category: Option<Category>,
    /// Words in name, description and place.
    pub q: String,
    /// Starting at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Starting at this time or before.
    pub to: Option<DateTime<Utc>>,
}

impl EventFilter {
    fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", "200");
        if let Some(id) = self.org_id {
            query.append_pair("org_id", &id.to_string());
        }
        if self.mine {
            query.append_pair("mine", "true");
        }
        if let Some(status) = self.status {
            query.append_pair("status", status.as_str());
        }
        if let Some(category) = self.category {
            query.append_pair("category", category.as_str());
        }
        if !self.q.trim().is_empty() {
            query.append_pair("q", self.q.trim());
        }
        for (name, time) in [("from", self.from), ("to", self.to)] {
            if let Some(time) = time {
                query.append_pair(name, &time.to_rfc3339_opts(SecondsFormat::Secs, true));
            }
        }
        query.finish()
    }
}

/// A file that the server makes, for saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// Bookings of an event, as CSV.
    Attendees { event_id: EventId },
    /// An event, as a calendar file.
    Calendar { event_id: EventId },
    /// Everything that is kept about the caller, as JSON.
    MyData,
}

impl Download {
    /// Path of the file at the server.
    pub fn path(&self) -> String {
        match self {
            Self::Attendees { event_id } => format!("/events/{event_id}/attendees.csv"),
            Self::Calendar { event_id } => format!("/events/{event_id}/calendar.ics"),
            Self::MyData => "/users/me/export".to_owned(),
        }
    }

    /// A name for the file.
    pub fn file_name(&self) -> &'static str {
        match self {
            Self::Attendees { .. } => "attendees.csv",
            Self::Calendar { .. } => "event.ics",
            Self::MyData => "my-data.json",
        }
    }
}

/// The HTTP method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A call as HTTP, without address and token.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    pub method: Method,
    /// Path and query, starting with a slash.
    pub path: String,
    pub body: Option<Value>,
    pub idempotency_key: Option<String>,
    /// The version that the caller has seen.
    pub if_match: Option<i64>,
    /// What the answer was called that the caller has: it is not sent again.
    pub if_none_match: Option<String>,
}

impl Call {
    /// Whether the server names its answers (`ETag`), and sends none that the caller has.
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Seats { .. })
    }

    /// How this call is sent.
    pub fn request(&self) -> HttpRequest {
        match self {
            Self::Me => get("/users/me".to_owned()),
            Self::MyOrganizations { user_id } => get(format!("/organizations/user/{user_id}?limit=200")),
            Self::UpdateMe { body } => send(Method::Patch, "/users/me".to_owned(), body),
            Self::DeleteMe => bare(Method::Delete, "/users/me".to_owned()),
            Self::CreateOrganization { key, body } => post("/organizations".to_owned(), Some(body), Some(key)),
            Self::UpdateOrganization { org_id, body } => send(Method::Put, format!("/organizations/{org_id}"), body),
            Self::DeleteOrganization { org_id } => bare(Method::Delete, format!("/organizations/{org_id}")),
            Self::Members { org_id, q } => get(format!("/organizations/{org_id}/members?limit=200{}", sought(q))),
            Self::UpdateMember { org_id, user_id, body } => {
                send(Method::Patch, format!("/organizations/{org_id}/members/{user_id}"), body)
            }
            Self::RemoveMember { org_id, user_id } => {
                bare(Method::Delete, format!("/organizations/{org_id}/members/{user_id}"))
            }
            Self::Audit { org_id } => get(format!("/organizations/{org_id}/audit?limit=200")),
            Self::Invites { org_id } => get(format!("/org-invites?org_id={org_id}&limit=200")),
            Self::CreateInvite { key, body } => post("/org-invites".to_owned(), Some(body), Some(key)),
            Self::ResendInvite { invite_id } => bare(Method::Post, format!("/org-invites/{invite_id}/resend")),
            Self::RevokeInvite { invite_id } => bare(Method::Delete, format!("/org-invites/{invite_id}")),
            Self::PreviewInvite { token } => get(format!("/org-invites/{}", token.as_str())),
            Self::AcceptInvite { token } => bare(Method::Post, format!("/org-invites/{}/accept", token.as_str())),
            Self::Events { filter } => get(format!("/events?{}", filter.query())),
            Self::CreateEvent { key, body } => post("/events".to_owned(), Some(body), Some(key)),
            Self::UpdateEvent { event_id, version, body } => {
                HttpRequest { if_match: Some(*version), ..send(Method::Put, format!("/events/{event_id}"), body) }
            }
            Self::CancelEvent { event_id } => bare(Method::Post, format!("/events/{event_id}/cancel")),
            Self::DeleteEvent { event_id } => bare(Method::Delete, format!("/events/{event_id}")),
            Self::DuplicateEvent { event_id, key, body } => {
                post(format!("/events/{event_id}/duplicate"), Some(body), Some(key))
            }
            Self::EventBookings { event_id, waiting } => {
                get(format!("/events/{event_id}/bookings?limit=200{}", if *waiting { "&waiting=true" } else { "" }))
            }
            Self::EventActivity { event_id } => get(format!("/events/{event_id}/activity?limit=50")),
            Self::Event { event_id } => get(format!("/events/{event_id}")),
            Self::Seats { event_id } => get(format!("/events/{event_id}/seats")),
            Self::MyBookings { user_id } => get(format!("/bookings/user/{user_id}?limit=200")),
            Self::Booking { booking_id } => get(format!("/bookings/{booking_id}")),
            Self::BookingHistory { booking_id } => get(format!("/bookings/{booking_id}/history")),
            Self::BookingWaitlist { booking_id } => get(format!("/bookings/{booking_id}/waitlist")),
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
            Self::Notifications { unread } => get(feed(*unread)),
            Self::News => get("/notifications?unread=true&limit=20".to_owned()),
            Self::UnreadCount => get("/notifications?unread=true&limit=1".to_owned()),
            Self::ReadNotification { notification_id } => {
                bare(Method::Post, format!("/notifications/{notification_id}/read"))
            }
            Self::ReadAllNotifications => bare(Method::Post, "/notifications/read-all".to_owned()),
        }
    }
}

fn bare(method: Method, path: String) -> HttpRequest {
    HttpRequest { method, path, body: None, idempotency_key: None, if_match: None, if_none_match: None }
}

fn feed(only_unread: bool) -> String {
    format!("/notifications?limit=200{}", if only_unread { "&unread=true" } else { "" })
}

/// A parameter only when something is searched: a server that does not know it answers the rest.
fn sought(q: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    if q.is_empty() { encoded } else { format!("&q={encoded}") }
}

/// A read of a path.
pub fn get(path: String) -> HttpRequest {
    bare(Method::Get, path)
}

fn send<T: Serialize>(method: Method, path: String, body: &T) -> HttpRequest {
    let body = serde_json::to_value(body).expect("bodies have string keys and finite numbers");
    HttpRequest { body: Some(body), ..bare(method, path) }
}

fn post<T: Serialize>(path: String, body: Option<&T>, key: Option<&String>) -> HttpRequest {
    let request = body.map_or_else(|| bare(Method::Post, path.clone()), |body| send(Method::Post, path.clone(), body));
    HttpRequest { idempotency_key: key.cloned(), ..request }
}
