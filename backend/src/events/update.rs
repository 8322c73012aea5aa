//! Edits an event. The new seats of a raised capacity go to the waitlist first, lowest seat first: the first portion in the same
//! transaction, the others later.

use chrono::{DateTime, Utc};
use happening_api::{
    ErrorCode, Event, EventId, EventStatus, Message, MessageId, NotificationType, OrgId, Role, UpdateEvent, UserId,
    time_in_bounds,
};
use happening_seating::Refusal as Rule;
use sqlx::{PgConnection, PgPool};

use super::create::check_zone;
use super::store::{self, Editable};
use super::{Parts, views};
use crate::audit_log;
use crate::clock::Clock;
use crate::database;
use crate::organizations::store as org_store;
use crate::outbox;
use crate::problem::Problem;
use crate::seats::Turn;

/// A request to edit an event, from a caller who may.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) caller: UserId,
    pub(super) event: EventId,
    pub(super) org: OrgId,
    pub(super) body: UpdateEvent,
    /// The version in `If-Match`.
    pub(super) version: Option<i64>,
    pub(super) request_id: String,
}

/// Edits the event.
///
/// # Errors
/// `stale` with the current event, `event_not_open`, `seats_booked` with those seats, 400, 503.
pub(super) async fn update(parts: &Parts, request: &Update) -> Result<Event, Problem> {
    let mut turn = parts.seats.turn(&parts.pool, request.event).await?.ok_or_else(Problem::not_found)?;
    let now = turn.now();
    store::still_staff(turn.conn(), request.event, request.caller).await?;
    let old = store::editable(turn.conn(), request.event).await?;
    if request.version.is_some_and(|version| version != old.version) {
        drop(turn);
        return Err(stale(&parts.pool, request).await?);
    }
    let new = merged(&old, &request.body);
    check(turn.conn(), request, &old, &new, now).await?;
    write(&mut turn, parts.clock, request, &old, &new).await?;
    tell(turn.conn(), parts.clock, request, &old, &new, now).await?;
    let event = views::find(turn.conn(), request.caller, request.event).await?.ok_or_else(Problem::not_found)?;
    turn.commit().await?;
    parts.portions.wake();
    Ok(event)
}

async fn stale(pool: &PgPool, request: &Update) -> Result<Problem, Problem> {
    let current = views::find(&mut *database::conn(pool).await?, request.caller, request.event).await?;
    Ok(Problem::new(ErrorCode::Stale, "The event was changed by somebody else. Nothing was replaced.")
        .with(|details| details.event = current.map(Box::new)))
}

fn merged(old: &Editable, body: &UpdateEvent) -> Editable {
    // every field is named here, so that the compiler reports a new one
    let UpdateEvent {
        name,
        description,
        category,
        place,
        time_zone,
        event_date,
        ends_at,
        total_slots,
        visibility,
        max_seats_per_user,
        owner_id,
    } = body;
    Editable {
        name: name.as_ref().map_or_else(|| old.name.clone(), |name| name.trim().to_owned()),
        description: description.clone().unwrap_or_else(|| old.description.clone()),
        category: category.unwrap_or(old.category),
        place: place.clone().unwrap_or_else(|| old.place.clone()),
        time_zone: time_zone.clone().unwrap_or_else(|| old.time_zone.clone()),
        event_date: event_date.unwrap_or(old.event_date),
        ends_at: ends_at.unwrap_or(old.ends_at),
        total_slots: total_slots.unwrap_or(old.total_slots),
        visibility: visibility.unwrap_or(old.visibility),
        max_seats_per_user: max_seats_per_user.unwrap_or(old.max_seats_per_user),
        owner_id: owner_id.unwrap_or(old.owner_id),
        status: old.status,
        version: old.version,
    }
}

async fn check(
    conn: &mut PgConnection,
    request: &Update,
    old: &Editable,
    new: &Editable,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    check_zone(&new.time_zone)?;
    for (field, time) in [("event_date", Some(new.event_date)), ("ends_at", new.ends_at)] {
        if time.is_some_and(|time| !time_in_bounds(time)) {
            return Err(Problem::field(field, "must lie before the year 9999"));
        }
    }
    match old.status {
        EventStatus::Cancelled | EventStatus::Completed => return Err(Rule::EventNotOpen.into()),
        EventStatus::Ongoing => check_ongoing(&request.body, old, new, now)?,
        EventStatus::Upcoming => {
            if new.event_date != old.event_date && new.event_date <= now {
                return Err(Problem::field("event_date", "must lie ahead"));
            }
            if new.ends_at.is_some_and(|end| end <= new.event_date) {
                return Err(Problem::field("ends_at", "must be after event_date"));
            }
        }
    }
    if new.owner_id != old.owner_id {
        let role = org_store::role(conn, request.org, new.owner_id).await?;
        if !matches!(role, Some(Role::Organizer | Role::OrgAdmin)) {
            return Err(Problem::field("owner_id", "must be an organizer or orgAdmin of the organization"));
        }
    }
    Ok(())
}

/// Refuses changes of an ongoing event, other than of name, description, place and `ends_at`.
fn check_ongoing(body: &UpdateEvent, old: &Editable, new: &Editable, now: DateTime<Utc>) -> Result<(), Problem> {
    let fixed = [
        ("category", body.category.is_some() && new.category != old.category),
        ("time_zone", new.time_zone != old.time_zone),
        ("event_date", new.event_date != old.event_date),
        ("total_slots", new.total_slots != old.total_slots),
        ("visibility", new.visibility != old.visibility),
        ("max_seats_per_user", new.max_seats_per_user != old.max_seats_per_user),
        ("owner_id", new.owner_id != old.owner_id),
    ];
    if let Some((field, _)) = fixed.iter().find(|(_, changed)| *changed) {
        return Err(Problem::field(*field, "cannot change while the event is going on"));
    }
    if new.ends_at != old.ends_at && new.ends_at.is_some_and(|end| end <= new.event_date || end <= now) {
        return Err(Problem::field("ends_at", "must lie ahead"));
    }
    Ok(())
}

/// Writes the columns. A changed capacity adds or removes seats.
async fn write(turn: &mut Turn, clock: Clock, request: &Update, old: &Editable, new: &Editable) -> Result<(), Problem> {
    if new.total_slots != old.total_slots {
        turn.resize(new.total_slots.cast_unsigned(), &request.request_id)?;
    }
    store::update(turn.conn(), request.event, new).await?;
    turn.write().await?;
    let details = serde_json::to_value(&request.body).map_err(Problem::internal)?;
    let entry = audit_log::Entry { action: "event_updated", subject_type: "event", subject: request.event.0, details };
    Ok(audit_log::write(turn.conn(), request.org, request.caller, &entry, clock).await?)
}

/// Notifies everyone with a booking of a changed name, date, end or place. It writes a single message, from which the worker makes
/// one for each person; writing all of them here would lock the event's row for long.
async fn tell(
    conn: &mut PgConnection,
    clock: Clock,
    request: &Update,
    old: &Editable,
    new: &Editable,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let changes: Vec<String> = [
        ("name", new.name != old.name),
        ("event_date", new.event_date != old.event_date),
        ("ends_at", new.ends_at != old.ends_at),
        ("place", new.place != old.place),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(name, _)| name.to_owned())
    .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let message = Message {
        event_id: Some(request.event),
        changes: Some(changes),
        ..Message::new(MessageId(clock.new_id()), NotificationType::EventUpdated, now, &request.request_id)
    };
    Ok(outbox::enqueue(conn, &[message]).await?)
}
