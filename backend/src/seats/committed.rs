//! What a commit made of an event, for those who watch.

use happening_api::{BookingId, EventId};
use happening_seating::{Change, Order};
use uuid::Uuid;

use super::states::Known;

/// An event after a commit.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) event: EventId,
    /// Head of the state before.
    pub(crate) before: Uuid,
    pub(crate) version: i64,
    pub(crate) head: Uuid,
    pub(crate) free: u32,
    pub(crate) waiting_bookings: u32,
    pub(crate) waiting_seats: u32,
    /// Order and booking.
    pub(crate) joined: Vec<(Order, BookingId)>,
    pub(crate) left: Vec<BookingId>,
}

impl Committed {
    /// What is shown of a state that these changes made of the one called `before`.
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
