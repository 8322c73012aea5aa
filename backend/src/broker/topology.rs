//! Queues: `notifications`, one retry queue per pause whose messages go back when their time is up, and dead letters. All are
//! quorum queues, so that a message survives a broker's crash.

use anyhow::Context;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

/// What the worker consumes.
pub(crate) const NOTIFICATIONS: &str = "notifications";
/// Messages whose last try failed.
pub(crate) const DEAD_LETTERS: &str = "notifications.dead";

/// A message that takes its worker with it so many times is set aside. Without a limit of our own RabbitMQ 4 has one, and
/// drops the message: <https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling>.
const DELIVERIES_MAX: u32 = 20;

/// Name of the queue in which a message waits so long.
pub(crate) fn retry_queue(delay_ms: u32) -> String {
    format!("{NOTIFICATIONS}.later.{delay_ms}")
}

/// Declares every queue; declaring what exists changes nothing.
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

/// A queue, and when and where its messages go on to.
async fn queue(channel: &Channel, name: &str, onward: Option<((&str, AMQPValue), &str)>) -> anyhow::Result<()> {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    if let Some(((when, limit), to)) = onward {
        arguments.insert(when.into(), limit);
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert("x-dead-letter-routing-key".into(), text(to));
        // by default a message can be lost on its way; this wants a full queue to refuse
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(drop).with_context(|| {
        format!("cannot declare the queue {name}; if an older version made it, see \"A queue of an older version\" in the runbooks")
    })
}
