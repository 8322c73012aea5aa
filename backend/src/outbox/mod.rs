//! The outbox: a message is a row that is written in the transaction of the change it announces; the relay publishes it afterwards.

mod enqueue;
mod relay;

pub(crate) use enqueue::enqueue;
pub(crate) use relay::Relay;
