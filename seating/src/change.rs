//! What a decision did, small enough for a log: applying it elsewhere gives an equal state, taking it back gives the state before.

use happening_api::{BookingId, UserId};
use serde::{Deserialize, Serialize};

use crate::{EventSeats, Order, Seat};

/// A step of a decision. Each holds what taking it back needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A booking came into being; what it holds and wants follows.
    Entered { booking: BookingId, person: UserId },
    /// A booking holds seats that were free.
    Took { booking: BookingId, seats: Vec<Seat> },
    /// Seats of a booking are free.
    GaveBack { booking: BookingId, seats: Vec<Seat> },
    /// What a booking wants changed; it joined the waitlist at `order`.
    Wants { booking: BookingId, order: Order, from: u32, to: u32 },
    /// The last place of the waitlist that was given out.
    LastOrder { from: Order, to: Order },
    /// A booking ended.
    Ended { booking: BookingId },
    /// The hall has more or fewer seats; those that came or went are free.
    Resized { from: u32, to: u32 },
}

impl EventSeats {
    /// Applies changes that were decided on an equal state.
    ///
    /// # Panics
    /// When they were decided on another state: going on would give seats out twice.
    pub fn apply(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.apply_one(change));
    }

    /// Takes changes back, the last one first.
    ///
    /// # Panics
    /// When they were not the last ones that were applied.
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
