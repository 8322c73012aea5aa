//! Bookings: creating, giving up, claiming, promotion. One file per operation; `store`, `lists` and `reconcile` hold the SQL,
//! `writer` the batch writer through which everything that takes seats goes.

mod answer;
mod cancel;
mod cancel_seats;
mod claim;
pub(crate) mod create;
mod give_up;
pub(crate) mod http;
pub(crate) mod lists;
#[cfg(feature = "switches")]
mod one_transaction;
pub(crate) mod promote;
pub(crate) mod reconcile;
mod reserve;
pub(crate) mod store;
pub(crate) mod writer;

pub(crate) use cancel::cancel_own;
pub(crate) use create::{Create, event_not_open, limit_reached};
