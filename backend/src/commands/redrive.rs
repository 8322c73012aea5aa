//! `notifications redrive`: puts dead letters back into the queue.

use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use crate::broker::{self, DEAD_LETTERS, Publisher};
use crate::config::Config;

/// Puts back every dead letter that exists when it begins.
///
/// # Errors
/// When RabbitMQ is away; messages that were already put back stay in the queue.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let publisher = Publisher::new(config.rabbitmq_url.clone());
    publisher.publish(&[]).await?; // declares the queues
    let connection = broker::connect(&config.rabbitmq_url).await?;
    let channel = connection.create_channel().await?;
    // Their number is taken at the beginning, because an unreadable message returns to the dead letters while others are put back.
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let waiting = channel.queue_declare(DEAD_LETTERS.into(), passive, FieldTable::default()).await?.message_count();
    let mut count = 0;
    while count < waiting
        && let Some(message) = channel.basic_get(DEAD_LETTERS.into(), BasicGetOptions::default()).await?
    {
        let id = message.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok()).unwrap_or_default();
        publisher.publish(&[(id, message.data.clone())]).await?;
        message.delivery.ack(BasicAckOptions::default()).await?;
        count += 1;
    }
    println!("{count} messages were put back.");
    Ok(())
}
