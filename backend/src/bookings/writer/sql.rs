//! The statements of a batch. The lock and the looks are separate statements on purpose: one statement would look with
//! a snapshot that is older than the lock.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use happening_api::{Booking, BookingId, BookingStatus, EventId, Message, MessageId, NotificationType, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Item, Kind};
use crate::bookings::answer::Answer;
use crate::bookings::store::{self, FirstClaim};
use crate::clock::Clock;

/// A locked event, and what the batch adds to it.
#[derive(Clone, Debug)]
pub(super) struct EventRow {
    pub(super) id: EventId,
    pub(super) gate_generation: i64,
    pub(super) waiting_order_last: i64,
    pub(super) public: bool,
    pub(super) max_seats_per_user: Option<i32>,
    /// By the database's clock, after the lock was had.
    pub(super) upcoming: bool,
    pub(super) now: DateTime<Utc>,
    pub(super) units: i64,
    pub(super) seats_taken: i32,
}

/// What the rows say about a booking that is to be created.
#[derive(Debug)]
pub(super) struct CreateFacts {
    /// It is there already: hash of the first request, and its answer unless that was forgotten with the people of a past event.
    pub(super) first: Option<(Vec<u8>, Option<Answer>)>,
    pub(super) member: bool,
    /// Seats that the person holds and waits for; counted only when the event has a limit.
    pub(super) have: i32,
}

/// What the rows say about a claim.
#[derive(Debug)]
pub(super) struct ClaimFacts {
    /// It is there already: its answer.
    pub(super) first: Option<FirstClaim>,
    pub(super) member: bool,
    pub(super) booking: Booking,
}

/// How many wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WaitlistCount {
    pub(super) bookings: i64,
    pub(super) seats: i64,
}

/// Locks the events in the order of their ids, then reads them.
pub(super) async fn lock_events(conn: &mut PgConnection, ids: &[EventId]) -> sqlx::Result<HashMap<EventId, EventRow>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select id, gate_generation, waiting_order_last, visibility = 'public' as "public!", max_seats_per_user,
            event_status(status, event_date, ends_at, clock_timestamp()) = 'upcoming' as "upcoming!",
            clock_timestamp() as "now!"
        from events where id = any($1) order by id for no key update"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let event = |row: EventRow| (row.id, row);
    Ok(rows
        .into_iter()
        .map(|row| EventRow {
            id: row.id.into(),
            gate_generation: row.gate_generation,
            waiting_order_last: row.waiting_order_last,
            public: row.public,
            max_seats_per_user: row.max_seats_per_user,
            upcoming: row.upcoming,
            now: row.now,
            units: 0,
            seats_taken: 0,
        })
        .map(event)
        .collect())
}

/// Looks at what the creating items would meet. One key can be sent to two events at once: what is true at one event says
/// nothing about the other.
pub(super) async fn look_creates(
    conn: &mut PgConnection,
    items: &[Item],
) -> sqlx::Result<HashMap<(EventId, BookingId), CreateFacts>> {
    let (mut bookings, mut events, mut users) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        if matches!(item.kind, Kind::Create { .. }) {
            bookings.push(item.hold.key);
            events.push(item.event.0);
            users.push(item.user.0);
        }
    }
    if bookings.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select i.id as "id!", i.event_id as "event_id!", b.request_hash as "request_hash?", h.answer::text as "answer?",
            (m.user_id is not null) as "member!",
            case when e.max_seats_per_user is null then 0 else (
                select coalesce(sum(o.waiting_seats + (select count(*) from booking_seats s
                    where s.booking_id = o.id and s.status = 'booked')), 0)::int
                from bookings o where o.user_id = i.user_id and o.event_id = i.event_id and o.status <> 'cancelled') end as "have!"
        from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as i (id, event_id, user_id)
        join events e on e.id = i.event_id
        join users u on u.id = i.user_id and u.deleted_at is null
        left join bookings b on b.id = i.id
        left join booking_history h on h.booking_id = b.id and h.action = 'created'
        left join organization_users m on m.org_id = e.org_id and m.user_id = i.user_id"#,
        &bookings,
        &events,
        &users
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            // the answer of a past event is forgotten with its people
            let first = row.request_hash.map(|hash| (hash, row.answer.map(Answer::kept)));
            ((row.event_id.into(), row.id.into()), CreateFacts { first, member: row.member, have: row.have })
        })
        .collect())
}

/// Looks at what the claims would meet. One key can be sent for two bookings at once, as above.
pub(super) async fn look_claims(
    conn: &mut PgConnection,
    items: &[Item],
) -> sqlx::Result<HashMap<(BookingId, Uuid), ClaimFacts>> {
    let mut found = HashMap::new();
    for item in items {
        let Kind::Claim { booking, .. } = &item.kind else { continue };
        let Some(booking) = crate::bookings::lists::find(conn, *booking).await? else { continue };
        let first = store::claim_answer(conn, item.hold.key).await?;
        let member = sqlx::query_scalar!(
            r#"select exists (select from events e join organization_users m on m.org_id = e.org_id
                where e.id = $1 and m.user_id = $2) as "member!""#,
            item.event.0,
            item.user.0
        )
        .fetch_one(&mut *conn)
        .await?;
        found.insert((booking.id, item.hold.key), ClaimFacts { first, member, booking });
    }
    Ok(found)
}

/// Counts who waits at the events that somebody joins.
pub(super) async fn count_waitlists(
    conn: &mut PgConnection,
    events: &[EventId],
) -> sqlx::Result<HashMap<EventId, WaitlistCount>> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows = sqlx::query!(
        r#"select event_id, count(*) as "bookings!", coalesce(sum(waiting_seats), 0) as "seats!" from bookings
        where event_id = any($1) and waiting_order is not null group by event_id"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.event_id.into(), WaitlistCount { bookings: row.bookings, seats: row.seats }))
        .collect())
}

/// The rows of a batch, column by column, as `unnest` wants them.
#[derive(Debug, Default)]
pub(super) struct Writes {
    events: HashMap<EventId, EventRow>,
    bookings: Bookings,
    seats: Seats,
    history: History,
    outbox: Outbox,
    claims: Vec<(BookingId, i32, DateTime<Utc>)>,
}

#[derive(Debug, Default)]
struct Bookings {
    ids: Vec<Uuid>,
    events: Vec<Uuid>,
    users: Vec<Uuid>,
    seats: Vec<i32>,
    waiting_seats: Vec<i32>,
    waiting_orders: Vec<Option<i64>>,
    waiting_numbers: Vec<Option<i32>>,
    statuses: Vec<String>,
    reassigned: Vec<bool>,
    hashes: Vec<Vec<u8>>,
    times: Vec<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Seats {
    events: Vec<Uuid>,
    bookings: Vec<Uuid>,
    users: Vec<Uuid>,
    numbers: Vec<i32>,
}

#[derive(Debug, Default)]
struct History {
    ids: Vec<Uuid>,
    bookings: Vec<Uuid>,
    events: Vec<Uuid>,
    actions: Vec<String>,
    seats: Vec<i32>,
    /// Array literals: `unnest` flattens nested arrays.
    seat_numbers: Vec<String>,
    actors: Vec<Uuid>,
    answers: Vec<String>,
    asked: Vec<Option<i32>>,
    times: Vec<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Outbox {
    ids: Vec<Uuid>,
    payloads: Vec<String>,
    times: Vec<DateTime<Utc>>,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.history.ids.is_empty()
    }

    /// Notes the event's counts as they are after the item at hand.
    pub(super) fn count_event(&mut self, event: &EventRow) {
        self.events.insert(event.id, event.clone());
    }

    /// A new booking.
    pub(super) fn add_booking(
        &mut self,
        answer: &Booking,
        kept: Answer,
        order: Option<i64>,
        request_hash: &[u8],
        request_id: &str,
        clock: Clock,
    ) {
        let rows = &mut self.bookings;
        rows.ids.push(answer.id.0);
        rows.events.push(answer.event_id.0);
        rows.users.push(answer.user_id.0);
        rows.seats.push(answer.seats);
        rows.waiting_seats.push(answer.waiting_seats);
        rows.waiting_orders.push(order);
        rows.waiting_numbers.push(answer.waiting_number);
        rows.statuses.push(if answer.status == BookingStatus::Waiting { "waiting" } else { "confirmed" }.to_owned());
        rows.reassigned.push(answer.reassigned);
        rows.hashes.push(request_hash.to_vec());
        rows.times.push(answer.created_at);
        self.add_seats(answer, &answer.seat_numbers);
        let kind = match answer.status {
            BookingStatus::Waiting => NotificationType::BookingWaitlisted,
            _ => NotificationType::BookingConfirmed,
        };
        self.add_history(clock.new_id(), "created", answer.seats, answer, kept, &answer.seat_numbers);
        self.history.asked.push(None);
        self.add_message(kind, answer, answer.seats, &answer.seat_numbers, request_id, clock);
    }

    /// Seats for a booking that waits.
    pub(super) fn add_claim(
        &mut self,
        (claim, asked): (Uuid, Option<i32>),
        answer: &Booking,
        kept: Answer,
        seats: &[i32],
        request_id: &str,
        clock: Clock,
    ) {
        self.claims.push((answer.id, seats.len() as i32, answer.updated_at));
        self.add_seats(answer, seats);
        self.add_history(claim, "claimed", seats.len() as i32, answer, kept, seats);
        self.history.asked.push(asked);
        let kind = NotificationType::BookingConfirmed;
        self.add_message(kind, answer, seats.len() as i32, seats, request_id, clock);
    }

    fn add_seats(&mut self, answer: &Booking, seats: &[i32]) {
        for seat in seats {
            self.seats.events.push(answer.event_id.0);
            self.seats.bookings.push(answer.id.0);
            self.seats.users.push(answer.user_id.0);
            self.seats.numbers.push(*seat);
        }
    }

    fn add_history(&mut self, id: Uuid, action: &str, seats: i32, answer: &Booking, kept: Answer, numbers: &[i32]) {
        let rows = &mut self.history;
        rows.ids.push(id);
        rows.bookings.push(answer.id.0);
        rows.events.push(answer.event_id.0);
        rows.actions.push(action.to_owned());
        rows.seats.push(seats);
        rows.seat_numbers.push(store::array_literal(numbers));
        rows.actors.push(answer.user_id.0);
        rows.answers.push(kept.into_json());
        rows.times.push(answer.updated_at);
    }

    fn add_message(
        &mut self,
        kind: NotificationType,
        answer: &Booking,
        seats: i32,
        numbers: &[i32],
        request_id: &str,
        clock: Clock,
    ) {
        let id = clock.new_id();
        let message = Message {
            event_id: Some(answer.event_id),
            user_id: Some(UserId(answer.user_id.0)),
            booking_id: Some(answer.id),
            seats: Some(seats),
            seat_numbers: (!numbers.is_empty()).then(|| numbers.to_vec()),
            ..Message::new(MessageId(id), kind, answer.updated_at, request_id)
        };
        self.outbox.ids.push(id);
        self.outbox
            .payloads
            .push(serde_json::to_string(&message).expect("a message has string keys and finite numbers"));
        self.outbox.times.push(answer.updated_at);
    }
}

/// Writes everything in one statement (claims need a second one): one round trip per batch.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
pub(super) async fn write(conn: &mut PgConnection, writes: &Writes) -> sqlx::Result<()> {
    let Writes { events, bookings, seats, history, outbox, claims } = writes;
    let (mut ids, mut units, mut taken, mut orders) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for event in events.values() {
        ids.push(event.id.0);
        units.push(event.units);
        taken.push(event.seats_taken);
        orders.push(event.waiting_order_last);
    }
    for (booking, seats, now) in claims {
        sqlx::query!(
            "update bookings set status = 'confirmed', waiting_seats = waiting_seats - $2,
                waiting_order = case when waiting_seats > $2 then waiting_order end, updated_at = $3 where id = $1",
            booking.0,
            seats,
            now
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!(
        "with b as (
            insert into bookings (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status,
                reassigned, request_hash, created_at, updated_at)
            select id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, reassigned, hash, at, at
            from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::bigint[], $7::int[], $8::text[],
                $9::bool[], $10::bytea[], $11::timestamptz[])
            as x (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, reassigned, hash, at)
        ), s as (
            insert into booking_seats (event_id, booking_id, user_id, seat_no)
            select * from unnest($12::uuid[], $13::uuid[], $14::uuid[], $15::int[])
        ), h as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, answer, asked, created_at)
            select id, booking_id, event_id, action, seats, seat_numbers::int[], actor_id, answer::json, asked, at
            from unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::text[], $20::int[], $21::text[], $22::uuid[], $23::text[],
                $24::int[], $25::timestamptz[])
            as x (id, booking_id, event_id, action, seats, seat_numbers, actor_id, answer, asked, at)
        ), o as (
            insert into outbox (id, payload, created_at)
            select id, payload::json, at from unnest($26::uuid[], $27::text[], $28::timestamptz[]) as x (id, payload, at)
        )
        update events e set available_slots = e.available_slots - x.taken, seat_version = e.seat_version + x.units,
            waiting_order_last = x.order_last
        from unnest($29::uuid[], $30::bigint[], $31::int[], $32::bigint[]) as x (id, units, taken, order_last)
        where e.id = x.id",
        &bookings.ids,
        &bookings.events,
        &bookings.users,
        &bookings.seats,
        &bookings.waiting_seats,
        &bookings.waiting_orders as &[Option<i64>],
        &bookings.waiting_numbers as &[Option<i32>],
        &bookings.statuses,
        &bookings.reassigned,
        &bookings.hashes,
        &bookings.times,
        &seats.events,
        &seats.bookings,
        &seats.users,
        &seats.numbers,
        &history.ids,
        &history.bookings,
        &history.events,
        &history.actions,
        &history.seats,
        &history.seat_numbers,
        &history.actors,
        &history.answers,
        &history.asked as &[Option<i32>],
        &history.times,
        &outbox.ids,
        &outbox.payloads,
        &outbox.times,
        &ids,
        &units,
        &taken,
        &orders
    )
    .execute(conn)
    .await
    .map(drop)
}
