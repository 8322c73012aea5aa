//! The seats of one event: which booking holds which seat, which bookings wait, and which of them gets a freed seat next.
//!
//! This crate only decides: no I/O, no clock, no random numbers, no SQL, no HTTP. [`EventSeats::decide`] takes a [`Command`] and
//! returns a [`Decision`]: the answer to the caller, and the [`Change`]s that it made to the state. [`EventSeats::apply`] applies the
//! same changes to an equal state elsewhere, with an equal result; [`EventSeats::undo`] undoes them. The version of a state counts
//! commits, so it is kept outside of this crate.
//!
//! Where to look:
//! - `decide.rs`: the rules, one function per command. A freed seat gets its next owner in `hand_out`.
//! - `state.rs`: the state and its invariants.
//! - `change.rs`: applying and undoing changes.
//! - `waitlist.rs` and `free.rs`: the two structures that keep a decision fast on 100,000 seats and 20,000 waiting bookings.
//!
//! To add a command: add a variant of [`Command`], its function in `decide.rs`, and its cases in `tests/model.rs`, where the same
//! rules are written for clarity instead of speed.

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

/// The number of a seat, from 1 to the event's total.
pub type Seat = u32;

/// The order in which bookings joined the waitlist: a later one has a higher number. A number is never used twice at an event.
pub type Order = u64;
