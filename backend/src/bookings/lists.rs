//! Reads bookings as people see them, and their history.

use chrono::{DateTime, Utc};
use happening_api::{
    ActivityEntry, AuditId, Booking, BookingEvent, BookingId, BookingStatus, BookingUser, Category, EventId,
    EventStatus, HistoryAction, HistoryEntry, HistoryId, OrgId, UserId, WaitlistMove,
};
use happening_seating::Ahead;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::page::Page;
use crate::seats::{Name, Reader};

/// How many changes ahead of a booking are listed; older ones say little about its position now.
const MOVES_MAX: i64 = 50;
/// How many changes of an event are searched for them.
const CHANGES_MAX: i64 = 500;
/// A list's total is counted up to this many rows.
pub(super) const COUNTED_MAX: i64 = 1_000;

/// Which bookings a list holds.
pub(crate) enum Of {
    One(BookingId),
    Person(UserId),
}

struct FullRow {
    id: BookingId,
    event_id: EventId,
    user_id: UserId,
    seats: i32,
    seat_numbers: Vec<i32>,
    waiting_seats: i32,
    status: BookingStatus,
    waiting_number: Option<i32>,
    reassigned: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    seat_version: i64,
    seat_head: Uuid,
    org_id: OrgId,
    event_name: String,
    event_date: DateTime<Utc>,
    place: Option<String>,
    event_status: EventStatus,
    time_zone: String,
    category: Option<Category>,
    available_slots: i32,
}

impl FullRow {
    fn into_booking(mut self, with_event: bool) -> Booking {
        if self.event_status == EventStatus::Cancelled {
            // The bookings of a cancelled event end in portions; those that have not ended yet are already shown as cancelled.
            (self.status, self.waiting_seats) = (BookingStatus::Cancelled, 0);
            self.seat_numbers.clear();
        }
        Booking {
            id: self.id,
            event_id: self.event_id,
            user_id: self.user_id,
            seats: self.seats,
            seat_numbers: self.seat_numbers,
            waiting_seats: self.waiting_seats,
            status: self.status,
            waiting_number: self.waiting_number,
            position: None,
            bookings_ahead: None,
            seats_ahead: None,
            reassigned: self.reassigned,
            created_at: self.created_at,
            updated_at: self.updated_at,
            user: None,
            event: with_event.then_some(BookingEvent {
                id: self.event_id,
                org_id: self.org_id,
                name: self.event_name,
                event_date: self.event_date,
                place: self.place,
                status: self.event_status,
                time_zone: self.time_zone,
                category: self.category,
                available_slots: self.available_slots,
            }),
        }
    }
}

/// A list of bookings, newest first, each with its current position on the waitlist.
pub(crate) async fn list(pool: &PgPool, reader: &Reader, of: &Of, page: &Page) -> sqlx::Result<Vec<Booking>> {
    let (one, person) = match of {
        Of::One(booking) => (Some(booking.0), None),
        Of::Person(user) => (None, Some(user.0)),
    };
    let rows = sqlx::query_as!(
        FullRow,
        r#"select b.id as "id: BookingId", b.event_id as "event_id: EventId", b.user_id as "user_id: UserId", b.seats,
            array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked'
                order by seat_no) as "seat_numbers!",
            b.waiting_seats, b.status as "status: BookingStatus", b.waiting_number, b.reassigned, b.created_at, b.updated_at,
            e.seat_version, e.seat_head, e.org_id as "org_id: OrgId", e.name as event_name, e.event_date, e.place, e.time_zone,
            e.category as "category: Category", e.available_slots,
            event_status(e.status, e.event_date, e.ends_at, now()) as "event_status!: EventStatus"
        from bookings b join events e on e.id = b.event_id
        where (b.id = $1 or b.user_id = $2) and e.deleted_at is null
            and ($3::timestamptz is null or (b.created_at, b.id) < ($3, $4))
        order by b.created_at desc, b.id desc limit $5"#,
        one,
        person,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(pool)
    .await?;
    let with_event = matches!(of, Of::Person(_));
    let mut bookings = Vec::with_capacity(rows.len());
    for row in rows {
        let name = (row.seat_version, row.seat_head);
        let mut booking = row.into_booking(with_event);
        if booking.waiting_seats > 0 {
            let ahead = ahead(reader, booking.event_id, booking.id, name).await?;
            (booking.position, booking.bookings_ahead, booking.seats_ahead) = place(ahead);
        }
        bookings.push(booking);
    }
    Ok(bookings)
}

/// What is ahead of a booking that waits. If its wait ended after its row was read, it was the next one: nothing was ahead.
async fn ahead(reader: &Reader, event: EventId, booking: BookingId, name: Name) -> sqlx::Result<Ahead> {
    let found = reader.ask(event, name, |seats| seats.booking(booking).and_then(|booking| booking.ahead)).await?;
    Ok(found.flatten().unwrap_or(Ahead { bookings: 0, seats: 0 }))
}

/// Position, bookings ahead, seats ahead.
pub(super) fn place(ahead: Ahead) -> (Option<i64>, Option<i64>, Option<i64>) {
    let (bookings, seats) = (i64::from(ahead.bookings), i64::from(ahead.seats));
    (Some(bookings + 1), Some(bookings), Some(seats))
}

/// How many bookings a person has.
pub(crate) async fn count_of_person(conn: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from bookings b join events e on e.id = b.event_id
        where b.user_id = $1 and e.deleted_at is null"#,
        user.0
    )
    .fetch_one(conn)
    .await
}

/// One booking as it is now.
pub(crate) async fn find(pool: &PgPool, reader: &Reader, booking: BookingId) -> sqlx::Result<Option<Booking>> {
    Ok(list(pool, reader, &Of::One(booking), &Page::single()).await?.pop())
}

/// A booking's history, newest first.
pub(crate) async fn history(
    conn: &mut PgConnection,
    booking: BookingId,
    page: &Page,
) -> sqlx::Result<Vec<HistoryEntry>> {
    sqlx::query_as!(
        HistoryEntry,
        r#"select id as "id: HistoryId", action as "action: HistoryAction", seats, seat_numbers,
            actor_id as "actor_id: UserId", reason, created_at
        from booking_history where booking_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
        order by created_at desc, id desc limit $4"#,
        booking.0,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await
}

/// How many entries a booking's history has.
pub(crate) async fn count_history(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from booking_history where booking_id = $1"#, booking.0)
        .fetch_one(conn)
        .await
}

/// The latest changes ahead of a booking that waits, newest first: what happened, since the booking joined, to bookings that were
/// ahead of it. Empty for a booking that does not wait. Only the last 500 changes of the event are searched.
pub(crate) async fn moves(pool: &PgPool, reader: &Reader, booking: BookingId) -> sqlx::Result<Vec<WaitlistMove>> {
    let me = sqlx::query!(
        r#"select b.event_id as "event_id: EventId", b.created_at, b.waiting_number, e.seat_version, e.seat_head
        from bookings b join events e on e.id = b.event_id where b.id = $1 and b.waiting_order is not null"#,
        booking.0
    )
    .fetch_optional(pool)
    .await?;
    let Some(me) = me else { return Ok(Vec::new()) };
    let rows = sqlx::query!(
        r#"select h.action as "action!: HistoryAction", h.seat_numbers as "seat_numbers!", h.created_at as "created_at!",
            case h.action when 'cancelled' then 0 else b.seats - got.seats end as "still_waits_for!"
        from (select * from booking_history where event_id = $1 and created_at > $2 and action in ('promoted', 'claimed', 'cancelled')
            order by created_at desc, id desc limit $4) as h
        join bookings b on b.id = h.booking_id and b.waiting_number is not null and (b.created_at, b.waiting_number) < ($2, $3)
        cross join lateral (select coalesce(sum(x.seats), 0)::int as seats from booking_history x where x.booking_id = h.booking_id
            and x.action in ('promoted', 'claimed') and (x.created_at, x.id) <= (h.created_at, h.id)) as got
        -- who had all its seats had left already
        where h.action <> 'cancelled' or got.seats < b.seats
        order by h.created_at desc, h.id desc limit $5"#,
        me.event_id.0,
        me.created_at,
        me.waiting_number,
        CHANGES_MAX,
        MOVES_MAX
    )
    .fetch_all(pool)
    .await?;
    let ahead = ahead(reader, me.event_id, booking, (me.seat_version, me.seat_head)).await?;
    let mut place = i64::from(ahead.bookings) + 1;
    let moves = rows.into_iter().map(|row| {
        let to = place;
        place += i64::from(row.still_waits_for == 0);
        WaitlistMove {
            action: row.action,
            seat_numbers: if row.action == HistoryAction::Cancelled { Vec::new() } else { row.seat_numbers },
            still_waits_for: row.still_waits_for,
            from: place,
            to,
            created_at: row.created_at,
        }
    });
    Ok(moves.collect())
}

/// A person's name and e-mail address, for the event's staff.
pub(crate) async fn person(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Option<BookingUser>> {
    sqlx::query_as!(BookingUser, "select name, email from users where id = $1", user.0).fetch_optional(conn).await
}

/// What happened to an event and its bookings, newest first.
pub(crate) async fn activity(conn: &mut PgConnection, event: EventId, page: &Page) -> sqlx::Result<Vec<ActivityEntry>> {
    let rows = sqlx::query!(
        r#"with booked as (
            select id, booking_id, 'booking_' || action as action, actor_id, seat_numbers, reason, created_at from booking_history
            where event_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
            order by created_at desc, id desc limit $4
        ), logged as (
            select id, action, actor_id, details, created_at from audit_log where subject_type = 'event' and subject_id = $1
                and org_id = (select org_id from events where id = $1)
                and ($2::timestamptz is null or (created_at, id) < ($2, $3))
            order by created_at desc, id desc limit $4
        )
        select x.id as "id!", x.action as "action!", x.actor_id, a.name as "actor?", x.booking_id, u.name as "person?",
            x.seat_numbers as "seat_numbers!", x.reason, x.details, x.created_at as "created_at!"
        from (
            select id, action, actor_id, booking_id, seat_numbers, reason, '{}'::jsonb as details, created_at from booked
            union all
            select id, action, actor_id, null, '{}', null, details, created_at from logged
        ) as x
        left join users a on a.id = x.actor_id
        left join bookings b on b.id = x.booking_id
        left join users u on u.id = b.user_id
        order by x.created_at desc, x.id desc limit $4"#,
        event.0,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ActivityEntry {
            id: AuditId(row.id),
            action: row.action,
            actor_id: row.actor_id.map(UserId),
            actor: row.actor,
            booking_id: row.booking_id.map(BookingId),
            person: row.person,
            seat_numbers: row.seat_numbers,
            reason: row.reason,
            details: row.details.unwrap_or_default(),
            created_at: row.created_at,
        })
        .collect())
}

/// How many entries the activity has; at most 1,000 are counted.
pub(crate) async fn count_activity(conn: &mut PgConnection, event: EventId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select least($2, (select count(*) from (select from booking_history where event_id = $1 limit $2) as h)
            + (select count(*) from (select from audit_log l where l.subject_type = 'event' and l.subject_id = $1
                and l.org_id = (select org_id from events where id = $1) limit $2) as a)) as "count!""#,
        event.0,
        COUNTED_MAX
    )
    .fetch_one(conn)
    .await
}
