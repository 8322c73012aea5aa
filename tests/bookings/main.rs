//! The API's rules of booking, giving seats back, waiting and claiming.

mod bad_input;
mod batches;
mod claims;
mod examples;
mod idempotency;
mod messages;
mod on_behalf;
mod tokens;
