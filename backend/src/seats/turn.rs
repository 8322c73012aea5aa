//! A turn: a transaction that has one event for itself. Edits and other long changes use it, which read and write more than seats.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use happening_api::{EventStatus, UserId};
use happening_seating::Refusal as Rule;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::batch::{Batch, Work};
use super::command::PORTION;
use super::committed::Committed;
use super::facts;
use super::queue::{Full, Held};
use super::rows::{self, WriteError};
use super::states;
use super::store::{Parts, Store};
use super::writer;
use crate::database;

/// Why a turn could not begin, or was not committed. Nothing happened, except possibly after `Unknown`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    #[error(transparent)]
    Full(#[from] Full),
    #[error("the event is being changed by others")]
    Late,
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The reply to COMMIT was lost.
    #[error("the reply to the commit was lost: {0}")]
    Unknown(sqlx::Error),
}

impl From<sqlx::Error> for TurnError {
    fn from(error: sqlx::Error) -> Self {
        Self::Write(error.into())
    }
}

/// A turn. When it is dropped without a commit, nothing is changed.
pub(crate) struct Turn {
    parts: Parts,
    tx: Option<Transaction<'static, Postgres>>,
    work: Option<Work>,
    batch: Batch,
    /// The version and head of the state after the commit, set once `write` has written them.
    name: Option<(i64, Uuid)>,
    held: Held,
}

impl Turn {
    pub(super) async fn begin(
        parts: Parts,
        mut conn: PoolConnection<Postgres>,
        mut held: Held,
    ) -> Result<Option<Self>, TurnError> {
        if held.known.is_none() {
            held.known = states::load(&mut conn, held.event).await?;
        }
        // `Acquire::begin` would borrow the connection; the turn owns it
        let mut tx = Transaction::begin(conn, None).await?;
        database::apply_writer_settings(&mut tx).await?;
        let locked: HashMap<_, _> = facts::lock(&mut tx, &[held.event], true).await?;
        let Some(row) = locked.get(&held.event).cloned() else { return Ok(None) };
        writer::catch_up(&parts, &mut tx, &mut [&mut held], &locked, true).await?;
        let now = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut *tx).await?;
        let Some(known) = held.known.take() else { return Ok(None) };
        let batch = Batch::new(now, parts.clock);
        let work = Some(Work::new(row, known));
        Ok(Some(Self { parts, tx: Some(tx), work, batch, name: None, held }))
    }

    /// The transaction's connection.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        self.tx.as_mut().expect("the transaction ends with the turn")
    }

    /// The database's time, read after the event's row was locked.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.batch.now
    }

    /// Changes the event's total number of seats. New seats go to the waitlist first. If there are too many for this transaction, the
    /// timers add the rest in portions.
    ///
    /// # Errors
    /// When the event takes no bookings, or when seats that would be removed are held.
    pub(crate) fn resize(&mut self, total: u32, request_id: &str) -> Result<(), Rule> {
        let Self { work, batch, .. } = self;
        let work = work.as_mut().expect("the state ends with the turn");
        batch.resize(work, total, PORTION, request_id).map(drop)
    }

    /// Cancels the event and ends its first bookings. Returns how many bookings the event had, and how many of them the timers still
    /// have to end in portions.
    ///
    /// # Errors
    /// At present never: no rule refuses it.
    pub(crate) fn cancel(&mut self, actor: UserId, request_id: &str) -> Result<(u32, u32), Rule> {
        let Self { work, batch, .. } = self;
        let work = work.as_mut().expect("the state ends with the turn");
        work.row.status = EventStatus::Cancelled;
        let had = work.known.seats.active_count();
        Ok((had, batch.end_bookings(work, actor, PORTION, request_id)?))
    }

    /// Writes what was decided, so that queries later in this transaction see it.
    ///
    /// # Errors
    /// [`TurnError::Write`]
    pub(crate) async fn write(&mut self) -> Result<(), TurnError> {
        if let (Some(work), None) = (&self.work, self.name) {
            self.name = self.batch.close(work);
            if let (Some(tx), Some(_)) = (&mut self.tx, self.name) {
                let written = rows::write(tx, &self.batch.rows, self.batch.now, self.parts.clock).await;
                if let Err(error) = written {
                    // the state may differ from the rows now; the next lane that takes the event loads it
                    self.work = None;
                    self.held.forget();
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    /// Writes what is not written yet, and commits.
    ///
    /// # Errors
    /// [`TurnError`]
    pub(crate) async fn commit(mut self) -> Result<(), TurnError> {
        self.write().await?;
        let Some(tx) = self.tx.take() else { return Ok(()) };
        tx.commit().await.map_err(|error| match error {
            sqlx::Error::Database(_) => error.into(),
            lost => TurnError::Unknown(lost),
        })?;
        let mut committed = Vec::new();
        if let Some((version, head)) = self.name
            && let Some(mut work) = self.work.take()
        {
            let before = work.known.head;
            (work.known.version, work.known.head, work.known.in_log) = (version, head, true);
            work.known.seats.settle();
            committed.push(Committed::of(work.row.id, &work.known, before, &work.changes));
            self.held.known = Some(work.known);
        }
        self.parts.committed(committed);
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // the drop of `held` undoes these uncommitted changes
            (self.held.known, self.held.changes) = (Some(work.known), work.changes);
        }
    }
}
