//! The seat writer: every change of an event's seats, bookings and waitlist goes through it.
//!
//! A [`Command`] stands in its event's queue (`queue`), until a lane takes it (`writer`). The lane's transaction locks the event's
//! row and looks up what only the database's rows know about the command (`facts`), brings the state in memory up to the row
//! (`states`), decides by the rules of the crate `happening-seating` (`batch`), writes the resulting rows with an entry of the log
//! (`rows`, `log`), commits and answers. When a transaction fails, `failure` says which of its commands are tried again.
//!
//! `hand_out` of that crate chooses the next owner of a freed seat; `promote` of `batch` writes its rows.

mod answer;
mod batch;
mod command;
mod committed;
mod facts;
mod failure;
pub(crate) mod log;
mod protection;
mod queue;
mod reading;
mod rows;
#[cfg(test)]
mod simulation;
pub(crate) mod states;
mod store;
mod turn;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::command::Pending;
use self::queue::Queues;
use self::writer::Running;
use crate::switches::Switch;

pub(crate) use answer::Answer;
pub(crate) use command::{Command, Due, Kind, OnBehalf, PORTION, Refusal, Reply};
pub(crate) use committed::Committed;
pub(crate) use queue::Full;
pub(crate) use reading::{Name, Reader};
pub(crate) use rows::WriteError;
pub(crate) use store::{COMMITTED_MAX, LOADS_AT_ONCE, Parts};
pub(crate) use turn::{Turn, TurnError};
pub(crate) use writer::{MAIN_LANES, SIDE_LANES};

/// How long an event stays in the side lanes after another transaction was found to hold its row.
const CONTENDED_FOR: Duration = Duration::from_secs(1);

/// The entry point of the seat writer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Seats {
    queues: Arc<Queues>,
    running: Running,
    parts: Parts,
    reader: Reader,
}

impl Seats {
    /// Starts the lanes; they end when `stop` is cancelled and every queued command is done. The reader takes its connections from
    /// `pool`.
    pub(crate) fn start(parts: Parts, pool: PgPool, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let queues = Queues::new(!Switch::BatchesOfOne.is_on(), CONTENDED_FOR);
        let running = writer::start(&parts, &queues, tasks, stop);
        let reader = Reader::new(pool);
        Self { queues, running, parts, reader }
    }

    /// Runs a command; returns once it was committed, refused or given up.
    ///
    /// # Errors
    /// [`Full`]: nothing happened.
    pub(crate) async fn submit(&self, command: Command) -> Result<Reply, Full> {
        let (reply, answer) = oneshot::channel();
        let since = self.parts.clock.instant();
        self.queues.add(Pending { command, reply, since, failures: 0, may_be_done: false })?;
        Ok(answer.await.unwrap_or(Reply::Unknown))
    }

    /// Waits for a [`Turn`]: a transaction that has locked the event's row and has the event for itself. `None` when the event does
    /// not exist.
    ///
    /// # Errors
    /// [`TurnError`]: nothing happened.
    pub(crate) async fn turn(&self, pool: &PgPool, event: happening_api::EventId) -> Result<Option<Turn>, TurnError> {
        // the connection is taken before the event, so that bookings of the event do not wait for a free connection
        let conn = pool.acquire().await?;
        let held = self.queues.ask_alone(event, self.parts.clock.instant())?.await.map_err(|_| TurnError::Late)?;
        Turn::begin(self.parts.clone(), conn, held).await
    }

    /// The reader, which answers questions from states of its own in memory, without the writer.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Whether all lanes are running.
    pub(crate) fn is_whole(&self) -> bool {
        self.running.all()
    }
}
