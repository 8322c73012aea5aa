//! Bookings: creating, claiming and giving back, with a file for each operation; `store`, `lists` and `board` read. Changes of seats
//! go through [`crate::seats`].

pub(crate) mod board;
mod claim;
pub(crate) mod create;
mod give_back;
pub(crate) mod http;
pub(crate) mod lists;
mod refusal;
pub(crate) mod store;

pub(crate) use create::Create;
pub(crate) use give_back::cancel_own;
