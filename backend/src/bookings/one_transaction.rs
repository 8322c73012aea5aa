//! The obvious design, kept for the benchmark only: the gate gives the seats, then every request locks the event's row and
//! writes in a transaction of its own. It promises the same of a booking (durable, unique seats, history, message), so that
//! the comparison is fair.

use happening_api::{Booking, BookingId, Message, MessageId, NotificationType};
use uuid::Uuid;

use super::create::Create;
use super::reserve::reserve;
use super::{lists, store};
use crate::app::App;
use crate::gate::{Admission, ConfirmItem, Taken, Want};
use crate::http::{ApiError, ApiResult};
use crate::outbox;

/// Books the lowest free seats in a transaction of its own.
///
/// # Errors
/// 404, `sold_out`, 503.
pub(super) async fn create(app: &App, request: &Create) -> ApiResult<Booking> {
    let id = match &request.key {
        Some(key) => Uuid::new_v5(&request.caller.0, key.as_bytes()),
        None => app.clock.new_id(),
    };
    let body = &request.body;
    let want = Want::Lowest { seats: body.seats, waitlist: false };
    let (hold, admission) = reserve(app, body.event_id, id, want).await?;
    let Admission::Granted { taken: Taken::Seats(seats), generation, .. } = admission else {
        return Err(ApiError::new(happening_api::ErrorCode::SoldOut, "Not enough seats are free."));
    };
    let taken = Taken::Seats(seats.clone());
    let booking = match write(app, request, id, &seats).await {
        Ok(booking) => booking,
        Err(error) => {
            app.releaser.release(body.event_id, hold).await;
            return Err(error);
        }
    };
    app.relay_wake.wake();
    let item = ConfirmItem { key: id, taken, join: None, waiter_done: None };
    app.gate.confirm(body.event_id, generation, &[item]).await?;
    Ok(booking)
}

async fn write(app: &App, request: &Create, id: Uuid, seats: &[i32]) -> ApiResult<Booking> {
    let body = &request.body;
    let mut tx = app.pool.begin().await?;
    let event = store::lock_event(&mut tx, body.event_id).await?.ok_or_else(ApiError::not_found)?;
    sqlx::query(
        "insert into bookings (id, event_id, user_id, seats, status, request_hash, created_at, updated_at)
        values ($1, $2, $3, $4, 'confirmed', $5, $6, $6)",
    )
    .bind(id)
    .bind(event.id.0)
    .bind(request.caller.0)
    .bind(body.seats)
    .bind(&request.request_hash)
    .bind(event.now)
    .execute(&mut *tx)
    .await?;
    let rows: Vec<_> = seats.iter().map(|seat| (BookingId(id), request.caller, *seat)).collect();
    store::insert_seats(&mut tx, event.id, &rows).await?;
    let history = store::HistoryRow {
        id: app.clock.new_id().into(),
        booking: BookingId(id),
        action: happening_api::HistoryAction::Created,
        seat_numbers: seats.to_vec(),
        actor: Some(request.caller),
        reason: None,
    };
    store::insert_history(&mut tx, event.id, &[history], event.now).await?;
    let message = Message {
        event_id: Some(event.id),
        user_id: Some(request.caller),
        booking_id: Some(BookingId(id)),
        seats: Some(body.seats),
        seat_numbers: Some(seats.to_vec()),
        ..Message::new(
            MessageId(app.clock.new_id()),
            NotificationType::BookingConfirmed,
            event.now,
            &request.request_id,
        )
    };
    outbox::enqueue(&mut tx, &[message]).await?;
    store::count_unit(&mut tx, event.id, -body.seats).await?;
    let booking = lists::find(&mut tx, BookingId(id)).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await.map_err(ApiError::outcome_unknown)?;
    Ok(booking)
}
