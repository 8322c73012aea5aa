//! Claims: takes free seats for a booking that waits.

use happening_api::{BookingId, EventId, UserId};
use uuid::Uuid;

use super::create::done;
use crate::clock::Clock;
use crate::problem::Problem;
use crate::seats::{Answer, Command, Kind, Seats};

/// A request to claim.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) caller: UserId,
    pub(crate) event: EventId,
    pub(crate) booking: BookingId,
    /// How many seats to claim; `None` claims all that are both free and wanted.
    pub(crate) seats: Option<i32>,
    pub(crate) key: Option<String>,
    pub(crate) request_id: String,
}

/// Claims seats. Returns the changed booking, and whether this is the answer to an earlier copy of the call.
///
/// # Errors
/// 422 when the key was used for another request, `already_cancelled`, `event_started`, 403 for a former member, 400 for more seats
/// than the booking wants, `nothing_to_claim`, `not_enough_free`, 404, 503.
pub(crate) async fn claim(writer: &Seats, clock: Clock, request: Claim) -> Result<(Answer, bool), Problem> {
    let Claim { caller, event, booking, seats, key, request_id } = request;
    let id = match &key {
        Some(key) => Uuid::new_v5(&caller.0, format!("claim {key}").as_bytes()),
        None => clock.new_id(),
    };
    let kind = Kind::Claim { booking, seats: seats.map(i32::cast_unsigned) };
    done(writer.submit(Command { id, event, caller, kind, request_id }).await)
}
