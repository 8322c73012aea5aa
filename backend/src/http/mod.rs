//! The HTTP side: the one table of routes, what requests are read with, and how failures are told.

mod context;
mod error;
mod examples;
mod extract;
mod health;
pub(crate) mod idempotency;
pub(crate) mod limits;
mod open;
mod router;

pub(crate) use context::RequestContext;
pub(crate) use error::{ApiError, ApiResult};
pub(crate) use extract::{
    Anyone, BookingFor, CurrentUser, EventFor, IdempotencyKey, MemberFor, OptionalJson, PathId, Repeatable,
    TokenClaims, ValidJson, ValidQuery, actions,
};
pub(crate) use health::{Neighbours, SignIn};
pub(crate) use router::{document, router};
