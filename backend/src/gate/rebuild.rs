//! The one repair: raise the event's generation, load the gate anew from the rows.
//!
//! Whatever was in flight with the old generation is refused at its commit and tries again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use happening_api::EventId;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex as AsyncMutex;

use super::{Gate, GateError, GateImage};
use crate::bookings::{promote, store};
use crate::clock::Clock;
use crate::metrics;
use crate::outbox::RelayWake;

/// Why a rebuild did not happen. Trying again is always safe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RebuildError {
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What a rebuild found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// A gate newer than the bad one is loaded.
    Loaded,
    /// The event is gone or takes no bookings any more; it has no gate.
    Closed,
}

/// Rebuilds gates; one rebuild per event is in flight in a process, others wait for it.
#[derive(Clone)]
pub(crate) struct Rebuilder {
    pool: PgPool,
    gate: Gate,
    clock: Clock,
    relay_wake: RelayWake,
    in_flight: Arc<Mutex<HashMap<EventId, Arc<AsyncMutex<()>>>>>,
}

impl Rebuilder {
    pub(crate) fn new(pool: PgPool, gate: Gate, clock: Clock, relay_wake: RelayWake) -> Self {
        Self { pool, gate, clock, relay_wake, in_flight: Arc::default() }
    }

    /// Makes sure that a gate newer than generation `bad` is loaded. `bad` is 0 when nothing was loaded.
    ///
    /// # Errors
    /// When Postgres or Redis is away; nothing is half-done then, since the load follows the commit.
    pub(crate) async fn rebuild(&self, event: EventId, bad: i64) -> Result<Rebuilt, RebuildError> {
        let turn = Arc::clone(self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).entry(event).or_default());
        let result = {
            let _turn = turn.lock().await;
            Box::pin(self.rebuild_now(event, bad)).await.inspect(|_| metrics::gate_rebuilt())
        };
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&turn) == 2 {
            in_flight.remove(&event);
        }
        result
    }

    async fn rebuild_now(&self, event: EventId, bad: i64) -> Result<Rebuilt, RebuildError> {
        if self.gate.generation(event).await?.is_some_and(|loaded| loaded > bad) {
            return Ok(Rebuilt::Loaded);
        }
        let mut tx = self.pool.begin().await?;
        let Some(row) = store::lock_event(&mut tx, event).await?.filter(|row| row.upcoming) else {
            self.gate.delete(event).await?;
            return Ok(Rebuilt::Closed);
        };
        if self.gate.generation(event).await?.is_some_and(|loaded| loaded >= row.gate_generation && loaded > bad) {
            return Ok(Rebuilt::Loaded);
        }
        tracing::info!(%event, bad_generation = bad, row_generation = row.gate_generation, "rebuild the event's gate");
        let image = raise_generation(&mut tx, &row, bad, &[], self.clock, "rebuild").await?;
        tx.commit().await?;
        self.relay_wake.wake();
        self.gate.load(event, &image).await?;
        Ok(Rebuilt::Loaded)
    }
}

/// Inside a transaction that holds the event's row: raises the generation, hands out seats to waiters, returns the image
/// to load after the commit, never before.
///
/// `new_seats` (of a raised capacity) go to the waitlist first, lowest first. Then waiters that never held a seat and
/// fit get theirs, in joining order: seats may have come free just while they joined.
///
/// # Errors
/// When the database fails.
pub(crate) async fn raise_generation(
    conn: &mut PgConnection,
    row: &store::LockedEvent,
    bad: i64,
    new_seats: &[i32],
    clock: Clock,
    request_id: &str,
) -> sqlx::Result<GateImage> {
    let now: DateTime<Utc> = row.now;
    let promoted = promote::give_to_waitlist(conn, row.id, new_seats, None, now, clock, request_id).await?;
    let mut given = promoted.seats_given();

    let booked = store::booked_seats(conn, row.id).await?;
    let free = free_seats(row.total_slots, &booked);
    let newcomers = store::waiters_that_never_held(conn, row.id, free.len() as i64).await?;
    let fitting = promote::assign_to_fitting(&free, &newcomers);
    promote::write(conn, row.id, &fitting, now, clock, request_id).await?;
    given += fitting.iter().map(|promotion| promotion.seats.len() as i32).sum::<i32>();

    let generation = row.gate_generation.max(bad) + 1;
    let version = store::raise_gate_generation(conn, row.id, generation, given).await?;
    Ok(GateImage {
        generation,
        version,
        total: row.total_slots,
        booked: store::booked_seats(conn, row.id).await?,
        waiters: store::waiting_orders(conn, row.id).await?,
    })
}

fn free_seats(total: i32, booked: &[i32]) -> Vec<i32> {
    let booked: std::collections::HashSet<i32> = booked.iter().copied().collect();
    (1..=total).filter(|seat| !booked.contains(seat)).collect()
}
