//! Events and their seat maps.

pub(crate) mod attendees;
pub(crate) mod calendar;
mod cancel;
mod create;
mod duplicate;
pub(crate) mod ending;
pub(crate) mod http;
pub(crate) mod retention;
pub(crate) mod seats;
pub(crate) mod store;
mod update;
mod views;

pub(crate) use create::check_zone;
