//! SQL for the end of an event: cancelling it, hiding it, removing it.

use chrono::{DateTime, Utc};
use happening_api::{EventId, UserId};
use sqlx::PgConnection;

/// Raises the statement timeout, for a transaction that touches every booking of an event.
pub(crate) async fn allow_long_statements(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set local statement_timeout = '60s'").execute(conn).await.map(drop)
}

/// Closes an event: it takes no new bookings. The seat writer ends the bookings that it has.
pub(crate) async fn close(conn: &mut PgConnection, event: EventId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update events set status = 'cancelled', version = version + 1, updated_at = $2 where id = $1",
        event.0,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Records that bookings of a cancelled event remain to be ended, in portions.
pub(crate) async fn end_later(
    conn: &mut PgConnection,
    event: EventId,
    actor: UserId,
    request_id: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into event_endings (event_id, actor_id, request_id) values ($1, $2, $3) on conflict do nothing",
        event.0,
        actor.0,
        request_id
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether any booking holds or waits for seats.
pub(crate) async fn has_active_bookings(conn: &mut PgConnection, event: EventId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from bookings where event_id = $1 and status <> 'cancelled') as "has!""#,
        event.0
    )
    .fetch_one(conn)
    .await
}

/// Hides an event without active bookings: it takes no bookings, and no list or search shows it.
pub(crate) async fn hide(conn: &mut PgConnection, event: EventId) -> sqlx::Result<()> {
    sqlx::query!("delete from event_endings where event_id = $1", event.0).execute(&mut *conn).await?;
    sqlx::query!(
        "update events set deleted_at = now(), version = version + 1, updated_at = now(),
            status = case when event_status(status, event_date, ends_at, now()) = 'completed' then 'completed' else 'cancelled' end
        where id = $1",
        event.0
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An event that was hidden at least `days` days ago, if there is one.
pub(crate) async fn hidden_for(conn: &mut PgConnection, days: i32) -> sqlx::Result<Option<EventId>> {
    sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where deleted_at < now() - make_interval(days => $1) order by deleted_at limit 1"#,
        days
    )
    .fetch_optional(conn)
    .await
}

/// Removes a hidden event with the rows of its bookings.
pub(crate) async fn remove(conn: &mut PgConnection, event: EventId) -> sqlx::Result<()> {
    sqlx::query!("delete from booking_seats s using bookings b where b.event_id = $1 and s.booking_id = b.id", event.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "delete from booking_history h using bookings b where b.event_id = $1 and h.booking_id = b.id",
        event.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from bookings where event_id = $1", event.0).execute(&mut *conn).await?;
    sqlx::query!("delete from seat_log where event_id = $1", event.0).execute(&mut *conn).await?;
    sqlx::query!("delete from events where id = $1", event.0).execute(conn).await.map(drop)
}
