//! Events and their seats.

use chrono::{DateTime, Datelike, Utc};
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};

#[cfg(feature = "server")]
use crate::organization::NameText;
use crate::organization::name_in_bounds;
use crate::{EventId, OrgId, UserId};

/// Most seats of one event.
pub const TOTAL_SLOTS_MAX: i32 = 100_000;
/// Most seats of one booking, and of one person's limit.
pub const SEATS_PER_BOOKING_MAX: i32 = 50;
const DESCRIPTION_CHARS_MAX: usize = 10_000;
const PLACE_CHARS_MAX: usize = 300;

/// What kind of event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Webinar,
    Concert,
    Hackathon,
}

impl Category {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webinar => "webinar",
            Self::Concert => "concert",
            Self::Hackathon => "hackathon",
        }
    }
}

/// Where an event is in its life. People book while it is `upcoming`; its staff may book for them until it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    Upcoming,
    Ongoing,
    Completed,
    Cancelled,
}

impl EventStatus {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Ongoing => "ongoing",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Who may see and book an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    #[default]
    Members,
    Public,
}

/// The organization of an event, as far as everybody who sees the event may know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct EventOrg {
    pub id: OrgId,
    pub name: String,
}

/// An event as the caller sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Event {
    pub id: EventId,
    pub org_id: OrgId,
    pub org: EventOrg,
    pub created_by: UserId,
    pub owner_id: UserId,
    pub name: String,
    pub description: String,
    pub category: Option<Category>,
    /// An address, or a link for a webinar.
    pub place: Option<String>,
    /// IANA name of the zone in which the event's times are meant.
    pub time_zone: String,
    pub event_date: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    /// Seats are numbered 1 to this.
    pub total_slots: i32,
    pub available_slots: i32,
    pub status: EventStatus,
    pub visibility: Visibility,
    pub max_seats_per_user: Option<i32>,
    pub waiting_bookings: i64,
    pub waiting_seats: i64,
    /// Distinct people with an active booking; for staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<i64>,
    /// Counts edits, not bookings.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// `POST /events`.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateEvent {
    #[garde(skip)]
    pub org_id: OrgId,
    #[garde(custom(name_in_bounds))]
    #[cfg_attr(feature = "server", schema(inline, value_type = NameText))]
    pub name: String,
    #[serde(default)]
    #[garde(custom(description_in_bounds))]
    #[cfg_attr(feature = "server", schema(max_length = 10000, pattern = "^[^\\x00]*$"))]
    pub description: String,
    #[serde(default)]
    #[garde(skip)]
    pub category: Option<Category>,
    #[serde(default)]
    #[garde(inner(custom(place_in_bounds)))]
    #[cfg_attr(feature = "server", schema(max_length = 300, pattern = "^[^\\x00]*$"))]
    pub place: Option<String>,
    #[serde(default = "utc")]
    #[garde(length(chars, min = 1, max = 64))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 64))]
    pub time_zone: String,
    #[garde(skip)]
    pub event_date: DateTime<Utc>,
    #[serde(default)]
    #[garde(skip)]
    pub ends_at: Option<DateTime<Utc>>,
    #[garde(custom(total_slots_in_range))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 100_000))]
    pub total_slots: i32,
    #[serde(default)]
    #[garde(skip)]
    pub visibility: Visibility,
    #[serde(default)]
    #[garde(inner(custom(seats_in_range)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 50))]
    pub max_seats_per_user: Option<i32>,
}

/// `PUT /events/:id`: only the fields that change. `null` clears an optional one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateEvent {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(custom(name_in_bounds)))]
    #[cfg_attr(feature = "server", schema(inline, value_type = NameText, required = false))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(custom(description_in_bounds)))]
    #[cfg_attr(feature = "server", schema(nullable = false, max_length = 10000, pattern = "^[^\\x00]*$"))]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(skip)]
    pub category: Option<Option<Category>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(inner(inner(custom(place_in_bounds))))]
    #[cfg_attr(feature = "server", schema(max_length = 300, pattern = "^[^\\x00]*$"))]
    pub place: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(length(chars, min = 1, max = 64)))]
    #[cfg_attr(feature = "server", schema(nullable = false, min_length = 1, max_length = 64))]
    pub time_zone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(skip)]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub event_date: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(skip)]
    pub ends_at: Option<Option<DateTime<Utc>>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(custom(total_slots_in_range)))]
    #[cfg_attr(feature = "server", schema(nullable = false, minimum = 1, maximum = 100_000))]
    pub total_slots: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(skip)]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub visibility: Option<Visibility>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(inner(inner(custom(seats_in_range))))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 50))]
    pub max_seats_per_user: Option<Option<i32>>,
    /// Hands the event over to another organizer or orgAdmin; orgAdmins only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(skip)]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub owner_id: Option<UserId>,
}

/// `POST /events/:id/duplicate`: a new date, and what else is to differ. It is owned by the caller and has no bookings.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DuplicateEvent {
    #[garde(skip)]
    pub event_date: DateTime<Utc>,
    #[serde(default)]
    #[garde(skip)]
    pub ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
    #[garde(inner(custom(name_in_bounds)))]
    #[cfg_attr(feature = "server", schema(inline, value_type = Option<NameText>))]
    pub name: Option<String>,
}

/// A body without fields: `{}`, or none at all.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

/// `GET /events/:id/seats` as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct SeatMap {
    pub total: i32,
    /// Seats that are held, ascending; the caller's are among them.
    pub taken: Vec<i32>,
    /// The caller's seats, ascending.
    pub mine: Vec<i32>,
    /// Counts committed changes of the event's seats.
    pub version: i64,
}

/// Whether a time lies in the years 1970 to 9998, which every part of the system can read and write.
pub fn time_in_bounds(time: DateTime<Utc>) -> bool {
    (1970..=9998).contains(&time.year())
}

/// Checks an event's start and end.
///
/// `now` is the server's time: the start must lie after it, and the end after the start. Returns the field that is
/// wrong and the reason, or `None`.
pub fn event_times_problem(
    now: DateTime<Utc>,
    event_date: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
) -> Option<(&'static str, &'static str)> {
    if event_date <= now {
        return Some(("event_date", "must lie ahead"));
    }
    if !time_in_bounds(event_date) {
        return Some(("event_date", "must lie before the year 9999"));
    }
    match ends_at {
        Some(end) if !time_in_bounds(end) => Some(("ends_at", "must lie before the year 9999")),
        Some(end) if end <= event_date => Some(("ends_at", "must be after event_date")),
        _ => None,
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Deserializes an optional field that cannot be cleared: an absent field is `None`, and `null` is refused.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Deserializes an optional field that can be cleared: an absent field is `None`, and `null` is `Some(None)`.
pub(crate) fn clearable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

fn description_in_bounds(text: &str, _: &()) -> garde::Result {
    chars_at_most(text, DESCRIPTION_CHARS_MAX)
}

fn place_in_bounds(text: &str, _: &()) -> garde::Result {
    chars_at_most(text, PLACE_CHARS_MAX)
}

fn chars_at_most(text: &str, chars_max: usize) -> garde::Result {
    if text.chars().count() > chars_max || text.contains('\0') {
        return Err(garde::Error::new(format!("must have at most {chars_max} characters")));
    }
    Ok(())
}

fn total_slots_in_range(slots: &i32, _: &()) -> garde::Result {
    if !(1..=TOTAL_SLOTS_MAX).contains(slots) {
        return Err(garde::Error::new(format!("must be 1 to {TOTAL_SLOTS_MAX}")));
    }
    Ok(())
}

pub(crate) fn seats_in_range(seats: &i32, _: &()) -> garde::Result {
    if !(1..=SEATS_PER_BOOKING_MAX).contains(seats) {
        return Err(garde::Error::new(format!("must be 1 to {SEATS_PER_BOOKING_MAX}")));
    }
    Ok(())
}
