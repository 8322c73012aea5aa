//! The admission gate: Redis decides in one atomic step who may try to write, and gives out seats.
//!
//! Postgres stays the truth. Two numbers on the event's row tie the gate to it: the generation (a fence: a write of
//! another generation is refused) and the seat version (committed units: a gate that stays behind is rebuilt). Whatever
//! is unclear ends in [`rebuild`]; there is no other repair. The scripts stand in `scripts/`, one atomic step each.

mod client;
mod image;
mod keys;
pub(crate) mod rebuild;
mod release;
pub(crate) mod watcher;

pub(crate) use client::{Admission, AfterWrite, ConfirmItem, Gate, GateError, Hold, Peek, Request, Taken, Want};
pub(crate) use image::{GateImage, bitmap};
pub(crate) use rebuild::Rebuilder;
pub(crate) use release::Releaser;
