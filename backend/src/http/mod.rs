//! The HTTP side: the one table of routes, what requests are read with, who may act on what, and how failures are told.

pub(crate) mod connections;
mod context;
mod error;
mod examples;
mod extract;
mod health;
pub(crate) mod idempotency;
pub(crate) mod limits;
mod location;
mod open;
mod permitted;
mod router;

pub(crate) use context::RequestContext;
pub(crate) use error::{ApiError, ApiResult};
pub(crate) use extract::{
    Anyone, CurrentUser, IdempotencyKey, OptionalJson, PathId, Repeatable, TokenClaims, ValidJson, ValidQuery,
};
pub(crate) use health::{Neighbours, SignIn};
pub(crate) use permitted::{BookingFor, EventFor, MemberFor, actions};
pub(crate) use router::{document, router};
