//! A person's notifications, as the app lists them.

pub(crate) mod http;
mod store;
