//! What the integration tests and the development tasks share: private services, people who sign in, a running server with
//! its worker, a proxy that makes faults, the invariant checker.

#![expect(clippy::disallowed_methods, reason = "tests ask for the real time and make ids of their own")]

pub mod api;
pub mod collector;
pub mod desktop;
pub mod issuer;
pub mod mail_server;
pub mod own;
pub mod proxy;
pub mod world;

pub use api::{Client, Reply};
pub use happening_people::People;
pub use world::{World, WorldOptions};
