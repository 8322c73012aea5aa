//! Organizations and their members.

mod create;
pub(crate) mod http;
pub(crate) mod store;
