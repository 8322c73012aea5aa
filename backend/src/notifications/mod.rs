//! A person's feed.

pub(crate) mod http;
mod store;
