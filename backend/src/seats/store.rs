//! What a lane needs from the outside. In the server this is Postgres; the simulation has another implementation, in which every
//! statement can be delayed, lost or repeated.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::EventId;
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, mpsc};

use super::command::Command;
use super::committed::Committed;
use super::facts::{self, EventRow, Facts};
use super::rows::{self, Rows, WriteError};
use super::states::{self, Known, LogRow};
use crate::clock::Clock;
use crate::wake::Wake;

/// The statements of the seat writer, and the work after a commit.
pub(super) trait Store: Clone + Send + Sync + 'static {
    /// A transaction, which is rolled back when it is dropped.
    type Tx: Send;

    fn clock(&self) -> Clock;

    /// Runs `work` for at most this time; `None` when it took longer.
    fn within<T: Send>(
        &self,
        time: Duration,
        work: impl Future<Output = T> + Send,
    ) -> impl Future<Output = Option<T>> + Send;

    /// Loads the state of an event outside of a transaction. `None` when none of the callers may see the event.
    fn load(&self, event: EventId, commands: &[&Command]) -> impl Future<Output = sqlx::Result<Option<Known>>> + Send;

    fn begin(&self) -> impl Future<Output = sqlx::Result<Self::Tx>> + Send;

    /// See [`facts::lock`].
    fn lock(
        &self,
        tx: &mut Self::Tx,
        events: &[EventId],
        wait: bool,
    ) -> impl Future<Output = sqlx::Result<HashMap<EventId, EventRow>>> + Send;

    /// See [`facts::look`].
    fn look(
        &self,
        tx: &mut Self::Tx,
        commands: &[&Command],
    ) -> impl Future<Output = sqlx::Result<(DateTime<Utc>, Vec<Option<Facts>>)>> + Send;

    /// See [`states::tail`].
    fn tail(
        &self,
        tx: &mut Self::Tx,
        from: &[(EventId, i64)],
    ) -> impl Future<Output = sqlx::Result<Vec<LogRow>>> + Send;

    /// See [`states::read_all`].
    fn read(
        &self,
        tx: &mut Self::Tx,
        events: &[EventId],
    ) -> impl Future<Output = sqlx::Result<HashMap<EventId, Known>>> + Send;

    /// How many rows a main lane may read states from in one transaction, while other events of its batch wait.
    fn rows_read_max(&self) -> u32;

    /// See [`rows::write`].
    fn write(
        &self,
        tx: &mut Self::Tx,
        rows: &Rows,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;

    fn commit(&self, tx: Self::Tx) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Runs after a commit: passes the changes on to Redis and wakes the relay.
    fn committed(&self, committed: Vec<Committed>);
}

/// What the server's lanes share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    /// Receives every commit, to write it to Redis.
    pub(crate) watcher: mpsc::Sender<Vec<Committed>>,
    pub(crate) relay_wake: Wake,
    pub(crate) clock: Clock,
    /// Limits how many whole states are loaded at a time.
    pub(crate) loads: Arc<Semaphore>,
}

/// How many commits may wait to be written to Redis. Later ones are dropped; the event's next commit then makes Redis current again.
pub(crate) const COMMITTED_MAX: usize = 256;
/// How many states the writer loads at a time.
pub(crate) const LOADS_AT_ONCE: usize = 2;

impl Store for Parts {
    type Tx = Transaction<'static, Postgres>;

    fn clock(&self) -> Clock {
        self.clock
    }

    async fn within<T: Send>(&self, time: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
        tokio::time::timeout(time, work).await.ok()
    }

    async fn load(&self, event: EventId, commands: &[&Command]) -> sqlx::Result<Option<Known>> {
        let mut conn = Box::pin(self.pool.acquire()).await?;
        let (_, facts) = facts::look(&mut conn, commands).await?;
        if !facts.iter().flatten().any(Facts::matters) {
            return Ok(None);
        }
        let _turn = self.loads.acquire().await; // the semaphore is never closed
        states::load(&mut conn, event).await
    }

    async fn begin(&self) -> sqlx::Result<Self::Tx> {
        Box::pin(self.pool.begin()).await
    }

    async fn lock(
        &self,
        tx: &mut Self::Tx,
        events: &[EventId],
        wait: bool,
    ) -> sqlx::Result<HashMap<EventId, EventRow>> {
        facts::lock(tx, events, wait).await
    }

    async fn look(
        &self,
        tx: &mut Self::Tx,
        commands: &[&Command],
    ) -> sqlx::Result<(DateTime<Utc>, Vec<Option<Facts>>)> {
        facts::look(tx, commands).await
    }

    async fn tail(&self, tx: &mut Self::Tx, from: &[(EventId, i64)]) -> sqlx::Result<Vec<LogRow>> {
        states::tail(tx, from).await
    }

    async fn read(&self, tx: &mut Self::Tx, events: &[EventId]) -> sqlx::Result<HashMap<EventId, Known>> {
        states::read_all(tx, events).await
    }

    fn rows_read_max(&self) -> u32 {
        2_000
    }

    async fn write(&self, tx: &mut Self::Tx, rows: &Rows, now: DateTime<Utc>) -> Result<(), WriteError> {
        rows::write(tx, rows, now, self.clock).await
    }

    async fn commit(&self, tx: Self::Tx) -> sqlx::Result<()> {
        tx.commit().await
    }

    fn committed(&self, committed: Vec<Committed>) {
        self.relay_wake.wake();
        if !committed.is_empty() && self.watcher.try_send(committed).is_err() {
            tracing::debug!("Redis is behind; events are shown after their next change");
        }
    }
}
