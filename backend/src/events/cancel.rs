//! Cancels an event. One transaction closes it and ends the first of its bookings; the others end in portions. Everyone with a
//! booking is notified.

use happening_api::{ErrorCode, Event, EventId, EventStatus, OrgId, UserId};

use super::{Parts, ending, store, views};
use crate::audit_log::{self, Entry};
use crate::problem::Problem;

/// An event, and the person who cancels or deletes it.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) caller: UserId,
    pub(super) event: EventId,
    pub(super) org: OrgId,
    pub(super) request_id: String,
}

/// Cancels the event.
///
/// # Errors
/// `event_not_open` when the event was cancelled already or is over, 503.
pub(super) async fn cancel(parts: &Parts, request: &End) -> Result<Event, Problem> {
    let mut turn = parts.seats.turn(&parts.pool, request.event).await?.ok_or_else(Problem::not_found)?;
    let now = turn.now();
    store::still_staff(turn.conn(), request.event, request.caller).await?;
    let old = store::editable(turn.conn(), request.event).await?;
    if matches!(old.status, EventStatus::Cancelled | EventStatus::Completed) {
        return Err(Problem::new(ErrorCode::EventNotOpen, "This event was cancelled already, or is over."));
    }
    ending::close(turn.conn(), request.event, now).await?;
    let (bookings, left) = turn.cancel(request.caller, &request.request_id)?;
    if left > 0 {
        ending::end_later(turn.conn(), request.event, request.caller, &request.request_id).await?;
    }
    let details = serde_json::json!({ "bookings": bookings });
    let entry = Entry { action: "event_cancelled", subject_type: "event", subject: request.event.0, details };
    audit_log::write(turn.conn(), request.org, request.caller, &entry, parts.clock).await?;
    turn.write().await?;
    let event = views::find(turn.conn(), request.caller, request.event).await?.ok_or_else(Problem::not_found)?;
    turn.commit().await?;
    parts.portions.wake();
    Ok(event)
}

/// Deletes an event that has no active bookings. The event and its cancelled bookings are hidden at once; the worker removes their
/// rows later, when no message can refer to them any more.
///
/// # Errors
/// `event_has_bookings`, 503.
pub(super) async fn delete(parts: &Parts, request: &End) -> Result<(), Problem> {
    let mut turn = parts.seats.turn(&parts.pool, request.event).await?.ok_or_else(Problem::not_found)?;
    store::still_staff(turn.conn(), request.event, request.caller).await?;
    let old = store::editable(turn.conn(), request.event).await?;
    if ending::has_active_bookings(turn.conn(), request.event).await? {
        let sentence = match old.status {
            EventStatus::Cancelled => "The bookings of this event are being cancelled. Try again in a minute.",
            _ => "People have bookings for this event. Cancel it instead, so that they are told.",
        };
        return Err(Problem::new(ErrorCode::EventHasBookings, sentence));
    }
    ending::hide(turn.conn(), request.event).await?;
    let details = serde_json::json!({ "name": old.name, "event_date": old.event_date });
    let entry = Entry { action: "event_deleted", subject_type: "event", subject: request.event.0, details };
    audit_log::write(turn.conn(), request.org, request.caller, &entry, parts.clock).await?;
    Ok(turn.commit().await?)
}
