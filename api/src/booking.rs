//! Bookings: creating and cancelling them, cancelling single seats, claiming seats, history.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::event::seats_in_range;
use crate::{
    AuditId, BookingId, EventId, EventStatus, HistoryId, OrgId, SEATS_PER_BOOKING_MAX, TOTAL_SLOTS_MAX, UserId,
};

const REASON_CHARS_MAX: usize = 500;

/// What to do when a requested seat is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Give the lowest free seats instead, and set `reassigned` in the answer.
    #[default]
    Reassign,
    /// Refuse with `seats_taken`, and list the taken seats in `details`.
    Reject,
}

/// `POST /bookings`.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateBooking {
    #[garde(skip)]
    pub event_id: EventId,
    /// How many seats, 1 to 50.
    #[garde(custom(seats_in_range))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 50))]
    pub seats: i32,
    /// Exactly these seats: as many as `seats`, distinct. Without it: the lowest free ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(as_many_distinct_seats(&self.seats)))]
    #[cfg_attr(feature = "server", schema(min_items = 1, max_items = 50))]
    pub seat_numbers: Option<Vec<i32>>,
    #[serde(default)]
    #[garde(skip)]
    pub on_conflict: OnConflict,
    /// Join the waitlist when too few seats are free.
    #[serde(default = "yes")]
    #[garde(skip)]
    pub waitlist: bool,
    /// The person who gets the booking; the caller by default. Staff of the event may name a member of the organization, or a
    /// person who has booked at the event before. They must give a reason, and can do so until the event is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub user_id: Option<UserId>,
    /// Why staff book for another person, who is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(reason_in_bounds)))]
    #[cfg_attr(
        feature = "server",
        schema(min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")
    )]
    pub reason: Option<String>,
}

/// `confirmed` holds at least one seat, `waiting` holds none and wants some, `cancelled` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "lowercase")
)]
#[serde(rename_all = "lowercase")]
pub enum BookingStatus {
    Confirmed,
    Waiting,
    Cancelled,
}

impl BookingStatus {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waiting => "waiting",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The event's facts that a listed booking carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BookingEvent {
    pub id: EventId,
    pub org_id: OrgId,
    pub name: String,
    pub event_date: DateTime<Utc>,
    pub place: Option<String>,
    pub status: EventStatus,
    pub time_zone: String,
    pub category: Option<crate::Category>,
    pub available_slots: i32,
}

/// The person of a booking, for the event's staff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct BookingUser {
    pub name: String,
    pub email: String,
}

/// What happened to an event or one of its bookings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ActivityEntry {
    pub id: AuditId,
    /// `booking_created`, `booking_promoted`, …, or `event_created`, `event_updated`, `event_cancelled`.
    pub action: String,
    /// Who did it; null when the waitlist did.
    pub actor_id: Option<UserId>,
    pub actor: Option<String>,
    pub booking_id: Option<BookingId>,
    /// Whose booking.
    pub person: Option<String>,
    pub seat_numbers: Vec<i32>,
    pub reason: Option<String>,
    /// Of an edit: the fields that were sent.
    pub details: serde_json::Value,
    pub created_at: DateTime<Utc>,
}

/// A booking. `seats` = held + `waiting_seats` + given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Booking {
    pub id: BookingId,
    pub event_id: EventId,
    pub user_id: UserId,
    /// Wanted in total.
    pub seats: i32,
    /// Held now, ascending.
    pub seat_numbers: Vec<i32>,
    /// Still wanted.
    pub waiting_seats: i32,
    pub status: BookingStatus,
    /// Its position when it joined the waitlist.
    pub waiting_number: Option<i32>,
    /// Its position now, from 1; like the next two only while it waits.
    pub position: Option<i64>,
    pub bookings_ahead: Option<i64>,
    pub seats_ahead: Option<i64>,
    /// Other seats than the requested ones were given.
    pub reassigned: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Whose it is; for the event's staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<BookingUser>,
    /// In a person's list only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<BookingEvent>,
}

/// `POST /bookings/:id/cancel`. Staff must give a reason.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelBooking {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(reason_in_bounds)))]
    #[cfg_attr(
        feature = "server",
        schema(min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")
    )]
    pub reason: Option<String>,
}

/// `POST /bookings/:id/cancel-seats`. Staff must give a reason.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelSeats {
    #[garde(custom(some_distinct_seats))]
    #[cfg_attr(feature = "server", schema(min_items = 1, max_items = 50))]
    pub seat_numbers: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(reason_in_bounds)))]
    #[cfg_attr(
        feature = "server",
        schema(min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\s\\x00][^\\x00]*$")
    )]
    pub reason: Option<String>,
}

/// `POST /bookings/:id/claim`: takes free seats for a waiting booking.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimSeats {
    /// Exactly so many; without it all that are free and wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(seats_in_range)))]
    #[cfg_attr(feature = "server", schema(minimum = 1, maximum = 50))]
    pub seats: Option<i32>,
}

/// What happened to a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
#[serde(rename_all = "snake_case")]
pub enum HistoryAction {
    Created,
    Promoted,
    Cancelled,
    SeatsCancelled,
    Claimed,
    /// The event started while the booking waited.
    WaitlistEnded,
}

impl HistoryAction {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Promoted => "promoted",
            Self::Cancelled => "cancelled",
            Self::SeatsCancelled => "seats_cancelled",
            Self::Claimed => "claimed",
            Self::WaitlistEnded => "waitlist_ended",
        }
    }
}

/// One change of a booking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    pub id: HistoryId,
    pub action: HistoryAction,
    pub seats: i32,
    pub seat_numbers: Vec<i32>,
    /// Who did it; null when the waitlist did.
    pub actor_id: Option<UserId>,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// One change ahead of a booking that waits: why its place is what it is. Names nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WaitlistMove {
    /// What happened to a booking ahead: it got seats (`promoted`), took free ones (`claimed`), or was `cancelled`.
    pub action: HistoryAction,
    /// The seats that went to it; none when it was cancelled.
    pub seat_numbers: Vec<i32>,
    /// Seats that it still waited for afterwards; 0: it left the waitlist.
    pub still_waits_for: i32,
    /// The place before it, from 1.
    pub from: i64,
    /// The place after it.
    pub to: i64,
    pub created_at: DateTime<Utc>,
}

fn yes() -> bool {
    true
}

fn reason_in_bounds(reason: &str, _: &()) -> garde::Result {
    let chars = reason.trim().chars().count();
    if !(1..=REASON_CHARS_MAX).contains(&chars) || reason.contains('\0') {
        return Err(garde::Error::new(format!("must have 1 to {REASON_CHARS_MAX} characters")));
    }
    Ok(())
}

fn as_many_distinct_seats(seats: &i32) -> impl FnOnce(&Option<Vec<i32>>, &()) -> garde::Result + '_ {
    move |numbers, context| match numbers {
        None => Ok(()),
        Some(list) if usize::try_from(*seats) != Ok(list.len()) => {
            Err(garde::Error::new(format!("must name as many seats as `seats` says ({seats})")))
        }
        Some(list) => some_distinct_seats(list, context),
    }
}

fn some_distinct_seats(list: &[i32], _: &()) -> garde::Result {
    if list.is_empty() || list.len() > SEATS_PER_BOOKING_MAX as usize {
        return Err(garde::Error::new(format!("must name 1 to {SEATS_PER_BOOKING_MAX} seats")));
    }
    if let Some(seat) = list.iter().find(|seat| !(1..=TOTAL_SLOTS_MAX).contains(*seat)) {
        return Err(garde::Error::new(format!("seat {seat} does not exist")));
    }
    if list.iter().collect::<BTreeSet<_>>().len() != list.len() {
        return Err(garde::Error::new("must not name a seat twice"));
    }
    Ok(())
}
