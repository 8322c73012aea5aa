//! Consumes the queue `notifications`. Each message is either acknowledged after its effect is committed, sent to a retry queue, or
//! sent to the dead letters. Messages that are unfinished when the connection breaks are delivered again.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::Context;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::metrics;

use super::{DEAD_LETTERS, NOTIFICATIONS, publisher, topology};

const PREFETCH_MESSAGES: u16 = 64;
/// Fewer than the pool has connections, so that slow mails leave connections for the relay.
const PARALLEL_MESSAGES: usize = 8;
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The reply code for success in AMQP 0-9-1 (section 1.2).
const REPLY_SUCCESS: u16 = 200;
const ATTEMPTS_HEADER: &str = "x-attempts";

/// The result of handling a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The effect of the message is committed.
    Done,
    /// Handling failed; the message is tried again after a pause.
    Retry,
    /// A service that every message needs is away; the message is tried again after a pause, without counting an attempt.
    Wait,
    /// The message can never succeed.
    Dead,
}

/// Handles messages.
pub(crate) trait Handler: Send + Sync {
    /// Applies the effect of a message. `last` says that there is no further attempt after this one.
    fn handle(&self, payload: &[u8], last: bool) -> impl Future<Output = Fate> + Send;
}

/// The loop of the consumer.
pub(crate) struct Consumer<H> {
    pub(crate) url: Url,
    pub(crate) retry_delays_ms: Vec<u32>,
    pub(crate) handler: H,
}

impl<H: Handler> Consumer<H> {
    /// Consumes until `stop`. After an error it starts over, with a growing pause.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.consume(&stop).await {
                Ok(()) => pause = Duration::from_millis(100),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the consumer starts over"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            }
        }
    }

    /// Consumes until the connection breaks or `stop`. In both cases, messages in progress are handled to their end first, because a
    /// message that is interrupted half-way would send its mail again.
    async fn consume(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let (connection, channel, messages) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = self.open() => opened?,
        };
        tracing::info!("the worker consumes notifications");
        let no_more = stop.child_token();
        let results = messages
            .take_until(no_more.cancelled())
            .map(|message| async { self.finish(&channel, message?).await })
            .buffer_unordered(PARALLEL_MESSAGES);
        let mut results = std::pin::pin!(results);
        let mut failure = None;
        while let Some(result) = results.next().await {
            if let Err(error) = result {
                no_more.cancel();
                failure.get_or_insert(error);
            }
        }
        match failure {
            Some(error) => Err(error),
            // closing sends the last acknowledgements first
            None => Ok(connection.close(REPLY_SUCCESS, "the worker stops".into()).await?),
        }
    }

    async fn open(&self) -> anyhow::Result<(Connection, Channel, lapin::Consumer)> {
        let connection: Connection = super::connect(&self.url).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        topology::declare(&channel, &self.retry_delays_ms).await?;
        channel.basic_qos(PREFETCH_MESSAGES, BasicQosOptions::default()).await?;
        let messages = channel
            .basic_consume(NOTIFICATIONS.into(), "worker".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await?;
        Ok((connection, channel, messages))
    }

    async fn finish(&self, channel: &Channel, message: Delivery) -> anyhow::Result<()> {
        let attempts = attempts_of(&message);
        let delay_ms = self.retry_delays_ms.get(attempts as usize);
        // a panic in the handler must not end the consumer, which would then fail on the same message again and again
        let handled = AssertUnwindSafe(self.handler.handle(&message.data, delay_ms.is_none())).catch_unwind().await;
        let fate = handled.unwrap_or_else(|_| {
            tracing::error!("a message made its handler panic and is set aside");
            Fate::Dead
        });
        match (fate, delay_ms) {
            (Fate::Done, _) => metrics::consumed("done"),
            (Fate::Retry, Some(delay_ms)) => {
                metrics::consumed("retry");
                self.pass_on(channel, &topology::retry_queue(*delay_ms), &message, attempts + 1).await?;
            }
            (Fate::Wait, _) => {
                metrics::consumed("wait");
                let delay_ms = delay_ms.or(self.retry_delays_ms.last()).context("no pause is set")?;
                self.pass_on(channel, &topology::retry_queue(*delay_ms), &message, attempts).await?;
            }
            (Fate::Retry, None) | (Fate::Dead, _) => {
                metrics::consumed("dead");
                self.pass_on(channel, DEAD_LETTERS, &message, 0).await?;
            }
        }
        Ok(message.ack(BasicAckOptions::default()).await.map(drop)?)
    }

    /// Publishes the message to another queue and waits for the confirm; only then is the original acknowledged.
    async fn pass_on(&self, channel: &Channel, queue: &str, message: &Delivery, attempts: u32) -> anyhow::Result<()> {
        let id = message.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPTS_HEADER.into(), AMQPValue::LongUInt(attempts));
        let properties = publisher::properties(&id).with_headers(headers);
        publisher::check(publisher::send(channel, queue, &message.data, properties).await?.await?)
    }
}

fn attempts_of(message: &Delivery) -> u32 {
    let headers = message.properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(ATTEMPTS_HEADER)) {
        Some(AMQPValue::LongUInt(attempts)) => *attempts,
        Some(AMQPValue::LongInt(attempts)) => u32::try_from(*attempts).unwrap_or(0),
        Some(AMQPValue::LongLongInt(attempts)) => u32::try_from(*attempts).unwrap_or(0),
        _ => 0,
    }
}
