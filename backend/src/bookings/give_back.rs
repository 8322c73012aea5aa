//! Gives seats of a booking back: either all of them, which cancels the booking, or some.

use happening_api::{BookingId, ErrorCode, EventId, UserId};

use super::create::done;
use super::store::OfCaller;
use crate::clock::Clock;
use crate::database::lookup::Lookup;
use crate::problem::Problem;
use crate::seats::{Answer, Command, Kind, Seats};

/// A request to give seats back.
#[derive(Clone, Debug)]
pub(crate) struct GiveBack {
    pub(crate) caller: UserId,
    pub(crate) event: EventId,
    pub(crate) booking: BookingId,
    /// The seats to give back. `None` gives back all seats and the place on the waitlist. Giving the last seat back cancels the
    /// booking, unless it still waits for more.
    pub(crate) seats: Option<Vec<i32>>,
    pub(crate) reason: Option<String>,
    pub(crate) request_id: String,
}

/// Gives seats back. Returns the changed booking.
///
/// # Errors
/// `already_cancelled`, `event_started`, 404 with the seats that the booking does not hold, 503.
pub(crate) async fn give_back(writer: &Seats, clock: Clock, request: GiveBack) -> Result<Answer, Problem> {
    let GiveBack { caller, event, booking, seats, reason, request_id } = request;
    let seats = seats.map(|seats| seats.into_iter().map(i32::cast_unsigned).collect());
    let kind = Kind::GiveBack { booking, seats, reason };
    let command = Command { id: clock.new_id(), event, caller, kind, request_id };
    Ok(done(writer.submit(command).await)?.0)
}

/// Cancels a person's own booking. Does nothing when the booking has ended or its event has started.
///
/// # Errors
/// 503.
pub(crate) async fn cancel_own(
    writer: &Seats,
    bookings: &Lookup<OfCaller>,
    clock: Clock,
    caller: UserId,
    booking: BookingId,
    request_id: &str,
) -> Result<(), Problem> {
    let (row, _) = bookings.find(OfCaller { booking, caller }).await?.ok_or_else(Problem::not_found)?;
    let request_id = request_id.to_owned();
    let request = GiveBack { caller, event: row.event_id, booking, seats: None, reason: None, request_id };
    match give_back(writer, clock, request).await {
        Err(error) if ![ErrorCode::AlreadyCancelled, ErrorCode::EventStarted].contains(&error.code) => Err(error),
        _ => Ok(()),
    }
}
