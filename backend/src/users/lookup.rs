//! Finds the rows of callers, many at a time: who comes while a statement is on its way is in the next one. In a drop that is one round
//! trip for a crowd; one caller alone waits for nothing.

use std::sync::{Arc, Mutex, PoisonError};

use happening_api::UserId;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};

use super::store::{self, Unchanged};

/// Statements on their way at once.
const AT_ONCE: usize = 2;

type Answer = Result<Option<UserId>, Arc<sqlx::Error>>;
type Waiting = Vec<(Unchanged, oneshot::Sender<Answer>)>;

/// The lookup of one server.
pub(crate) struct Lookup {
    waiting: Arc<Mutex<Waiting>>,
    turns: Arc<Semaphore>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { waiting: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Lookup {
    /// The person whose row is as the token says; `None`: look closer.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find(&self, pool: &PgPool, wanted: Unchanged) -> Answer {
        let (reply, mut answer) = oneshot::channel();
        lock(&self.waiting).push((wanted, reply));
        let turn = tokio::select! {
            biased;
            answered = &mut answer => return answered.unwrap_or(Ok(None)),
            turn = Arc::clone(&self.turns).acquire_owned() => turn,
        };
        let (waiting, pool) = (Arc::clone(&self.waiting), pool.clone());
        // a task of its own: when this caller leaves, the others are answered all the same
        tokio::spawn(async move {
            let all = std::mem::take(&mut *lock(&waiting));
            answer_all(&pool, all).await;
            drop(turn);
        });
        answer.await.unwrap_or(Ok(None))
    }
}

fn lock(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer_all(pool: &PgPool, all: Waiting) {
    if all.is_empty() {
        return;
    }
    let (wanted, replies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let found = ask(pool, &wanted).await.map_err(Arc::new);
    for (at, reply) in replies.into_iter().enumerate() {
        let theirs = found.as_ref().map(|found| found.get(at).copied().flatten()).map_err(Arc::clone);
        drop(reply.send(theirs)); // a caller who has left needs no answer
    }
}

async fn ask(pool: &PgPool, wanted: &[Unchanged]) -> sqlx::Result<Vec<Option<UserId>>> {
    let mut conn = pool.acquire().await?;
    store::find_all_unchanged(&mut conn, wanted).await
}
