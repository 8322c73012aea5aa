//! Looks up rows for many callers at a time: who comes while a statement is on its way is in the next one. In a drop that is one round
//! trip for a crowd; one caller alone waits for nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

/// Statements on their way at once.
const AT_ONCE: usize = 2;
/// Longer than Postgres lets a statement go on: a connection on which no answer came by then is dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What one caller wants to know.
pub(crate) trait Wanted: Sized + Send + Sync + 'static {
    /// What is found; the default: nothing.
    type Found: Clone + Default + Send + 'static;

    /// What is found for each of them, in their order, in one statement.
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

/// One kind of lookup of one server.
pub(crate) struct Lookup<W: Wanted> {
    pool: PgPool,
    waiting: Arc<Mutex<Waiting<W>>>,
    turns: Arc<Semaphore>,
}

impl<W: Wanted> Lookup<W> {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, waiting: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What is found for this caller.
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
        // a task of its own: when this caller leaves, the others are answered all the same
        let ask = async move {
            let all = std::mem::take(&mut *lock(&waiting));
            answer_all(&pool, all).await;
            drop(turn);
        };
        tokio::spawn(ask.in_current_span()); // the statement is in the trace of the caller who sends it
        answer.await.unwrap_or_else(|_| lost())
    }
}

/// The task that was to ask has panicked.
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
        drop(reply.send(theirs)); // a caller who has left needs no answer
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

/// Puts rows that carry the place of their question, counted from 1, in the order of the questions.
pub(crate) fn in_order<T: Clone + Default>(questions: usize, rows: impl Iterator<Item = (i64, T)>) -> Vec<T> {
    let mut found = vec![T::default(); questions];
    for (n, row) in rows {
        let place = usize::try_from(n - 1).ok().and_then(|at| found.get_mut(at));
        *place.expect("a row answers one of the questions") = row;
    }
    found
}
