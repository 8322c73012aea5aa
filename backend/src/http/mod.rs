//! The HTTP side: the one table of routes, the extractors of requests, access as types, and the mapping of problems to answers.

mod answer;
pub(crate) mod connections;
mod context;
mod decode;
mod examples;
mod extract;
mod health;
mod location;
mod open;
mod permitted;
pub(crate) mod router;
mod server;
mod strict_json;

pub(crate) use answer::REPLAYED;
pub(crate) use context::RequestContext;
pub(crate) use extract::{
    Anyone, CurrentUser, IdempotencyKey, OptionalJson, PathId, Repeatable, TokenClaims, ValidJson, ValidQuery,
};
pub(crate) use permitted::{BookingFor, EventFor, MemberFor, actions};
pub(crate) use server::Server;
