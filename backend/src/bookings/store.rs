//! The SQL that changes bookings, their seats, history and waitlist, except the batch writer's own statements. What is only
//! shown is read in `lists`, what gates and counts are compared with in `reconcile`.

use chrono::{DateTime, Utc};
use happening_api::{BookingId, BookingStatus, EventId, HistoryAction, HistoryId, OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::Answer;
use super::promote::{Promotion, Waiter};

/// An event's row, locked until the end of the transaction.
#[derive(Clone, Debug)]
pub(crate) struct LockedEvent {
    pub(crate) id: EventId,
    pub(crate) org_id: OrgId,
    pub(crate) total_slots: i32,
    pub(crate) gate_generation: i64,
    pub(crate) waiting_order_last: i64,
    /// By the database's clock, at the time of the lock.
    pub(crate) upcoming: bool,
    /// The event has begun (or ended) by the database's clock.
    pub(crate) started: bool,
    /// The database's clock at the time of the lock.
    pub(crate) now: DateTime<Utc>,
}

/// Locks an event against every other writer of its seats. `None` when there is no such event.
pub(crate) async fn lock_event(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<LockedEvent>> {
    // two statements on purpose: the second one sees what was committed while the first one waited
    sqlx::query!("select 1 as one from events where id = $1 for no key update", event.0)
        .fetch_optional(&mut *conn)
        .await?;
    sqlx::query_as!(
        LockedEvent,
        r#"select id as "id: EventId", org_id as "org_id: OrgId", total_slots, gate_generation, waiting_order_last,
            event_status(status, event_date, ends_at, clock_timestamp()) = 'upcoming' as "upcoming!",
            event_date <= clock_timestamp() as "started!", clock_timestamp() as "now!"
        from events where id = $1"#,
        event.0
    )
    .fetch_optional(conn)
    .await
}

/// Seats of an event that somebody holds, ascending.
pub(crate) async fn booked_seats(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        "select seat_no from booking_seats where event_id = $1 and status = 'booked' order by seat_no",
        event.0
    )
    .fetch_all(conn)
    .await
}

/// The first bookings of the waitlist, without `giver`.
pub(crate) async fn first_waiters(
    conn: &mut PgConnection,
    event: EventId,
    giver: Option<BookingId>,
    count_max: i64,
) -> sqlx::Result<Vec<Waiter>> {
    sqlx::query_as!(
        Waiter,
        r#"select id as "booking: BookingId", user_id as "user: UserId", waiting_seats from bookings
        where event_id = $1 and waiting_order is not null and id is distinct from $2
        order by waiting_order limit $3"#,
        event.0,
        giver.map(|id| id.0),
        count_max
    )
    .fetch_all(conn)
    .await
}

/// Waiting bookings that have no seat row of any status and want at most so many, in joining order. No limit on their
/// number: one whose wish no longer fits is passed over, and must not use up the place of one behind it.
pub(crate) async fn waiters_that_never_held(
    conn: &mut PgConnection,
    event: EventId,
    seats_max: i64,
) -> sqlx::Result<Vec<Waiter>> {
    sqlx::query_as!(
        Waiter,
        r#"select b.id as "booking: BookingId", b.user_id as "user: UserId", b.waiting_seats from bookings b
        where b.event_id = $1 and b.waiting_order is not null and b.waiting_seats <= $2::bigint
            and not exists (select from booking_seats s where s.booking_id = b.id)
        order by b.waiting_order"#,
        event.0,
        seats_max
    )
    .fetch_all(conn)
    .await
}

/// The waitlist: joining order and booking, ascending.
pub(crate) async fn waiting_orders(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Vec<(i64, BookingId)>> {
    let rows = sqlx::query!(
        r#"select waiting_order as "waiting_order!", id from bookings
        where event_id = $1 and waiting_order is not null order by waiting_order"#,
        event.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.waiting_order, row.id.into())).collect())
}

/// Raises the event's generation and counts the unit; `given` seats went from free to held. Answers the seat version.
pub(crate) async fn raise_gate_generation(
    conn: &mut PgConnection,
    event: EventId,
    generation: i64,
    given: i32,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "update events set gate_generation = $2, seat_version = seat_version + 1, available_slots = available_slots - $3
        where id = $1 returning seat_version",
        event.0,
        generation,
        given
    )
    .fetch_one(conn)
    .await
}

/// Counts a unit; `freed` seats went from held to free.
pub(crate) async fn count_unit(conn: &mut PgConnection, event: EventId, freed: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update events set seat_version = seat_version + 1, available_slots = available_slots + $2 where id = $1",
        event.0,
        freed
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lowers what promoted bookings still want; those that want nothing more leave the waitlist.
pub(crate) async fn take_off_waitlist(
    conn: &mut PgConnection,
    promotions: &[Promotion],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = promotions.iter().map(|one| one.booking.0).collect();
    let left: Vec<i32> = promotions.iter().map(|one| one.waiting_left).collect();
    sqlx::query!(
        "update bookings b set status = 'confirmed', waiting_seats = p.waiting_left,
            waiting_order = case when p.waiting_left > 0 then b.waiting_order end, updated_at = $3
        from unnest($1::uuid[], $2::int[]) as p (id, waiting_left) where b.id = p.id",
        &ids,
        &left,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Gives seats to bookings.
pub(crate) async fn insert_seats(
    conn: &mut PgConnection,
    event: EventId,
    seats: &[(BookingId, UserId, i32)],
) -> sqlx::Result<()> {
    let bookings: Vec<Uuid> = seats.iter().map(|(booking, ..)| booking.0).collect();
    let users: Vec<Uuid> = seats.iter().map(|(_, user, _)| user.0).collect();
    let numbers: Vec<i32> = seats.iter().map(|(.., seat)| *seat).collect();
    sqlx::query!(
        "insert into booking_seats (event_id, booking_id, user_id, seat_no)
        select $1, x.* from unnest($2::uuid[], $3::uuid[], $4::int[]) as x",
        event.0,
        &bookings,
        &users,
        &numbers
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A row of the history to be written.
#[derive(Clone, Debug)]
pub(crate) struct HistoryRow {
    pub(crate) id: HistoryId,
    pub(crate) booking: BookingId,
    pub(crate) action: HistoryAction,
    pub(crate) seat_numbers: Vec<i32>,
    pub(crate) actor: Option<UserId>,
    pub(crate) reason: Option<String>,
}

/// Writes history, one row per change, in one round trip: a raised capacity can promote thousands.
pub(crate) async fn insert_history(
    conn: &mut PgConnection,
    event: EventId,
    rows: &[HistoryRow],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, reason, created_at)
        select id, booking_id, $2, action, cardinality(numbers::int[]), numbers::int[], actor_id, reason, $3
        from unnest($1::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[])
        as x (id, booking_id, action, numbers, actor_id, reason)",
        &rows.iter().map(|row| row.id.0).collect::<Vec<_>>(),
        event.0,
        now,
        &rows.iter().map(|row| row.booking.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.action.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| array_literal(&row.seat_numbers)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.actor.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.reason.clone()).collect::<Vec<_>>() as &[Option<String>]
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A list of numbers as Postgres reads it: `unnest` flattens nested arrays.
pub(crate) fn array_literal(numbers: &[i32]) -> String {
    let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    format!("{{{list}}}")
}

/// A booking's own columns, for an operation that holds its event's row.
#[derive(Clone, Debug)]
pub(crate) struct BookingRow {
    pub(crate) id: BookingId,
    pub(crate) event_id: EventId,
    pub(crate) user_id: UserId,
    pub(crate) status: BookingStatus,
    pub(crate) waiting_seats: i32,
}

/// A booking's own columns; `None` when there is no such booking.
pub(crate) async fn find_row(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<Option<BookingRow>> {
    sqlx::query_as!(
        BookingRow,
        r#"select id as "id: BookingId", event_id as "event_id: EventId", user_id as "user_id: UserId",
            status as "status: BookingStatus", waiting_seats from bookings b where id = $1
            and not exists (select from events e where e.id = b.event_id and e.deleted_at is not null)"#,
        booking.0
    )
    .fetch_optional(conn)
    .await
}

/// Seats that a booking holds, ascending.
pub(crate) async fn held_seats(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        "select seat_no from booking_seats where booking_id = $1 and status = 'booked' order by seat_no",
        booking.0
    )
    .fetch_all(conn)
    .await
}

/// Takes seats away from a booking.
pub(crate) async fn release_seats(conn: &mut PgConnection, booking: BookingId, seats: &[i32]) -> sqlx::Result<()> {
    sqlx::query!(
        "update booking_seats set status = 'released' where booking_id = $1 and seat_no = any($2) and status = 'booked'",
        booking.0,
        seats
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends a booking: it holds and wants nothing any more.
pub(crate) async fn end(conn: &mut PgConnection, booking: BookingId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update bookings set status = 'cancelled', waiting_seats = 0, waiting_order = null, updated_at = $2 where id = $1",
        booking.0,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Sets the status of a booking that gave some seats up but goes on.
pub(crate) async fn set_status(
    conn: &mut PgConnection,
    booking: BookingId,
    status: BookingStatus,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update bookings set status = $2, updated_at = $3 where id = $1",
        booking.0,
        status as BookingStatus,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The stored first answer to the creating call of a booking, and what that call's body hashed to.
pub(crate) async fn first_answer(
    conn: &mut PgConnection,
    booking: BookingId,
) -> sqlx::Result<Option<(Vec<u8>, Answer)>> {
    let row = sqlx::query!(
        r#"select b.request_hash, h.answer::text as "answer!" from bookings b
        join booking_history h on h.booking_id = b.id and h.action = 'created' where b.id = $1 and h.answer is not null"#,
        booking.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.request_hash, Answer::kept(row.answer))))
}

/// A claim that was written.
#[derive(Clone, Debug)]
pub(crate) struct FirstClaim {
    booking: BookingId,
    /// The seats that it named.
    asked: Option<i32>,
    pub(crate) answer: Answer,
}

impl FirstClaim {
    /// Whether it was this request.
    pub(crate) fn is_of(&self, booking: BookingId, asked: Option<i32>) -> bool {
        self.booking == booking && self.asked == asked
    }
}

/// The stored answer to a claim, whatever booking it was for.
pub(crate) async fn claim_answer(conn: &mut PgConnection, claim: Uuid) -> sqlx::Result<Option<FirstClaim>> {
    let row = sqlx::query!(
        r#"select booking_id as "booking: BookingId", asked, answer::text as "answer!" from booking_history
        where id = $1 and action = 'claimed' and answer is not null"#,
        claim
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| FirstClaim { booking: row.booking, asked: row.asked, answer: Answer::kept(row.answer) }))
}

/// Seats that a person holds and waits for, over their active bookings of an event.
pub(crate) async fn seats_of_person(conn: &mut PgConnection, event: EventId, user: UserId) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(b.waiting_seats
            + (select count(*) from booking_seats s where s.booking_id = b.id and s.status = 'booked')), 0)::int as "sum!"
        from bookings b where b.user_id = $2 and b.event_id = $1 and b.status <> 'cancelled'"#,
        event.0,
        user.0
    )
    .fetch_one(conn)
    .await
}
