//! `worker`: delivers messages, updates the status of events by the clock, publishes the outbox, audits.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::{Consumer, Publisher};
use crate::clock::Clock;
use crate::config::{Config, WorkerConfig};
use crate::database::{self, schema};
use crate::delivery::{Deliver, Mailer};
use crate::events::{ending, retention};
use crate::metrics;
use crate::outbox::Relay;
use crate::shown::Shown;
use crate::wake::Wake;

const CLOCK_EVERY: Duration = Duration::from_secs(5);
/// How long deleted events are kept. It is longer than the outbox and the retry queues keep a message.
const HIDDEN_DAYS: i32 = 14;
const TIDY_EVERY: Duration = Duration::from_secs(3600);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Works until SIGTERM.
///
/// # Errors
/// When a setting cannot be used.
pub(crate) async fn run(config: &Config, worker: &WorkerConfig) -> anyhow::Result<()> {
    config.log();
    metrics::serve(config.metrics_addr)?;
    let stop = super::stop_on_signal()?;
    let tasks = TaskTracker::new();
    let pool = database::worker_pool(&config.database_url, config.database_connections_max)?;
    let schema = schema::check_at_start(database::operator_pool(&config.database_url)?, stop.clone()).await?;
    if config.relay {
        let wake = Wake::default();
        let relay = Relay { pool: pool.clone(), publisher: Publisher::new(config.rabbitmq_url.clone()), wake };
        tasks.spawn(relay.run(stop.clone()));
    }
    let consumer = Consumer {
        url: config.rabbitmq_url.clone(),
        retry_delays_ms: worker.retry_delays_ms.clone(),
        handler: Deliver { pool: pool.clone(), mailer: Mailer::new(worker)?, links: worker.link.links() },
    };
    tasks.spawn(consumer.run(stop.clone()));
    let audit_pool = database::operator_pool(&config.database_url)?;
    let audit_every = Duration::from_secs(worker.audit_every_s);
    let shown = Shown::reader(config.redis_url.as_str())?;
    tasks.spawn(crate::audit::watch(audit_pool, shown, audit_every, stop.clone()));
    tasks.spawn(tidy(pool.clone(), stop.clone()));
    tasks.spawn(move_events(pool, stop.clone()));
    tracing::info!("working");
    stop.cancelled().await;
    tracing::info!("the worker stops when what it has begun is done");
    tasks.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!("some work was not finished in time; it comes again");
    }
    tracing::info!("stopped");
    if schema.is_finished() { Ok(schema.await??) } else { Ok(()) }
}

/// Updates the status of events by the clock. Reads and bookings compute the status themselves, so a delay here does no harm.
async fn move_events(pool: PgPool, stop: CancellationToken) {
    loop {
        let moved = sqlx::query!(
            "update events set status = event_status(status, event_date, ends_at, now())
            where status in ('upcoming', 'ongoing') and event_date <= now()
                and status <> event_status(status, event_date, ends_at, now())"
        )
        .execute(&pool)
        .await;
        if let Err(error) = moved {
            tracing::debug!(%error, "events are moved later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(CLOCK_EVERY) => {}
        }
    }
}

/// Removes the people of past events, in rounds, until none is left or a round removes none.
async fn forget_people(pool: &PgPool) {
    loop {
        match retention::run(pool, Clock).await {
            Ok(0) => return,
            Ok(events) => tracing::info!(events, "the people of past events were removed"),
            Err(error) => return tracing::warn!(%error, "the people of past events are removed later"),
        }
    }
}

/// Periodically removes rows that are no longer needed.
async fn tidy(pool: PgPool, stop: CancellationToken) {
    loop {
        if let Err(error) = tidy_once(&pool).await {
            tracing::warn!(%error, "old rows are removed later");
        }
        forget_people(&pool).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TIDY_EVERY) => {}
        }
    }
}

/// Removes old rows: Idempotency-Keys (kept for at least a day), ended identities (no session at a sign-in service lasts that long),
/// records of deliveries whose messages no longer exist even as dead letters, and events that were deleted so long ago that every
/// message about them was delivered.
async fn tidy_once(pool: &PgPool) -> sqlx::Result<()> {
    for (table, old) in [
        ("idempotency_keys", "created_at < now() - interval '2 days'"),
        ("ended_identities", "ended_at < now() - interval '90 days'"),
        ("deliveries", "delivered_at < now() - interval '90 days'"),
        (
            "seat_log",
            "event_id in (select id from events where coalesce(ends_at, event_date) < now() - interval '30 days')",
        ),
    ] {
        database::delete_in_chunks(pool, table, old).await?;
    }
    loop {
        let mut tx = pool.begin().await?;
        ending::allow_long_statements(&mut tx).await?;
        let Some(event) = ending::hidden_for(&mut tx, HIDDEN_DAYS).await? else { return Ok(()) };
        ending::remove(&mut tx, event).await?;
        tx.commit().await?;
    }
}
