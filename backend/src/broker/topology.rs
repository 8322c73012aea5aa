//! Queues: `notifications`, one retry queue per pause whose messages go back when their time is up, and dead letters. All are
//! quorum queues, so that a message survives a broker's crash.

use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};

/// What the worker consumes.
pub(crate) const NOTIFICATIONS: &str = "notifications";
/// Messages whose last try failed.
pub(crate) const DEAD_LETTERS: &str = "notifications.dead";

/// Name of the queue in which a message waits so long.
pub(crate) fn retry_queue(delay_ms: u32) -> String {
    format!("{NOTIFICATIONS}.later.{delay_ms}")
}

/// Declares every queue; declaring what exists changes nothing.
pub(crate) async fn declare(channel: &Channel, retry_delays_ms: &[u32]) -> lapin::Result<()> {
    queue(channel, NOTIFICATIONS, []).await?;
    queue(channel, DEAD_LETTERS, []).await?;
    for delay_ms in retry_delays_ms {
        let back = [
            ("x-message-ttl", AMQPValue::LongUInt(*delay_ms)),
            ("x-dead-letter-exchange", AMQPValue::LongString("".into())),
            ("x-dead-letter-routing-key", AMQPValue::LongString(NOTIFICATIONS.into())),
            // by default a message can be lost on its way back; this wants a full queue to refuse
            ("x-dead-letter-strategy", AMQPValue::LongString("at-least-once".into())),
            ("x-overflow", AMQPValue::LongString("reject-publish".into())),
        ];
        queue(channel, &retry_queue(*delay_ms), back).await?;
    }
    Ok(())
}

async fn queue<const N: usize>(channel: &Channel, name: &str, extra: [(&str, AMQPValue); N]) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    for (key, value) in extra {
        arguments.insert(key.into(), value);
    }
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(drop)
}
