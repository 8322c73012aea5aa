//! Fills events with many bookings by writing rows, since booking through the server would take minutes.

use anyhow::Result;
use happening_api::Event;
use happening_tests::{Client, World};

/// How many bookings of each kind an event has.
pub(super) struct Size {
    pub(super) name: &'static str,
    pub(super) holding: i32,
    pub(super) waiting: i32,
    pub(super) cancelled: i32,
}

/// Writes people and bookings as rows. Run `reconcile` afterwards to correct the event's counts.
///
/// # Errors
/// When a statement fails.
pub(super) async fn fill(world: &World, ada: &Client, event: &Event, size: &Size) -> Result<()> {
    let all = size.holding + size.waiting + size.cancelled;
    let people =
        "insert into users (id, keycloak_id, name, email) select gen_random_uuid(), $1::text || n, 'Guest ' || n,
        n || '@happening.invalid' from generate_series(1, $2) as n";
    sqlx::query(people).bind(event.id.to_string()).bind(all).execute(&world.pool).await?;
    // the last waiting booking belongs to the owner
    let bookings = "with guests as (
            select id, row_number() over (order by id) as n from users where keycloak_id like $1::text || '%'
        ), rows as (
            select time_ordered_id(now() + make_interval(secs => n::int / 1000.0)) as id, n, now() + make_interval(secs => n::int / 1000.0) as at,
                case when n = $2 + $3 then $5 else id end as person,
                case when n <= $2 then 'confirmed' when n <= $2 + $3 then 'waiting' else 'cancelled' end as status from guests
        ), b as (
            insert into bookings (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, request_hash, created_at, updated_at)
            select id, $4, person, 1, (status = 'waiting')::int, case status when 'waiting' then n - $2 end,
                case status when 'waiting' then n - $2 end, status, '', at, at from rows
        ), s as (
            insert into booking_seats (event_id, booking_id, user_id, seat_no, status)
            select $4, id, person, n, 'booked' from rows where status = 'confirmed'
        ), c as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
            select gen_random_uuid(), id, $4, 'created', 1, case status when 'confirmed' then array[n::int] else '{}' end, person, at from rows
        ), o as (
            insert into outbox (id, payload, created_at, published_at)
            select id, json_build_object('bookingId', id, 'type', 'booking_confirmed'), at, null::timestamptz from rows
            union all
            select gen_random_uuid(), json_build_object('bookingId', id, 'type', 'booking_cancelled'), at, null from rows where status = 'cancelled'
        )
        insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
        select gen_random_uuid(), id, $4, 'cancelled', 0, '{}', person, at + interval '1 minute' from rows where status = 'cancelled'";
    sqlx::query(bookings)
        .bind(event.id.to_string())
        .bind(size.holding)
        .bind(size.waiting)
        .bind(event.id.0)
        .bind(ada.user.id.0)
        .execute(&world.pool)
        .await?;
    sqlx::query("update events set waiting_order_last = $2 where id = $1")
        .bind(event.id.0)
        .bind(i64::from(size.waiting))
        .execute(&world.pool)
        .await?;
    Ok(())
}
