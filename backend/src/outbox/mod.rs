//! The outbox: messages are rows of the transaction that owes them; the relay publishes them afterwards.

mod enqueue;
mod relay;

pub(crate) use enqueue::enqueue;
pub(crate) use relay::Relay;
