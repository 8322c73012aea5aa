//! What a commit changed at an event, to be written to Redis for the people who watch the event.

use happening_api::{BookingId, EventId};
use happening_seating::{Change, Order};
use uuid::Uuid;

use super::states::Known;

/// What one commit changed at an event, for Redis: the heads before and after, and the counts after it.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) event: EventId,
    /// The head of the state before the commit.
    pub(crate) before: Uuid,
    pub(crate) version: i64,
    pub(crate) head: Uuid,
    pub(crate) free: u32,
    pub(crate) waiting_bookings: u32,
    pub(crate) waiting_seats: u32,
    /// The bookings that joined the waitlist, with their order.
    pub(crate) joined: Vec<(Order, BookingId)>,
    pub(crate) left: Vec<BookingId>,
}

impl Committed {
    /// Describes the state `known`, into which these changes turned the state with the head `before`.
    pub(crate) fn of(event: EventId, known: &Known, before: Uuid, changes: &[Change]) -> Self {
        let Known { version, head, seats, .. } = known;
        let waiting = seats.waiting();
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Wants { booking, order, from: 0, .. } => joined.push((*order, *booking)),
                Change::Wants { booking, to: 0, .. } => left.push(*booking),
                _ => {}
            }
        }
        Self {
            event,
            before,
            version: *version,
            head: *head,
            free: seats.free(),
            waiting_bookings: waiting.bookings,
            waiting_seats: waiting.seats,
            joined,
            left,
        }
    }
}
