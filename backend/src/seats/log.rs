//! The log of an event's seats: a row for each transaction that changed them, with the changes in the order in which they were made.
//!
//! A row is encoded by `postcard`. New variants of [`Entry`] and of [`Change`] are added at the end, since a row is read by their numbers.

use happening_seating::{Change, EventSeats, Image};
use serde::{Deserialize, Serialize};

/// What a row of the log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// The whole state at this version: the log begins here.
    Base(Image),
    /// What changed since the version before.
    Changes(Vec<Change>),
}

impl Entry {
    /// As the log holds it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain values can be encoded")
    }

    /// From the log.
    ///
    /// # Errors
    /// When the bytes are no entry.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

/// The state of an image.
///
/// # Errors
/// A sentence about what contradicts itself in it.
pub(crate) fn state_of(image: &Image) -> Result<EventSeats, String> {
    EventSeats::load(image.total, image.last_order, &image.bookings)
}
