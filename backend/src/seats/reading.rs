//! The reader: answers places on waitlists and orders of lists from states in memory, so that the cost of a read does not grow with
//! the number of bookings.
//!
//! The reader has states of its own, because a lane takes an event's state out of the writer's store while it works. Both kinds
//! follow the log in the same way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use happening_api::EventId;
use happening_seating::EventSeats;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::protection::{Protection, out};
use super::states::{self, Known, LogRow, States};

/// The most memory of all the reader's states together.
const BYTES_MAX: usize = 128 << 20;
/// How many locks events share while their states are brought up to date.
const TURNS: usize = 64;
/// How many states are loaded at a time. It is lower than the writer's limit, since the writer must not wait for readers.
const LOADS_AT_ONCE: usize = 1;

/// The version and head of an event's state, as in its row.
pub(crate) type Name = (i64, Uuid);

/// Where states are read from: Postgres in the server, a model in the simulation.
pub(super) trait Source: Clone + Send + Sync + 'static {
    /// See [`states::load`].
    fn load(&self, event: EventId) -> impl Future<Output = sqlx::Result<Option<Known>>> + Send;

    /// See [`states::tail`].
    fn tail(&self, event: EventId, version: i64) -> impl Future<Output = sqlx::Result<Vec<LogRow>>> + Send;
}

impl Source for PgPool {
    async fn load(&self, event: EventId) -> sqlx::Result<Option<Known>> {
        states::load(&mut *self.acquire().await?, event).await
    }

    async fn tail(&self, event: EventId, version: i64) -> sqlx::Result<Vec<LogRow>> {
        states::tail(&mut *self.acquire().await?, &[(event, version)]).await
    }
}

/// The reader. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader<S = PgPool>(Arc<Inner<S>>);

struct Inner<S> {
    source: S,
    states: Mutex<States>,
    /// Requests for the same event take turns, so that the first one brings the state up to date for all. A request that waits here
    /// holds nothing else, in particular no connection.
    turns: [tokio::sync::Mutex<()>; TURNS],
    loads: Semaphore,
}

#[expect(private_bounds, reason = "only the server's source is named outside")]
impl<S: Source> Reader<S> {
    /// A reader that loads its states from `source`.
    pub(super) fn new(source: S) -> Self {
        Self(Arc::new(Inner {
            source,
            states: Mutex::new(States::new(BYTES_MAX)),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
            loads: Semaphore::new(LOADS_AT_ONCE),
        }))
    }

    /// Answers a question from an event's state. The state is the one with this name or, when the rows have changed since, a later
    /// one. `None` when the event does not exist. The caller must not hold a connection while it waits for the answer, since loading
    /// needs one.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn ask<T>(
        &self,
        event: EventId,
        name: Name,
        question: impl FnOnce(&EventSeats) -> T,
    ) -> sqlx::Result<Option<T>> {
        if !self.has(event, name) {
            // this runs as a task of its own, so that the work is kept when the caller goes away
            let reader = self.clone();
            let brought_up = tokio::spawn(async move { reader.bring_up(event, name).await }).await;
            brought_up.map_err(|_| sqlx::Error::WorkerCrashed)??;
        }
        Ok(self.look(event, |known| question(&known.seats)))
    }

    /// Answers a question from the state that is in memory now; `None` when there is none.
    pub(super) fn look<T>(&self, event: EventId, question: impl FnOnce(&Known) -> T) -> Option<T> {
        let mut states = self.states();
        let known = states.take(event)?;
        let answer = question(&known);
        states.put(event, known);
        Some(answer)
    }

    fn has(&self, event: EventId, name: Name) -> bool {
        self.states().look(event).is_some_and(|known| (known.version, known.head) == name)
    }

    /// Brings the state of an event to the given name, or a later one.
    pub(super) async fn bring_up(&self, event: EventId, name: Name) -> sqlx::Result<()> {
        let turn = (event.0.as_u128() % TURNS as u128) as usize;
        let _turn = self.0.turns[turn].lock().await;
        if self.has(event, name) {
            return Ok(());
        }
        let version = self.states().look(event).map(|known| known.version);
        if let Some(version) = version {
            let rows = self.0.source.tail(event, version).await?;
            if self.carry_on(event, &rows) {
                return Ok(());
            }
        }
        let _load = self.0.loads.acquire().await; // the semaphore is never closed
        let loaded = self.0.source.load(event).await?;
        if let Some(known) = loaded {
            self.states().put(event, known);
        }
        Ok(())
    }

    /// Applies log rows to an event's state. Returns false, and drops the state, when the log has a gap or continues another history.
    fn carry_on(&self, event: EventId, rows: &[LogRow]) -> bool {
        let mut states = self.states();
        let Some(mut known) = states.take(event) else { return false };
        let mut rows = rows.iter();
        // the first row must be the state's own version and head
        let own = rows.next().is_some_and(|row| {
            row.version == known.version && (row.head == known.head || out(Protection::OwnRowFirst))
        });
        let follows = own && rows.all(|row| states::follow(&mut known, (row.version, row.head), &row.changes));
        if follows {
            known.seats.settle();
            states.put(event, known);
        }
        follows
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
