//! Bookings: creating, claiming, giving back. One file per operation; `store`, `lists` and `board` read. What changes
//! seats goes through [`crate::seats`].

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
