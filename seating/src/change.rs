//! The changes that a decision made, small enough for a log. Applying them to an equal state gives an equal result, and undoing them
//! restores the state before.

use happening_api::{BookingId, UserId};
use serde::{Deserialize, Serialize};

use crate::{EventSeats, Order, Seat};

/// One step of a decision. It contains everything that is needed to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A booking was added; further changes say what it holds and wants.
    Entered { booking: BookingId, person: UserId },
    /// A booking took seats that were free.
    Took { booking: BookingId, seats: Vec<Seat> },
    /// A booking gave seats back; they are free.
    GaveBack { booking: BookingId, seats: Vec<Seat> },
    /// The number of seats that a booking wants changed; its order on the waitlist is `order`.
    Wants { booking: BookingId, order: Order, from: u32, to: u32 },
    /// The order of the booking that joined the waitlist last changed.
    LastOrder { from: Order, to: Order },
    /// A booking ended.
    Ended { booking: BookingId },
    /// The event's total number of seats changed; the added or removed seats are free.
    Resized { from: u32, to: u32 },
}

impl EventSeats {
    /// Applies changes that were decided on an equal state.
    ///
    /// # Panics
    /// When the changes were decided on a different state: going on would give seats out twice.
    pub fn apply(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.apply_one(change));
    }

    /// Undoes changes, the last one first.
    ///
    /// # Panics
    /// When these are not the changes that were applied last.
    pub fn undo(&mut self, changes: &[Change]) {
        changes.iter().rev().for_each(|change| self.undo_one(change));
    }

    pub(crate) fn apply_one(&mut self, change: &Change) {
        match change {
            Change::Entered { booking, person } => {
                self.enter(*booking, *person);
            }
            Change::Took { booking, seats } => {
                let slot = self.known(*booking);
                seats.iter().for_each(|seat| self.take(slot, *seat));
            }
            Change::GaveBack { booking, seats } => {
                let slot = self.known(*booking);
                seats.iter().for_each(|seat| self.give_back(slot, *seat));
            }
            Change::Wants { booking, order, to, .. } => self.set_wanted(self.known(*booking), *order, *to),
            Change::LastOrder { to, .. } => self.set_last_order(*to),
            Change::Ended { booking } => self.set_ended(self.known(*booking), true),
            Change::Resized { from, to } => self.set_total(*from, *to),
        }
    }

    fn undo_one(&mut self, change: &Change) {
        match change {
            Change::Entered { .. } => self.leave(),
            Change::Took { booking, seats } => {
                let slot = self.known(*booking);
                seats.iter().for_each(|seat| self.give_back(slot, *seat));
            }
            Change::GaveBack { booking, seats } => {
                let slot = self.known(*booking);
                seats.iter().for_each(|seat| self.take(slot, *seat));
            }
            Change::Wants { booking, order, from, .. } => self.set_wanted(self.known(*booking), *order, *from),
            Change::LastOrder { from, .. } => self.set_last_order(*from),
            Change::Ended { booking } => self.set_ended(self.known(*booking), false),
            Change::Resized { from, to } => self.set_total(*to, *from),
        }
    }

    fn known(&self, booking: BookingId) -> u32 {
        self.slot(booking).expect("a change names a booking that its state knows")
    }
}
