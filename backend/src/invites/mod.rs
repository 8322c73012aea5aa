//! Invites into organizations: a link in a mail that is good for one acceptance, for a week.

mod accept;
mod create;
pub(crate) mod http;
pub(crate) mod store;

pub(crate) use create::gone;
