//! Finds gates that lost something and has them rebuilt. Nothing else repairs.
//!
//! Every process watches the events that it touched; the worker watches all active ones. An event is rebuilt when
//! - its gate is of an older generation than its row;
//! - a pending entry is older than `pending_age_ms_max`: whoever made it died;
//! - its row's `seat_version`, read after Redis time t0, is one look later still more than the gate's version plus the
//!   entries that were pending before t0: the gate did not learn of a committed unit;
//! - somebody waits and nothing is loaded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use happening_api::EventId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Gate, Peek, Rebuilder};
use crate::bookings::reconcile;
use crate::switches;

const PEEK_EVENTS_MAX: usize = 256;
/// How many looks an event stays watched after its last touch.
const LOOKS_AFTER_TOUCH: u32 = 30;

/// Events that this process changed lately.
#[derive(Clone, Default)]
pub(crate) struct Touched(Arc<Mutex<HashMap<EventId, u32>>>);

impl Touched {
    /// Remembers an event for a while.
    pub(crate) fn touch(&self, event: EventId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(event, LOOKS_AFTER_TOUCH);
    }

    fn take_look(&self) -> Vec<EventId> {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.retain(|_, looks_left| {
            *looks_left = looks_left.saturating_sub(1);
            *looks_left > 0
        });
        events.keys().copied().collect()
    }
}

/// Which events a watcher looks at.
pub(crate) enum Scope {
    /// Those that this process touched.
    Touched(Touched),
    /// All upcoming ones.
    All,
}

/// The watcher's loop.
pub(crate) struct Watcher {
    pub(crate) pool: PgPool,
    pub(crate) gate: Gate,
    pub(crate) rebuilder: Rebuilder,
    pub(crate) scope: Scope,
    pub(crate) every: Duration,
    pub(crate) pending_age_ms_max: u64,
}

/// What the last look at an event saw.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Redis' clock before Postgres was read.
    t0_ms: i64,
    row: RowNumbers,
}

/// The numbers of an event's row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RowNumbers {
    pub(crate) gate_generation: i64,
    pub(crate) seat_version: i64,
    pub(crate) someone_waits: bool,
}

impl Watcher {
    /// Looks until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut seen = HashMap::new();
        let mut run_id = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
            if let Err(error) = self.look(&mut seen, &mut run_id).await {
                tracing::debug!(%error, "the watcher could not look; it tries again");
                seen.clear();
            }
        }
    }

    async fn look(&self, seen: &mut HashMap<EventId, Seen>, run_id: &mut Option<String>) -> anyhow::Result<()> {
        let current = self.gate.run_id().await?;
        let restarted = run_id.as_ref().is_some_and(|known| *known != current);
        let events = match &self.scope {
            Scope::All => reconcile::upcoming_event_ids(&mut *self.pool.acquire().await?).await?,
            Scope::Touched(touched) => touched.take_look(),
        };
        seen.retain(|event, _| events.contains(event));
        for some in events.chunks(PEEK_EVENTS_MAX) {
            self.look_at(some, seen, restarted).await?;
        }
        *run_id = Some(current);
        Ok(())
    }

    async fn look_at(
        &self,
        events: &[EventId],
        seen: &mut HashMap<EventId, Seen>,
        restarted: bool,
    ) -> anyhow::Result<()> {
        let peeks = self.gate.peek(events).await?;
        let rows = reconcile::gate_numbers(&mut *self.pool.acquire().await?, events).await?;
        for (event, peek) in events.iter().zip(&peeks) {
            let Some(row) = rows.get(event).copied() else {
                seen.remove(event); // gone or no longer upcoming: such an event needs no gate
                if let Some(meta) = peek.meta {
                    self.rebuild(*event, meta.generation).await;
                }
                continue;
            };
            let before = seen.insert(*event, Seen { t0_ms: peek.now_ms, row });
            let reason = if restarted { Some("Redis was restarted") } else { self.reason(before, row, peek) };
            if let Some(reason) = reason {
                tracing::warn!(%event, reason, "the event's gate must be rebuilt");
                self.rebuild(*event, peek.meta.map_or(0, |meta| meta.generation)).await;
                seen.remove(event);
            } else if let (Scope::Touched(touched), false) = (&self.scope, peek.pending_since_ms.is_empty()) {
                touched.touch(*event);
            }
        }
        Ok(())
    }

    /// One event that cannot be rebuilt now must not keep the others from it; the next look finds it again.
    async fn rebuild(&self, event: EventId, bad: i64) {
        if let Err(error) = self.rebuilder.rebuild(event, bad).await {
            tracing::warn!(%event, %error, "a rebuild waits for the next look");
        }
    }

    fn reason(&self, before: Option<Seen>, row: RowNumbers, peek: &Peek) -> Option<&'static str> {
        let Some(meta) = peek.meta else {
            return row.someone_waits.then_some("somebody waits and nothing is loaded");
        };
        if meta.generation < before.map_or(row.gate_generation, |seen| seen.row.gate_generation) {
            return Some("the gate is of an older generation");
        }
        let age_ms_max = i64::try_from(self.pending_age_ms_max).unwrap_or(i64::MAX);
        if peek.pending_since_ms.iter().any(|since_ms| peek.now_ms - since_ms > age_ms_max) {
            return Some("a pending entry is too old");
        }
        if switches::on("skip_seat_version_check") {
            return None;
        }
        let seen = before.filter(|seen| seen.row.gate_generation == meta.generation)?;
        let pending_before = peek.pending_since_ms.iter().filter(|since_ms| **since_ms <= seen.t0_ms).count() as i64;
        (seen.row.seat_version > meta.version + pending_before).then_some("the gate missed a committed change")
    }
}
