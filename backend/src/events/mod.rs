//! Events and their seats. `bookable` is the short-lived knowledge that the booking path works with.

mod bookable;
mod create;
pub(crate) mod http;
mod seats;
pub(crate) mod store;
mod update;

pub(crate) use bookable::Bookable;
