//! `reconcile`: makes anew what follows from other rows: the number of free seats of every event, and the gate of every upcoming
//! one.

use sqlx::PgPool;

use crate::bookings::{reconcile, store};
use crate::clock::Clock;
use crate::config::Config;
use crate::database;
use crate::gate::{Gate, Rebuilder};
use crate::outbox::RelayWake;

/// Counts and rebuilds.
///
/// # Errors
/// When Postgres or Redis is away.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = database::operator_pool(&config.database_url)?;
    let gate = Gate::new(config.redis_url.as_str())?;
    println!("{} events had another number of free seats than their rows say.", count_free_seats(&pool).await?);
    let rebuilder = Rebuilder::new(pool.clone(), gate.clone(), Clock, RelayWake::default());
    let events = reconcile::upcoming_event_ids(&mut *pool.acquire().await?).await?;
    for event in &events {
        let bad = gate.generation(*event).await?.unwrap_or(0);
        rebuilder.rebuild(*event, bad).await?;
    }
    println!("{} gates were rebuilt.", events.len());
    Ok(())
}

/// Counts one event after the other, so that bookings go on; answers how many were wrong.
async fn count_free_seats(pool: &PgPool) -> sqlx::Result<usize> {
    let mut wrong = 0;
    for event in reconcile::miscounted_event_ids(&mut *pool.acquire().await?).await? {
        let mut tx = pool.begin().await?;
        store::lock_event(&mut tx, event).await?;
        wrong += usize::from(reconcile::count_free_seats(&mut tx, event).await?);
        tx.commit().await?;
    }
    Ok(wrong)
}
