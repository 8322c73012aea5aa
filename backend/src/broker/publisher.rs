//! Publishes with confirms. A message that is returned because no queue accepted it counts as a failure.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::Mutex;
use tracing::Instrument;
use url::Url;
use uuid::Uuid;

use super::{NOTIFICATIONS, topology};
use crate::telemetry::SPANS;

const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
const PERSISTENT: u8 = 2;

/// A publisher, which connects when it has no connection.
#[derive(Clone)]
pub(crate) struct Publisher {
    url: Url,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    /// dropping the connection would close the channel
    _connection: Connection,
    channel: Channel,
}

impl Publisher {
    pub(crate) fn new(url: Url) -> Self {
        Self { url, open: Arc::default() }
    }

    /// Publishes messages to `notifications` and waits until the broker has confirmed all of them.
    ///
    /// # Errors
    /// When the broker is away or refuses a message; some of the messages may have been published.
    pub(crate) async fn publish(&self, messages: &[(Uuid, Vec<u8>)]) -> anyhow::Result<()> {
        let mut open = self.open.lock().await;
        if open.is_none() {
            *open = Some(self.build().await?);
        }
        let channel = &open.as_ref().context("the channel was just opened")?.channel;
        let span = tracing::info_span!(
            target: SPANS,
            "publish",
            otel.name = format!("publish {NOTIFICATIONS}"),
            otel.kind = "producer",
            messaging.system = "rabbitmq",
            messaging.destination.name = NOTIFICATIONS,
            messaging.batch.message_count = messages.len(),
        );
        let done = tokio::time::timeout(CONFIRM_TIMEOUT, publish_all(channel, messages)).instrument(span).await;
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                *open = None;
                Err(error)
            }
            Err(late) => {
                *open = None;
                Err(late.into())
            }
        }
    }

    async fn build(&self) -> anyhow::Result<Open> {
        let connection = super::connect(&self.url).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        topology::declare(&channel, &[]).await?;
        Ok(Open { _connection: connection, channel })
    }
}

async fn publish_all(channel: &Channel, messages: &[(Uuid, Vec<u8>)]) -> anyhow::Result<()> {
    let mut confirms = Vec::with_capacity(messages.len());
    for (id, payload) in messages {
        confirms.push(send(channel, NOTIFICATIONS, payload, properties(&id.to_string())).await?);
    }
    for confirm in try_join_all(confirms).await? {
        check(confirm)?;
    }
    Ok(())
}

pub(super) fn properties(message_id: &str) -> BasicProperties {
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(ShortString::from(message_id))
}

pub(super) async fn send(
    channel: &Channel,
    queue: &str,
    payload: &[u8],
    properties: BasicProperties,
) -> lapin::Result<impl Future<Output = lapin::Result<Confirmation>>> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.basic_publish("".into(), queue.into(), options, payload, properties).await
}

pub(super) fn check(confirm: Confirmation) -> anyhow::Result<()> {
    match confirm {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(returned)) => anyhow::bail!("a message was returned: {}", returned.reply_text),
        Confirmation::Nack(_) => anyhow::bail!("the broker refused a message"),
        Confirmation::NotRequested => anyhow::bail!("the channel does not confirm"),
    }
}
