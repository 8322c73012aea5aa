//! The log of an event's seats: a row for each transaction that changed them, with its changes in order.
//!
//! A row is encoded by `postcard`, which identifies variants by their position. So new variants of [`Entry`] and of [`Change`] must
//! be added at the end.

use happening_seating::{Change, EventSeats, Image};
use serde::{Deserialize, Serialize};

/// The content of a row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// The whole state at this version: the log begins with this.
    Base(Image),
    /// What changed since the previous version.
    Changes(Vec<Change>),
}

impl Entry {
    /// Encodes the entry for the log.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain values can be encoded")
    }

    /// Decodes an entry of the log.
    ///
    /// # Errors
    /// When the bytes are not an entry.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }
}

/// The state that an image describes.
///
/// # Errors
/// A sentence that says which parts of the image contradict each other.
pub(crate) fn state_of(image: &Image) -> Result<EventSeats, String> {
    EventSeats::load(image.total, image.last_order, &image.bookings)
}
