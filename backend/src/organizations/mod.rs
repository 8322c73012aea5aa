//! Organizations and their members.

mod change;
mod create;
pub(crate) mod http;
pub(crate) mod members;
pub(crate) mod store;
