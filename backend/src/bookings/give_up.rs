//! What cancelling a booking and giving up some seats have in common: one transaction that frees, promotes and tells.

use happening_api::{Booking, BookingStatus, ErrorCode, HistoryAction, Message, MessageId, NotificationType, UserId};
use sqlx::PgConnection;

use super::lists;
use super::promote::{self, Handout};
use super::store::{self, BookingRow, HistoryRow, LockedEvent};
use crate::app::App;
use crate::audit_log;
use crate::events::store as event_store;
use crate::gate::AfterWrite;
use crate::http::{ApiError, ApiResult};
use crate::outbox;

/// Who gives up, and why.
#[derive(Clone, Debug)]
pub(crate) struct GiveUp {
    pub(crate) caller: UserId,
    pub(crate) booking: BookingRow,
    pub(crate) reason: Option<String>,
    pub(crate) request_id: String,
}

/// Which seats.
#[derive(Clone, Debug)]
pub(super) enum Seats {
    All,
    These(Vec<i32>),
}

/// What the transaction leaves for the gate.
struct Freed {
    event: LockedEvent,
    handout: Handout,
    ended_waiter: bool,
}

/// Gives up; answers the changed booking. It is answered after its commit and after the gate was told, also when the gate
/// did not answer: the watcher finds that.
pub(super) async fn give_up(app: &App, request: &GiveUp, seats: &Seats) -> ApiResult<Booking> {
    let (freed, answer) = commit(app, request, seats).await?;
    app.relay_wake.wake();
    tell_gate(app, request, &freed).await;
    Ok(answer)
}

async fn commit(app: &App, request: &GiveUp, seats: &Seats) -> ApiResult<(Freed, Booking)> {
    let mut tx = app.pool.begin().await?;
    let event = store::lock_event(&mut tx, request.booking.event_id).await?.ok_or_else(ApiError::not_found)?;
    if request.caller != request.booking.user_id {
        event_store::still_staff(&mut tx, event.id, request.caller).await?;
    }
    let booking = store::find_row(&mut tx, request.booking.id).await?.ok_or_else(ApiError::not_found)?;
    if booking.status == BookingStatus::Cancelled {
        return Err(ApiError::new(ErrorCode::AlreadyCancelled, "This booking was cancelled already."));
    }
    if event.started {
        return Err(super::claim::event_started());
    }
    let held = store::held_seats(&mut tx, booking.id).await?;
    let given = match seats {
        Seats::All => held.clone(),
        Seats::These(seats) => theirs(seats, &held)?,
    };
    let ends = match seats {
        Seats::All => true,
        Seats::These(_) => given.len() == held.len() && booking.waiting_seats == 0,
    };
    store::release_seats(&mut tx, booking.id, &given).await?;
    if ends {
        store::end(&mut tx, booking.id, event.now).await?;
    } else {
        let status = if given.len() == held.len() { BookingStatus::Waiting } else { BookingStatus::Confirmed };
        store::set_status(&mut tx, booking.id, status, event.now).await?;
    }
    record(&mut tx, app, request, &event, &given, matches!(seats, Seats::All)).await?;
    let handout = if crate::switches::on("promote_later") {
        Handout { promotions: Vec::new(), left: given }
    } else {
        let giver = Some(booking.id);
        promote::give_to_waitlist(&mut tx, event.id, &given, giver, event.now, app.clock, &request.request_id).await?
    };
    store::count_unit(&mut tx, event.id, handout.left.len() as i32).await?;
    app.touched.touch(event.id);
    // read before the commit: afterwards nothing may fail that would hide it
    let answer = lists::find(&mut tx, booking.id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await.map_err(|error| match error {
        sqlx::Error::Database(_) => error.into(),
        lost => ApiError::outcome_unknown(lost),
    })?;
    Ok((Freed { event, handout, ended_waiter: ends && booking.waiting_seats > 0 }, answer))
}

/// The seats in ascending order, when all of them are held by the booking.
fn theirs(seats: &[i32], held: &[i32]) -> ApiResult<Vec<i32>> {
    let foreign: Vec<i32> = seats.iter().copied().filter(|seat| !held.contains(seat)).collect();
    if !foreign.is_empty() {
        return Err(ApiError::new(ErrorCode::NotFound, "The booking does not hold these seats.")
            .with(|details| details.seats = Some(foreign)));
    }
    let mut seats = seats.to_vec();
    seats.sort_unstable();
    Ok(seats)
}

/// History, the message to the booking's person, and the audit log when staff did it.
async fn record(
    conn: &mut PgConnection,
    app: &App,
    request: &GiveUp,
    event: &LockedEvent,
    seats: &[i32],
    whole: bool,
) -> ApiResult<()> {
    let booking = &request.booking;
    let action = if whole { HistoryAction::Cancelled } else { HistoryAction::SeatsCancelled };
    let row = HistoryRow {
        id: app.clock.new_id().into(),
        booking: booking.id,
        action,
        seat_numbers: seats.to_vec(),
        actor: Some(request.caller),
        reason: request.reason.clone(),
    };
    store::insert_history(conn, event.id, &[row], event.now).await?;
    let message = Message {
        event_id: Some(event.id),
        user_id: Some(booking.user_id),
        booking_id: Some(booking.id),
        seats: Some(seats.len() as i32),
        seat_numbers: Some(seats.to_vec()),
        reason: request.reason.clone(),
        ..Message::new(
            MessageId(app.clock.new_id()),
            NotificationType::BookingCancelled,
            event.now,
            &request.request_id,
        )
    };
    outbox::enqueue(conn, &[message]).await?;
    if request.caller != booking.user_id {
        let details = serde_json::json!({ "seat_numbers": seats, "reason": request.reason });
        let entry =
            audit_log::Entry { action: "booking_cancelled", subject_type: "booking", subject: booking.id.0, details };
        audit_log::write(conn, event.org_id, request.caller, &entry, app.clock).await?;
    }
    Ok(())
}

async fn tell_gate(app: &App, request: &GiveUp, freed: &Freed) {
    let mut done = freed.handout.done();
    if freed.ended_waiter {
        done.push(request.booking.id);
    }
    let event = &freed.event;
    let told =
        app.gate.apply(event.id, event.gate_generation, &freed.handout.left, event.waiting_order_last, &done).await;
    match told {
        Ok(AfterWrite::Rebuild) => {
            if let Err(error) = app.rebuilder.rebuild(event.id, event.gate_generation).await {
                tracing::warn!(event = %event.id, %error, "a rebuild must wait for the watcher");
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(event = %event.id, %error, "an apply may be missing; the watcher compares"),
    }
}
