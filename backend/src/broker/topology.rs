//! The queues: `notifications`; for each pause a retry queue, from which messages return after that pause; and dead letters. All are
//! quorum queues, so that messages survive a crash of the broker.

use anyhow::Context;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

/// The queue that the worker consumes.
pub(crate) const NOTIFICATIONS: &str = "notifications";
/// The queue for messages whose last attempt failed.
pub(crate) const DEAD_LETTERS: &str = "notifications.dead";

/// A message whose worker died this many times becomes a dead letter. This limit is explicit because RabbitMQ 4 has a default limit
/// that drops the message instead: <https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling>.
const DELIVERIES_MAX: u32 = 20;

/// The name of the retry queue for this pause.
pub(crate) fn retry_queue(delay_ms: u32) -> String {
    format!("{NOTIFICATIONS}.later.{delay_ms}")
}

/// Declares all queues; an existing queue is left unchanged.
pub(crate) async fn declare(channel: &Channel, retry_delays_ms: &[u32]) -> anyhow::Result<()> {
    let given_up = ("x-delivery-limit", AMQPValue::LongUInt(DELIVERIES_MAX));
    queue(channel, NOTIFICATIONS, Some((given_up, DEAD_LETTERS))).await?;
    queue(channel, DEAD_LETTERS, None).await?;
    for delay_ms in retry_delays_ms {
        let time_is_up = ("x-message-ttl", AMQPValue::LongUInt(*delay_ms));
        queue(channel, &retry_queue(*delay_ms), Some((time_is_up, NOTIFICATIONS))).await?;
    }
    Ok(())
}

/// Declares a queue. `onward` says at which limit its messages move to which other queue.
async fn queue(channel: &Channel, name: &str, onward: Option<((&str, AMQPValue), &str)>) -> anyhow::Result<()> {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    if let Some(((when, limit), to)) = onward {
        arguments.insert(when.into(), limit);
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert("x-dead-letter-routing-key".into(), text(to));
        // By default, dead-lettering can lose a message. The strategy `at-least-once` does not, and requires that full queues refuse
        // messages.
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(drop).with_context(|| {
        format!("cannot declare the queue {name}; if an older version made it, see \"A queue of an older version\" in the runbooks")
    })
}
