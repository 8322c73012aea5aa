//! What crosses the wire between the app and the server: ids, bodies, answers and error codes.
//!
//! No I/O and no clock here; the crate compiles to native code and to wasm. Validation that needs nothing but
//! the body stands beside the type, so that the app refuses the same things as the server.
//! To add a route's types, put them into the file of their aggregate and re-export them below.

mod booking;
mod call;
mod commands;
pub mod endpoint;
mod error;
mod event;
mod ids;
mod invite;
mod notification;
mod organization;
mod shell;
mod user;

pub use booking::*;
pub use call::*;
pub use endpoint::{Call, Endpoint};
pub use error::*;
pub use event::*;
pub use ids::*;
pub use invite::*;
pub use notification::*;
pub use organization::*;
pub use shell::*;
pub use user::*;
