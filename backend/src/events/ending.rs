//! SQL of how events end: cancelled with their bookings, hidden, removed.

use chrono::{DateTime, Utc};
use happening_api::{EventId, UserId};
use sqlx::PgConnection;

/// For a transaction that touches every booking of an event.
pub(crate) async fn allow_long_statements(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set local statement_timeout = '60s'").execute(conn).await.map(drop)
}

/// Ends an event and its active bookings, with a row of history and a message for each; the seat writer counts. Answers how many
/// there were.
pub(crate) async fn cancel(
    conn: &mut PgConnection,
    event: EventId,
    actor: UserId,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<i64> {
    let bookings = sqlx::query_scalar!(
        r#"with active as (
            select b.id, b.user_id, array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked'
                order by seat_no) as seats
            from bookings b where b.event_id = $1 and b.status <> 'cancelled'
        ), freed as (
            update booking_seats set status = 'released' where event_id = $1 and status = 'booked'
        ), ended as (
            update bookings b set status = 'cancelled', waiting_seats = 0, waiting_order = null, updated_at = $3
            from active a where b.id = a.id
        ), history as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
            select time_ordered_id($3), id, $1, 'cancelled', cardinality(seats), seats, $2, $3 from active
        ), told as (
            insert into outbox (id, payload, created_at)
            select x.id, json_build_object('id', x.id, 'type', 'event_cancelled', 'eventId', $1::uuid, 'userId', x.user_id,
                'bookingId', x.booking, 'seats', cardinality(x.seats), 'seatNumbers', to_json(x.seats), 'occurredAt', $3::timestamptz,
                'requestId', $4::text), $3
            from (select time_ordered_id($3) as id, id as booking, user_id, seats from active) as x
        )
        select count(*) as "count!" from active"#,
        event.0,
        actor.0,
        now,
        request_id
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update events set status = 'cancelled', version = version + 1, updated_at = $2 where id = $1",
        event.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(bookings)
}

/// Whether somebody holds or waits for seats.
pub(crate) async fn has_active_bookings(conn: &mut PgConnection, event: EventId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from bookings where event_id = $1 and status <> 'cancelled') as "has!""#,
        event.0
    )
    .fetch_one(conn)
    .await
}

/// Hides an event. Its row takes no bookings any more, and nobody finds it.
pub(crate) async fn hide(conn: &mut PgConnection, event: EventId) -> sqlx::Result<()> {
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

/// An event that was hidden so many days ago, if there is one.
pub(crate) async fn hidden_for(conn: &mut PgConnection, days: i32) -> sqlx::Result<Option<EventId>> {
    sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where deleted_at < now() - make_interval(days => $1) order by deleted_at limit 1"#,
        days
    )
    .fetch_optional(conn)
    .await
}

/// Removes a hidden event with what is left of its bookings.
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
