//! Places on waitlists and orders of lists, answered from states in memory, so that no read grows with the number of bookings.
//!
//! These states are not the writer's: a lane has an event's state for itself while it works. They follow the log in the same way.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use happening_api::EventId;
use happening_seating::EventSeats;
use sqlx::PgConnection;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::states::{self, Known, States};

/// Of all states together.
const BYTES_MAX: usize = 128 << 20;
/// Events that are brought up to their rows at once.
const TURNS: usize = 64;

/// What an event's state is called in its row.
pub(crate) type Name = (i64, Uuid);

/// The reader. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reader {
    states: Arc<Mutex<States>>,
    /// An event's readers come one after the other, so that one of them brings its state up to the row for all.
    turns: Arc<[tokio::sync::Mutex<()>; TURNS]>,
    hasher: std::hash::RandomState,
    loads: Arc<Semaphore>,
}

impl Reader {
    /// `loads`: turns at loading whole states.
    pub(super) fn new(loads: Arc<Semaphore>) -> Self {
        Self {
            states: Arc::new(Mutex::new(States::new(BYTES_MAX))),
            turns: Arc::new(std::array::from_fn(|_| tokio::sync::Mutex::new(()))),
            hasher: std::hash::RandomState::new(),
            loads,
        }
    }

    /// Asks an event's state something. It is the one of that name or, when the rows have gone on, a later one. `None` when there is no
    /// such event.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn ask<T>(
        &self,
        conn: &mut PgConnection,
        event: EventId,
        name: Name,
        question: impl FnOnce(&EventSeats) -> T,
    ) -> sqlx::Result<Option<T>> {
        let turn = self.hasher.hash_one(event) as usize % TURNS;
        let _turn = self.turns[turn].lock().await;
        let known = self.states().take(event);
        let current = match known {
            Some(known) if (known.version, known.head) == name => Some(known),
            Some(known) => continued(conn, event, known).await?,
            None => None,
        };
        let current = match current {
            Some(known) => Some(known),
            None => {
                let _load = self.loads.acquire().await; // never closed
                states::load(conn, event).await?
            }
        };
        let Some(known) = current else { return Ok(None) };
        let answer = question(&known.seats);
        self.states().put(event, known);
        Ok(Some(answer))
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state as the log continues it; `None` when the log has a gap, or continues another history.
async fn continued(conn: &mut PgConnection, event: EventId, mut known: Known) -> sqlx::Result<Option<Known>> {
    let mut tail = states::tail(conn, &[(event, known.version)]).await?.into_iter();
    // the first row must be the state's own
    let own = tail.next().is_some_and(|row| (row.version, row.head) == (known.version, known.head));
    let follows = own && tail.all(|row| states::follow(&mut known, (row.version, row.head), &row.changes));
    known.seats.settle();
    Ok(follows.then_some(known))
}
