//! `reconcile`: rebuilds what can be rebuilt: the gate of every upcoming event.

use crate::bookings::store;
use crate::clock::Clock;
use crate::config::Config;
use crate::database;
use crate::gate::{Gate, Rebuilder};
use crate::outbox::RelayWake;

/// Rebuilds.
///
/// # Errors
/// When Postgres or Redis is away.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = database::operator_pool(&config.database_url)?;
    let gate = Gate::new(config.redis_url.as_str())?;
    let rebuilder = Rebuilder::new(pool.clone(), gate.clone(), Clock, RelayWake::default());
    let events = store::upcoming_event_ids(&mut *pool.acquire().await?).await?;
    for event in &events {
        let bad = gate.generation(*event).await?.unwrap_or(0);
        rebuilder.rebuild(*event, bad).await?;
    }
    println!("{} gates were rebuilt.", events.len());
    Ok(())
}
