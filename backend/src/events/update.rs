//! Changes an event. New seats of a raised capacity go to the waitlist first, lowest first: the first of them in the same transaction, the
//! others in portions.

use chrono::{DateTime, Utc};
use happening_api::{
    ErrorCode, Event, EventId, EventStatus, Message, MessageId, NotificationType, OrgId, Role, UpdateEvent, UserId,
    time_in_bounds,
};
use happening_seating::Refusal as Rule;
use sqlx::PgConnection;

use super::create::check_zone;
use super::store::{self, Editable};
use super::views;
use crate::app::App;
use crate::audit_log;
use crate::organizations::store as org_store;
use crate::outbox;
use crate::problem::Problem;
use crate::seats::Turn;

/// A request to change an event, by somebody who may.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) caller: UserId,
    pub(super) event: EventId,
    pub(super) org: OrgId,
    pub(super) body: UpdateEvent,
    /// From `If-Match`.
    pub(super) version: Option<i64>,
    pub(super) request_id: String,
}

/// Changes it.
///
/// # Errors
/// `stale` with the current event, `event_not_open`, `seats_booked` with the seats, 400, 503.
pub(super) async fn update(app: &App, request: &Update) -> Result<Event, Problem> {
    let mut turn = app.seats.turn(&app.pool, request.event).await?.ok_or_else(Problem::not_found)?;
    let now = turn.now();
    store::still_staff(turn.conn(), request.event, request.caller).await?;
    let old = store::editable(turn.conn(), request.event).await?;
    if request.version.is_some_and(|version| version != old.version) {
        drop(turn);
        return Err(stale(app, request).await?);
    }
    let new = merged(&old, &request.body);
    check(turn.conn(), request, &old, &new, now).await?;
    write(&mut turn, app, request, &old, &new).await?;
    tell(turn.conn(), app, request, &old, &new, now).await?;
    let event = views::find(turn.conn(), request.caller, request.event).await?.ok_or_else(Problem::not_found)?;
    turn.commit().await?;
    app.portions.wake();
    Ok(event)
}

async fn stale(app: &App, request: &Update) -> Result<Problem, Problem> {
    let current = views::find(&mut *app.conn().await?, request.caller, request.event).await?;
    Ok(Problem::new(ErrorCode::Stale, "The event was changed by somebody else. Nothing was replaced.")
        .with(|details| details.event = current.map(Box::new)))
}

fn merged(old: &Editable, body: &UpdateEvent) -> Editable {
    let mut new = old.clone();
    if let Some(name) = &body.name {
        new.name = name.trim().to_owned();
    }
    if let Some(description) = &body.description {
        new.description.clone_from(description);
    }
    if let Some(place) = &body.place {
        new.place.clone_from(place);
    }
    if let Some(zone) = &body.time_zone {
        new.time_zone.clone_from(zone);
    }
    new.category = body.category.unwrap_or(new.category);
    new.event_date = body.event_date.unwrap_or(new.event_date);
    new.ends_at = body.ends_at.unwrap_or(new.ends_at);
    new.total_slots = body.total_slots.unwrap_or(new.total_slots);
    new.visibility = body.visibility.unwrap_or(new.visibility);
    new.max_seats_per_user = body.max_seats_per_user.unwrap_or(new.max_seats_per_user);
    new.owner_id = body.owner_id.unwrap_or(new.owner_id);
    new
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

/// An ongoing event can change only name, description, place and `ends_at`.
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

/// Writes the columns; a changed capacity hands out new seats.
async fn write(turn: &mut Turn, app: &App, request: &Update, old: &Editable, new: &Editable) -> Result<(), Problem> {
    if new.total_slots != old.total_slots {
        turn.resize(new.total_slots.cast_unsigned(), &request.request_id)?;
    }
    store::update(turn.conn(), request.event, new).await?;
    turn.write().await?;
    let details = serde_json::to_value(&request.body).map_err(Problem::internal)?;
    let entry = audit_log::Entry { action: "event_updated", subject_type: "event", subject: request.event.0, details };
    Ok(audit_log::write(turn.conn(), request.org, request.caller, &entry, app.clock).await?)
}

/// A change of name, date, end or place is told to everyone with a booking: by one message, which its worker makes into one for each
/// of them, since so many would hold the event's row for long.
async fn tell(
    conn: &mut PgConnection,
    app: &App,
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
        ..Message::new(MessageId(app.clock.new_id()), NotificationType::EventUpdated, now, &request.request_id)
    };
    Ok(outbox::enqueue(conn, &[message]).await?)
}
