//! The seats of one event: which booking holds which seat, who waits, and who gets a freed seat next.
//!
//! This crate decides and changes nothing outside of itself: no I/O, no clock, no random numbers, no SQL, no HTTP. A
//! [`Command`] goes into [`EventSeats::decide`], a [`Decision`] comes out: what the caller is answered, and the [`Change`]s that
//! were made. The same changes applied to an equal state elsewhere ([`EventSeats::apply`]) give an equal state, and
//! [`EventSeats::undo`] takes them back. Versions belong to commits, so they are not part of this state.
//!
//! Where to look:
//! - `decide.rs`: the rules, one function per command. A freed seat gets its next owner in `hand_out`.
//! - `state.rs`: the state and its invariants.
//! - `change.rs`: applying changes and taking them back.
//! - `waitlist.rs` and `free.rs`: the two structures that keep a decision fast on 100,000 seats and 20,000 waiting bookings.
//!
//! To add a command: a variant of [`Command`], its function in `decide.rs`, its cases in `tests/model`, which is the same rules
//! written for clarity instead of speed.

mod change;
mod decide;
mod free;
mod people;
mod state;
mod waitlist;

pub use change::Change;
pub use decide::{Choice, Command, Decision, Given, Left, Outcome, Promotion, Refusal};
pub use state::{Booking, EventSeats, Image, Limits, Loaded};
pub use waitlist::Ahead;

/// Number of a seat, from 1 to the event's total.
pub type Seat = u32;

/// The place of a booking in the order of joining; later joiners have higher ones. Never used twice in one event.
pub type Order = u64;
