//! Events and their seats. `bookable` is the short-lived knowledge that the booking path works with.

pub(crate) mod attendees;
mod bookable;
pub(crate) mod calendar;
mod cancel;
mod create;
mod duplicate;
pub(crate) mod ending;
pub(crate) mod http;
pub(crate) mod retention;
mod seats;
pub(crate) mod store;
mod update;
mod views;

pub(crate) use bookable::Bookable;
pub(crate) use create::check_zone;
