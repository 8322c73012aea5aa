//! Removes the people of past events, once the retention time of the organization has passed. The bookings keep their seats and
//! times, but no longer belong to a person.

use happening_api::{EventId, OrgId};
use sqlx::{PgConnection, PgPool};

use crate::audit_log::{self, Entry};
use crate::clock::Clock;

/// How many events one round handles; the rest waits for the next round.
const EVENTS_MAX: i64 = 100;

/// Finds events whose retention time has passed, and removes their people, each in a transaction of its own. Returns the number of
/// events done.
///
/// # Errors
/// When the database fails; what was removed stays removed.
pub(crate) async fn run(pool: &PgPool, clock: Clock) -> sqlx::Result<usize> {
    let due = sqlx::query!(
        r#"select e.id as "id: EventId", e.org_id as "org_id: OrgId" from organizations o join events e on e.org_id = o.id
        where o.retention_days is not null and e.people_removed_at is null
            and event_status(e.status, e.event_date, e.ends_at, now()) in ('completed', 'cancelled')
            and coalesce(e.ends_at, e.event_date) < now() - make_interval(days => o.retention_days)
        order by e.event_date limit $1"#,
        EVENTS_MAX
    )
    .fetch_all(pool)
    .await?;
    let mut done = 0;
    for event in &due {
        // a failure at one event must not block the others
        match forget(pool, event.id, event.org_id, clock).await {
            Ok(()) => done += 1,
            Err(error) => tracing::warn!(event = %event.id, %error, "the people of an event are removed later"),
        }
    }
    Ok(done)
}

async fn forget(pool: &PgPool, event: EventId, org: OrgId, clock: Clock) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    super::ending::allow_long_statements(&mut tx).await?;
    if let Some(bookings) = remove(&mut tx, event).await? {
        let details = serde_json::json!({ "bookings": bookings });
        let entry = Entry { action: "people_removed", subject_type: "event", subject: event.0, details };
        audit_log::write(&mut tx, org, None, &entry, clock).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Returns how many bookings were changed; `None` when another worker has done this event.
async fn remove(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<i64>> {
    // a new head, so that no process continues a state in memory that contains the people
    let mine = sqlx::query!(
        "update events set people_removed_at = now(), seat_version = seat_version + 1, seat_head = gen_random_uuid()
        where id = $1 and people_removed_at is null",
        event.0
    )
    .execute(&mut *conn)
    .await?;
    if mine.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!("delete from seat_log where event_id = $1", event.0).execute(&mut *conn).await?;
    let bookings = sqlx::query_scalar!(
        r#"with nobody as (select '00000000-0000-0000-0000-000000000000'::uuid as id), history as (
            update booking_history h set actor_id = case when h.actor_id is null then null else nobody.id end, reason = null,
                answer = null
            from bookings b, nobody where b.event_id = $1 and h.booking_id = b.id
        ), seats as (
            update booking_seats s set user_id = nobody.id from bookings b, nobody where b.event_id = $1 and s.booking_id = b.id
        ), told as (
            delete from notifications where event_id = $1
        ), changed as (
            update bookings set user_id = nobody.id from nobody where event_id = $1 returning 1
        )
        select count(*) as "count!" from changed"#,
        event.0
    )
    .fetch_one(conn)
    .await?;
    Ok(Some(bookings))
}
