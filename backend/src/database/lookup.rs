//! Looks up rows for many callers in one statement: requests that arrive while a statement runs are answered together by the next
//! one. When many people call at once, they share a round trip; a single caller does not wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

/// How many statements may run at the same time.
const AT_ONCE: usize = 2;
/// Longer than Postgres lets a statement run: when no answer has come by then, the connection is dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// A question of one caller.
pub(crate) trait Wanted: Sized + Send + Sync + 'static {
    /// The answer to the question; its default means that nothing was found.
    type Found: Clone + Default + Send + 'static;

    /// Answers all questions in one statement, in their order.
    ///
    /// # Errors
    /// When the database fails.
    fn find_all(
        conn: &mut PgConnection,
        wanted: &[Self],
    ) -> impl Future<Output = sqlx::Result<Vec<Self::Found>>> + Send;
}

type Answer<W> = Result<<W as Wanted>::Found, Arc<sqlx::Error>>;
type Waiting<W> = Vec<(W, oneshot::Sender<Answer<W>>)>;

/// The lookups of one kind in this process.
pub(crate) struct Lookup<W: Wanted> {
    pool: PgPool,
    waiting: Arc<Mutex<Waiting<W>>>,
    turns: Arc<Semaphore>,
}

impl<W: Wanted> Clone for Lookup<W> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), waiting: Arc::clone(&self.waiting), turns: Arc::clone(&self.turns) }
    }
}

impl<W: Wanted> Lookup<W> {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, waiting: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Answers one caller's question.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find(&self, wanted: W) -> Answer<W> {
        let (reply, mut answer) = oneshot::channel();
        lock(&self.waiting).push((wanted, reply));
        let turn = tokio::select! {
            biased;
            answered = &mut answer => return answered.unwrap_or_else(|_| lost()),
            turn = Arc::clone(&self.turns).acquire_owned() => turn,
        };
        let (waiting, pool) = (Arc::clone(&self.waiting), self.pool.clone());
        // a task of its own, so that the other callers are answered even when this one goes away
        let ask = async move {
            let all = std::mem::take(&mut *lock(&waiting));
            answer_all(&pool, all).await;
            drop(turn);
        };
        tokio::spawn(ask.in_current_span()); // the statement belongs to the trace of the caller who sends it
        answer.await.unwrap_or_else(|_| lost())
    }
}

/// The error when the task that runs the statement has panicked.
fn lost<T>() -> Result<T, Arc<sqlx::Error>> {
    Err(Arc::new(sqlx::Error::WorkerCrashed))
}

fn lock<T>(waiting: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer_all<W: Wanted>(pool: &PgPool, all: Waiting<W>) {
    if all.is_empty() {
        return;
    }
    let (wanted, replies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let found = ask(pool, &wanted).await.map_err(Arc::new);
    for (at, reply) in replies.into_iter().enumerate() {
        let theirs = found.as_ref().map(|found| found.get(at).cloned().unwrap_or_default()).map_err(Arc::clone);
        drop(reply.send(theirs)); // the caller may have gone
    }
}

async fn ask<W: Wanted>(pool: &PgPool, wanted: &[W]) -> sqlx::Result<Vec<W::Found>> {
    let mut conn = pool.acquire().await?;
    match tokio::time::timeout(ANSWER_TIMEOUT, W::find_all(&mut conn, wanted)).await {
        Ok(found) => found,
        Err(_) => {
            conn.close_on_drop();
            Err(sqlx::Error::PoolTimedOut)
        }
    }
}

/// Sorts rows into the order of their questions. Each row carries the number of its question, counted from 1.
pub(crate) fn in_order<T: Clone + Default>(questions: usize, rows: impl Iterator<Item = (i64, T)>) -> Vec<T> {
    let mut found = vec![T::default(); questions];
    for (n, row) in rows {
        let place = usize::try_from(n - 1).ok().and_then(|at| found.get_mut(at));
        *place.expect("a row answers one of the questions") = row;
    }
    found
}
