//! The rules of booking, giving up, waiting and claiming, at the API.

mod bad_input;
mod batches;
mod claims;
mod examples;
mod idempotency;
mod messages;
mod on_behalf;
mod tokens;
