//! Publishes the outbox to the broker in order, in batches, with confirms. A row is marked as published only after its confirm.
//!
//! Several relays can run; each skips rows that another one has locked. When a relay dies between a confirm and its commit, the
//! message is published twice; consumers recognize it by its id.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Publisher;
use crate::database;
use crate::metrics;
use crate::wake::Wake;

/// With the pause between batches, this allows about 2,500 messages per second and process, which is more than a worker can handle. A
/// faster relay would only move the backlog into the broker and, during a rush, take CPU time from bookings.
const BATCH_MESSAGES_MAX: i64 = 256;
/// The pause between two batches, too short to be noticed by a person who waits for a notification.
const GATHER_TIME: Duration = Duration::from_millis(100);
/// How often the relay looks without being woken: for messages of other processes, or of a process that died.
const POLL_EVERY: Duration = Duration::from_millis(500);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);
const PUBLISHED_KEPT: &str = "7 days";
const CLEAN_EVERY: u32 = 600;

/// The loop of the relay.
pub(crate) struct Relay {
    pub(crate) pool: PgPool,
    pub(crate) publisher: Publisher,
    /// Woken by this process after a commit.
    pub(crate) wake: Wake,
}

impl Relay {
    /// Publishes until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut polls = 0u32;
        loop {
            let pause = match self.publish_batch().await {
                Ok(0) => None,
                Ok(_) => Some(GATHER_TIME),
                Err(error) => {
                    tracing::debug!(error = format!("{error:#}"), "the relay waits for its dependencies");
                    Some(PAUSE_AFTER_FAILURE)
                }
            };
            polls = polls.wrapping_add(1);
            if polls.is_multiple_of(CLEAN_EVERY)
                && let Err(error) = self.clean().await
            {
                tracing::debug!(%error, "published messages are removed later");
            }
            let next = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => tokio::select! {
                        () = self.wake.woken() => {}
                        () = tokio::time::sleep(POLL_EVERY) => {}
                    },
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = next => {}
            }
        }
    }

    async fn publish_batch(&self) -> anyhow::Result<usize> {
        let mut tx = self.pool.begin().await?;
        // losing a mark in a crash only sends the message twice, which consumers notice by its id, so this commit need not wait for
        // the disk
        sqlx::query!("set local synchronous_commit = off").execute(&mut *tx).await?;
        let rows = sqlx::query!(
            r#"select id, payload::text as "payload!" from outbox where published_at is null order by id limit $1 for update skip locked"#,
            BATCH_MESSAGES_MAX
        )
        .fetch_all(&mut *tx)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let messages: Vec<(Uuid, Vec<u8>)> = rows.into_iter().map(|row| (row.id, row.payload.into_bytes())).collect();
        self.publisher.publish(&messages).await?;
        metrics::published(messages.len());
        let ids: Vec<Uuid> = messages.iter().map(|(id, _)| *id).collect();
        sqlx::query!("update outbox set published_at = now() where id = any($1) and published_at is null", &ids)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(ids.len())
    }

    async fn clean(&self) -> sqlx::Result<()> {
        let old = format!(
            "published_at < now() - interval '{PUBLISHED_KEPT}' and created_at < now() - interval '{PUBLISHED_KEPT}'"
        );
        database::delete_in_chunks(&self.pool, "outbox", &old).await
    }
}
