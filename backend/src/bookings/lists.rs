//! The SQL that reads bookings as they are shown: to their people, and to an event's staff.

use chrono::{DateTime, Utc};
use happening_api::{
    ActivityEntry, AuditId, Booking, BookingEvent, BookingId, BookingStatus, BookingUser, Category, EventId,
    EventStatus, HistoryAction, HistoryEntry, HistoryId, OrgId, UserId, WaitlistMove,
};
use sqlx::PgConnection;

use crate::page::Page;

/// Moves that are told; older ones say little to who waits now.
const MOVES_MAX: i64 = 50;

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
    bookings_ahead: i64,
    seats_ahead: i64,
    reassigned: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
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
            // the rows of a large event follow in portions
            (self.status, self.waiting_seats) = (BookingStatus::Cancelled, 0);
            self.seat_numbers.clear();
        }
        let waits = self.waiting_seats > 0;
        Booking {
            id: self.id,
            event_id: self.event_id,
            user_id: self.user_id,
            seats: self.seats,
            seat_numbers: self.seat_numbers,
            waiting_seats: self.waiting_seats,
            status: self.status,
            waiting_number: self.waiting_number,
            position: waits.then_some(self.bookings_ahead + 1),
            bookings_ahead: waits.then_some(self.bookings_ahead),
            seats_ahead: waits.then_some(self.seats_ahead),
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

/// Bookings newest first, each with its place on the waitlist as it is now.
pub(crate) async fn list(conn: &mut PgConnection, of: &Of, page: &Page) -> sqlx::Result<Vec<Booking>> {
    let (one, person) = match of {
        Of::One(booking) => (Some(booking.0), None),
        Of::Person(user) => (None, Some(user.0)),
    };
    let rows = sqlx::query_as!(
        FullRow,
        r#"select b.id as "id: BookingId", b.event_id as "event_id: EventId", b.user_id as "user_id: UserId", b.seats,
            array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked'
                order by seat_no) as "seat_numbers!",
            b.waiting_seats, b.status as "status: BookingStatus", b.waiting_number,
            ahead.bookings as "bookings_ahead!", ahead.seats as "seats_ahead!", b.reassigned, b.created_at, b.updated_at,
            e.org_id as "org_id: OrgId", e.name as event_name, e.event_date, e.place, e.time_zone,
            e.category as "category: Category", e.available_slots,
            event_status(e.status, e.event_date, e.ends_at, now()) as "event_status!: EventStatus"
        from bookings b join events e on e.id = b.event_id
        cross join lateral (select count(*) as bookings, coalesce(sum(w.waiting_seats), 0) as seats from bookings w
            where w.event_id = b.event_id and w.waiting_order < b.waiting_order) as ahead
        where (b.id = $1 or b.user_id = $2) and e.deleted_at is null
            and ($3::timestamptz is null or (b.created_at, b.id) < ($3, $4))
        order by b.created_at desc, b.id desc limit $5"#,
        one,
        person,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await?;
    let with_event = matches!(of, Of::Person(_));
    Ok(rows.into_iter().map(|row| row.into_booking(with_event)).collect())
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
pub(crate) async fn find(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<Option<Booking>> {
    Ok(list(conn, &Of::One(booking), &Page::single()).await?.pop())
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

/// How many changes a booking has seen.
pub(crate) async fn count_history(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from booking_history where booking_id = $1"#, booking.0)
        .fetch_one(conn)
        .await
}

/// The latest changes ahead of a booking that waits, newest first: what happened, since it joined, to those who joined before
/// it and waited then. Nothing for a booking that does not wait.
pub(crate) async fn moves(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<Vec<WaitlistMove>> {
    let rows = sqlx::query!(
        r#"with me as (
            select event_id, created_at, waiting_number, waiting_order from bookings where id = $1 and waiting_order is not null
        ), steps as (
            select h.action, h.seat_numbers, h.created_at, h.id, b.seats as wanted, me.created_at as joined_at, coalesce(sum(
                case when h.action in ('promoted', 'claimed') then h.seats end) over (
                partition by b.id order by h.created_at, h.id), 0)::int as got
            from me join bookings b on b.event_id = me.event_id and b.waiting_number is not null
                and (b.created_at, b.waiting_number) < (me.created_at, me.waiting_number)
            join booking_history h on h.booking_id = b.id and h.action in ('promoted', 'claimed', 'cancelled')
        )
        select action as "action!: HistoryAction", seat_numbers as "seat_numbers!", created_at as "created_at!",
            case action when 'cancelled' then 0 else wanted - got end as "still_waits_for!",
            (select count(*) + 1 from bookings o, me where o.event_id = me.event_id and o.waiting_order < me.waiting_order)
                as "position!"
        from steps
        -- who had all its seats had left already
        where created_at > joined_at and (action <> 'cancelled' or got < wanted)
        order by created_at desc, id desc limit $2"#,
        booking.0,
        MOVES_MAX
    )
    .fetch_all(conn)
    .await?;
    let mut place = rows.first().map_or(1, |row| row.position);
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

/// A person as an event's staff see them.
pub(crate) async fn person(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Option<BookingUser>> {
    sqlx::query_as!(BookingUser, "select name, email from users where id = $1", user.0).fetch_optional(conn).await
}

/// A booking of an event as its staff see it, and its place in their list.
#[derive(Clone, Debug)]
pub(crate) struct BoardRow {
    pub(crate) booking: Booking,
    /// Confirmed by lowest seat, then waiting by position, then cancelled newest first.
    pub(crate) place: String,
}

/// The bookings of an event for its staff; `only_waiting`: those that still want seats, by position.
pub(crate) async fn of_event(
    conn: &mut PgConnection,
    event: EventId,
    only_waiting: bool,
    page: &Page,
) -> sqlx::Result<Vec<BoardRow>> {
    of_event_at_most(conn, event, only_waiting, page.after_name(), page.rows_wanted()).await
}

/// All of them, for an export.
pub(crate) async fn all_of_event(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Vec<BoardRow>> {
    of_event_at_most(conn, event, false, None, i64::MAX).await
}

async fn of_event_at_most(
    conn: &mut PgConnection,
    event: EventId,
    only_waiting: bool,
    after: Option<String>,
    rows_max: i64,
) -> sqlx::Result<Vec<BoardRow>> {
    let rows = sqlx::query!(
        r#"with held as (
            select booking_id, array_agg(seat_no order by seat_no) as seats from booking_seats
            where event_id = $1 and status = 'booked' group by booking_id
        ), ahead as (
            select id, row_number() over (order by waiting_order) - 1 as bookings,
                coalesce(sum(waiting_seats) over (order by waiting_order rows between unbounded preceding and 1 preceding), 0)
                    as seats
            from bookings where event_id = $1 and waiting_order is not null
        ), shown as (
            select b.id, b.user_id, b.seats, b.waiting_seats, b.status, b.waiting_number, b.reassigned, b.created_at,
                b.updated_at, coalesce(held.seats, '{}') as seat_numbers, ahead.bookings as bookings_ahead,
                ahead.seats as seats_ahead, (case
                    when b.status = 'confirmed' and not $4 then '0' || lpad(coalesce(held.seats[1], 0)::text, 19, '0')
                    when b.waiting_order is not null then '1' || lpad(coalesce(b.waiting_order, 0)::text, 19, '0')
                    else '2' || lpad((9000000000000000 - (extract(epoch from b.updated_at) * 1000000)::bigint)::text, 19, '0')
                end || b.id) collate "C" as place
            from bookings b left join held on held.booking_id = b.id left join ahead on ahead.id = b.id
            where b.event_id = $1 and (not $4 or b.waiting_order is not null)
        )
        select s.id as "id: BookingId", s.user_id as "user_id: UserId", s.seats, s.waiting_seats,
            s.status as "status: BookingStatus", s.waiting_number, s.reassigned, s.created_at, s.updated_at,
            s.seat_numbers as "seat_numbers!", s.bookings_ahead, s.seats_ahead, s.place as "place!",
            u.name as user_name, u.email as user_email
        from shown s join users u on u.id = s.user_id
        where $2::text is null or s.place > $2 order by s.place limit $3"#,
        event.0,
        after,
        rows_max,
        only_waiting
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BoardRow {
            place: row.place,
            booking: Booking {
                id: row.id,
                event_id: event,
                user_id: row.user_id,
                seats: row.seats,
                seat_numbers: row.seat_numbers,
                waiting_seats: row.waiting_seats,
                status: row.status,
                waiting_number: row.waiting_number,
                position: row.bookings_ahead.map(|ahead| ahead + 1),
                bookings_ahead: row.bookings_ahead,
                seats_ahead: row.seats_ahead,
                reassigned: row.reassigned,
                created_at: row.created_at,
                updated_at: row.updated_at,
                user: Some(BookingUser { name: row.user_name, email: row.user_email }),
                event: None,
            },
        })
        .collect())
}

/// How many bookings an event has, or how many of them still want seats.
pub(crate) async fn count_of_event(conn: &mut PgConnection, event: EventId, only_waiting: bool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from bookings where event_id = $1 and (not $2 or waiting_order is not null)"#,
        event.0,
        only_waiting
    )
    .fetch_one(conn)
    .await
}

/// What happened to an event and its bookings, newest first.
pub(crate) async fn activity(conn: &mut PgConnection, event: EventId, page: &Page) -> sqlx::Result<Vec<ActivityEntry>> {
    let rows = sqlx::query!(
        r#"select id as "id!", action as "action!", actor_id, actor, booking_id, person, seat_numbers as "seat_numbers!",
            reason, details, created_at as "created_at!" from (
            select h.id, 'booking_' || h.action as action, h.actor_id, a.name as actor, h.booking_id, u.name as person,
                h.seat_numbers, h.reason, '{}'::jsonb as details, h.created_at
            from bookings b join booking_history h on h.booking_id = b.id join users u on u.id = b.user_id
                left join users a on a.id = h.actor_id where b.event_id = $1
            union all
            select l.id, l.action, l.actor_id, a.name, null, null, '{}', null, l.details, l.created_at
            from audit_log l left join users a on a.id = l.actor_id where l.subject_type = 'event' and l.subject_id = $1
                and l.org_id = (select org_id from events where id = $1)
        ) as x where $2::timestamptz is null or (created_at, id) < ($2, $3)
        order by created_at desc, id desc limit $4"#,
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

/// How many entries the activity has.
pub(crate) async fn count_activity(conn: &mut PgConnection, event: EventId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select (select count(*) from bookings b join booking_history h on h.booking_id = b.id where b.event_id = $1)
            + (select count(*) from audit_log l where l.subject_type = 'event' and l.subject_id = $1
                and l.org_id = (select org_id from events where id = $1)) as "count!""#,
        event.0
    )
    .fetch_one(conn)
    .await
}
