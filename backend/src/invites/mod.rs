//! Invites into organizations: a link in a mail, which can be accepted once, within a week.

mod accept;
mod create;
pub(crate) mod http;
pub(crate) mod store;

pub(crate) use create::gone;
