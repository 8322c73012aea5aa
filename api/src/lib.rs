//! The types that the app and the server exchange: ids, bodies, answers and error codes.
//!
//! The crate does no I/O and reads no clock; it compiles to native code and to wasm. Validation that needs only the
//! body stands beside the type, so that the app refuses the same bodies as the server. To add a route's types, put them
//! into the file of their aggregate and re-export them below.

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
