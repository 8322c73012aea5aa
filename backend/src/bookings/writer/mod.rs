//! The batch writer: commits everything that waits in one transaction.
//!
//! Each writer owns a connection; an event always goes to the same writer, so a slow event stalls only its neighbours.
//! There is no timer: an idle system commits a batch of one at once, a busy one fills its batches by itself.
//! `batch` decides and writes, `settle` tells the gate and answers, `sql` holds the statements.

mod batch;
mod settle;
mod sql;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use happening_api::{BookingId, EventId, UserId};
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::bookings::answer::Answer;
use crate::clock::Clock;
use crate::gate::watcher::Touched;
use crate::gate::{Gate, Hold, Rebuilder, Releaser, Taken};
use crate::metrics;
use crate::outbox::RelayWake;
use crate::telemetry::{self, SPANS};

/// Writers, each with a connection of its own.
pub(crate) const WRITERS: u32 = 4;
/// Items that may wait, over all writers.
const CHANNEL_ITEMS_MAX: usize = 4096;
/// Items of one transaction.
const BATCH_ITEMS_MAX: usize = 256;
/// Requests that the trace of a batch names.
const LINKS_MAX: usize = 128;
/// Batches whose commit the gate has not been told of yet, per writer.
const SETTLING_BATCHES_MAX: usize = 32;

/// One thing to write: seats are already taken at the gate, or a joining is noted there.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) event: EventId,
    pub(crate) user: UserId,
    /// Its key is the id of the new booking, or of the claim and its history row, which is the "already there" check.
    pub(crate) hold: Hold,
    /// Of the gate's answer.
    pub(crate) generation: i64,
    pub(crate) taken: Taken,
    pub(crate) kind: Kind,
    pub(crate) request_id: String,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What an item writes.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Create {
        /// Seats wanted.
        seats: i32,
        reassigned: bool,
        /// SHA-256 of the request's body.
        request_hash: Vec<u8>,
    },
    Claim {
        booking: BookingId,
        /// The seats that the request named.
        asked: Option<i32>,
    },
}

impl Item {
    /// Seats that were taken at the gate.
    pub(crate) fn seats(&self) -> &[i32] {
        match &self.taken {
            Taken::Seats(seats) => seats,
            Taken::Join => &[],
        }
    }
}

/// What became of an item.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Committed, and the gate was told as far as the answer needs it.
    Written(Answer),
    /// The same key was committed before: the first answer. `same_request` is false when its body was another one.
    Exists {
        answer: Answer,
        same_request: bool,
    },
    Refused(Refusal),
    /// The gate was of another generation than the event: reserve again.
    OtherGeneration,
    /// Nothing happened; the database is away or the event's row is locked for too long.
    Unavailable,
    /// It may have happened.
    OutcomeUnknown,
}

/// Why an item must not be written, as things stand under the event's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The event is gone, or the person may not see it any more.
    NotFound,
    EventNotOpen,
    LimitReached {
        limit: i32,
        have: i32,
    },
    /// The key is that of a booking whose first answer was forgotten.
    KeyReused,
    /// A claim for a booking that was cancelled.
    AlreadyCancelled,
    /// A claim for more than the booking still wants.
    WantsFewer {
        wanted: i32,
    },
}

/// A place in a writer's channel: who has one can be written, so nothing is reserved that cannot be.
pub(crate) struct Place(mpsc::OwnedPermit<Item>);

impl Place {
    /// Hands the item over.
    pub(crate) fn submit(self, item: Item) {
        self.0.send(item);
    }
}

/// Every writer is full; nothing was reserved.
#[derive(Debug, thiserror::Error)]
#[error("too many bookings wait to be written")]
pub(crate) struct Full;

/// The writers' front.
#[derive(Clone)]
pub(crate) struct BatchWriter {
    channels: Arc<[mpsc::Sender<Item>]>,
}

/// What a writer needs.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    pub(crate) gate: Gate,
    pub(crate) rebuilder: Rebuilder,
    pub(crate) releaser: Releaser,
    pub(crate) touched: Touched,
    pub(crate) relay_wake: RelayWake,
    pub(crate) clock: Clock,
}

impl BatchWriter {
    /// Starts the writers; they end when `stop` is cancelled and what waits has been written.
    pub(crate) fn start(parts: &Parts, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let channels = (0..WRITERS)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(CHANNEL_ITEMS_MAX / WRITERS as usize);
                tasks.spawn(run(parts.clone(), receiver, tasks.clone(), stop.clone()));
                sender
            })
            .collect();
        Self { channels }
    }

    /// A place in the channel of the event's writer.
    ///
    /// # Errors
    /// [`Full`].
    pub(crate) fn place(&self, event: EventId) -> Result<Place, Full> {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        let writer = hasher.finish() as usize % self.channels.len();
        self.channels[writer].clone().try_reserve_owned().map(Place).map_err(|_| Full)
    }
}

async fn run(parts: Parts, mut items: mpsc::Receiver<Item>, tasks: TaskTracker, stop: CancellationToken) {
    let settling = Arc::new(Semaphore::new(SETTLING_BATCHES_MAX));
    let batch_items_max = if crate::switches::on("batches_of_one") { 1 } else { BATCH_ITEMS_MAX };
    loop {
        let mut batch = Vec::with_capacity(batch_items_max);
        tokio::select! {
            biased;
            count = items.recv_many(&mut batch, batch_items_max) => if count == 0 { return },
            // what has a place is still written; once closed, only items or the end are waited for
            () = stop.cancelled(), if !items.is_closed() => items.close(),
        }
        if batch.is_empty() {
            continue;
        }
        for item in &batch {
            parts.touched.touch(item.event);
        }
        let (items, started) = (batch.len(), parts.clock.instant());
        let span = tracing::info_span!(target: SPANS, "write batch", happening.batch.items = items);
        batch.iter().take(LINKS_MAX).for_each(|item| telemetry::link(&span, &item.request_id));
        let settled = batch::write(&parts, batch).instrument(span).await;
        metrics::batch(items, started.elapsed().as_secs_f64());
        parts.relay_wake.wake();
        // bounded: when the gate is slow, the writer waits here and its channel fills
        let permit = Arc::clone(&settling).acquire_owned().await;
        let parts = parts.clone();
        tasks.spawn(async move {
            settle::settle(&parts, settled).await;
            drop(permit);
        });
    }
}
