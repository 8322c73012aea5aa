//! `reconcile`: recomputes the counts of events from the rows of their bookings, and corrects those that differ.

use happening_api::EventId;
use sqlx::{Acquire, PgPool};

use crate::config::Config;
use crate::database;
use crate::seats::states;

/// Corrects one event after the other, so that bookings can go on. A corrected event gets a new version, so that every process loads
/// its state again.
///
/// # Errors
/// When Postgres is away. An event whose rows contradict each other is reported and left unchanged.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = database::operator_pool(&config.database_url)?;
    let events: Vec<EventId> =
        sqlx::query_scalar!(r#"select id as "id: EventId" from events"#).fetch_all(&pool).await?;
    let mut wrong = 0;
    for event in &events {
        match count(&pool, *event).await {
            Ok(counted) => wrong += usize::from(counted),
            Err(error) => println!("{event} is left as it is: {error:#}"),
        }
    }
    println!("{wrong} of {} events had other counts than their rows say.", events.len());
    Ok(())
}

async fn count(pool: &PgPool, event: EventId) -> anyhow::Result<bool> {
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    sqlx::query!("select 1 as one from events where id = $1 for no key update", event.0)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(known) = states::read(&mut tx, event).await? else { return Ok(false) };
    let waiting = known.seats.waiting();
    let changed = sqlx::query!(
        "update events set available_slots = $2, waiting_bookings = $3, waiting_seats = $4, people = $5,
            seat_version = seat_version + 1, seat_head = gen_random_uuid()
        where id = $1 and (available_slots, waiting_bookings, waiting_seats, people) <> ($2, $3, $4, $5)",
        event.0,
        known.seats.free().cast_signed(),
        i64::from(waiting.bookings),
        i64::from(waiting.seats),
        known.seats.active_people().cast_signed()
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if changed > 0 {
        // the log begins again at the next change
        sqlx::query!("delete from seat_log where event_id = $1", event.0).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(changed > 0)
}
