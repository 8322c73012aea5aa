//! What the rows say that gates and counted numbers have to agree with.

use std::collections::HashMap;

use happening_api::EventId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::gate::watcher::RowNumbers;

/// Upcoming events by the database's clock.
pub(crate) async fn upcoming_event_ids(conn: &mut PgConnection) -> sqlx::Result<Vec<EventId>> {
    sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where status = 'upcoming' and event_date > clock_timestamp()"#
    )
    .fetch_all(conn)
    .await
}

/// Events whose number of free seats is not what their rows say, at this moment.
pub(crate) async fn miscounted_event_ids(conn: &mut PgConnection) -> sqlx::Result<Vec<EventId>> {
    sqlx::query_scalar!(
        r#"select e.id as "id: EventId" from events e left join (select event_id, count(*) as booked from booking_seats
            where status = 'booked' group by 1) s on s.event_id = e.id
        where e.available_slots <> e.total_slots - coalesce(s.booked, 0)"#
    )
    .fetch_all(conn)
    .await
}

/// Counts the free seats of a locked event anew; answers whether the number was another one.
pub(crate) async fn count_free_seats(conn: &mut PgConnection, event: EventId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update events e set available_slots = s.free
        from (select total_slots - (select count(*) from booking_seats where event_id = $1 and status = 'booked')::int as free
            from events where id = $1) s
        where e.id = $1 and e.available_slots <> s.free",
        event.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What ties the rows of upcoming events to their gates. Events that are not upcoming are missing from the answer.
pub(crate) async fn gate_numbers(
    conn: &mut PgConnection,
    events: &[EventId],
) -> sqlx::Result<HashMap<EventId, RowNumbers>> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows = sqlx::query!(
        r#"select id, gate_generation, seat_version,
            exists (select from bookings b where b.event_id = e.id and b.waiting_order is not null) as "someone_waits!"
        from events e where id = any($1) and status = 'upcoming' and event_date > clock_timestamp()"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let numbers = RowNumbers {
                gate_generation: row.gate_generation,
                seat_version: row.seat_version,
                someone_waits: row.someone_waits,
            };
            (row.id.into(), numbers)
        })
        .collect())
}
