//! Cancels an event: it and every active booking end in one transaction, and everybody is told.

use happening_api::{ErrorCode, Event, EventId, EventStatus, OrgId, UserId};

use super::{ending, store, views};
use crate::app::App;
use crate::audit_log::{self, Entry};
use crate::bookings::store as booking_store;
use crate::http::idempotency::commit;
use crate::http::{ApiError, ApiResult};

/// An event, and the person who ends it.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) caller: UserId,
    pub(super) event: EventId,
    pub(super) org: OrgId,
    pub(super) request_id: String,
}

/// Cancels.
///
/// # Errors
/// `event_not_open` when it was cancelled or is over, 503.
pub(super) async fn cancel(app: &App, request: &End) -> ApiResult<Event> {
    let mut tx = app.pool.begin().await?;
    ending::allow_long_statements(&mut tx).await?;
    let locked = booking_store::lock_event(&mut tx, request.event).await?.ok_or_else(ApiError::not_found)?;
    store::still_staff(&mut tx, request.event, request.caller).await?;
    let old = store::editable(&mut tx, request.event).await?;
    if matches!(old.status, EventStatus::Cancelled | EventStatus::Completed) {
        return Err(ApiError::new(ErrorCode::EventNotOpen, "This event was cancelled already, or is over."));
    }
    // who comes now waits for the rows, which refuse: better than a batch that waits for this transaction
    drop_gate(app, request.event).await;
    let told = ending::cancel(&mut tx, request.event, request.caller, locked.now, &request.request_id).await?;
    let details = serde_json::json!({ "bookings": told });
    let entry = Entry { action: "event_cancelled", subject_type: "event", subject: request.event.0, details };
    audit_log::write(&mut tx, request.org, request.caller, &entry, app.clock).await?;
    let event = views::find(&mut tx, request.caller, request.event).await?.ok_or_else(ApiError::not_found)?;
    commit(tx).await?;
    after(app, request.event).await;
    Ok(event)
}

/// Deletes an event that nobody has a booking for. It is hidden at once, with the bookings that were cancelled; the worker
/// removes it when nothing more is to be told of it.
///
/// # Errors
/// `event_has_bookings`, 503.
pub(super) async fn delete(app: &App, request: &End) -> ApiResult<()> {
    let mut tx = app.pool.begin().await?;
    ending::allow_long_statements(&mut tx).await?;
    booking_store::lock_event(&mut tx, request.event).await?.ok_or_else(ApiError::not_found)?;
    store::still_staff(&mut tx, request.event, request.caller).await?;
    if ending::has_active_bookings(&mut tx, request.event).await? {
        let sentence = "People have bookings for this event. Cancel it instead, so that they are told.";
        return Err(ApiError::new(ErrorCode::EventHasBookings, sentence));
    }
    let old = store::editable(&mut tx, request.event).await?;
    ending::hide(&mut tx, request.event).await?;
    let details = serde_json::json!({ "name": old.name, "event_date": old.event_date });
    let entry = Entry { action: "event_deleted", subject_type: "event", subject: request.event.0, details };
    audit_log::write(&mut tx, request.org, request.caller, &entry, app.clock).await?;
    commit(tx).await?;
    after(app, request.event).await;
    Ok(())
}

/// What was reserved at the gate meanwhile is refused by the rows; the gate itself is not needed any more.
async fn after(app: &App, event: EventId) {
    app.relay_wake.wake();
    app.events.forget(event);
    drop_gate(app, event).await;
}

async fn drop_gate(app: &App, event: EventId) {
    if let Err(error) = app.gate.delete(event).await {
        tracing::debug!(%event, %error, "the gate of an event that ended goes when it is looked at again");
    }
}
