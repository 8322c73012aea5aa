//! Code that the integration tests and the benchmarks share: private services, people who sign in, running servers with
//! a worker, a proxy that simulates faults, and the audit.

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
