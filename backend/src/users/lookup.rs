//! Finds the rows of callers, many at a time: who comes while a statement is on its way is in the next one. In a drop that is one round
//! trip for a crowd; one caller alone waits for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use happening_api::UserId;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};

use super::store::{self, Unchanged};

/// Statements on their way at once.
const AT_ONCE: usize = 2;

type Answer = Result<Option<UserId>, Arc<sqlx::Error>>;

/// The lookup of one server.
pub(crate) struct Lookup {
    waiting: Mutex<Vec<(Unchanged, oneshot::Sender<Answer>)>>,
    turns: Semaphore,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }
}

impl Lookup {
    /// The person whose row is as the token says; `None`: look closer.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn find(&self, pool: &PgPool, wanted: Unchanged) -> Answer {
        let (reply, mut answer) = oneshot::channel();
        self.waiting().push((wanted, reply));
        let turn = tokio::select! {
            biased;
            // dropped by one who was cancelled while asking for all
            answered = &mut answer => return answered.unwrap_or(Ok(None)),
            turn = self.turns.acquire() => turn,
        };
        // as many as the server works on at once, at most
        let all = std::mem::take(&mut *self.waiting());
        if !all.is_empty() {
            let (wanted, replies): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            let found = ask(pool, &wanted).await.map_err(Arc::new);
            for (at, reply) in replies.into_iter().enumerate() {
                let theirs = found.as_ref().map(|found| found.get(at).copied().flatten()).map_err(Arc::clone);
                drop(reply.send(theirs)); // who is gone needs no answer
            }
        }
        drop(turn);
        answer.await.unwrap_or(Ok(None))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Unchanged, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(pool: &PgPool, wanted: &[Unchanged]) -> sqlx::Result<Vec<Option<UserId>>> {
    let mut conn = Box::pin(pool.acquire()).await?;
    store::find_all_unchanged(&mut conn, wanted).await
}
