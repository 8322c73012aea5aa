//! What a transaction writes: rows collected column by column, of which only the final values are written, and the two statements
//! that write them.
//!
//! Releases and updates are written first, in a statement of their own: if one statement released and took the same seat, the order
//! of the two would be undefined, and the unique index might be violated.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use happening_api::{BookingId, BookingStatus, EventId, HistoryAction, Message, OrgId, UserId};
use happening_seating::Seat;
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::Answer;
use crate::clock::Clock;

/// The row of a new booking.
#[derive(Debug)]
pub(super) struct NewBooking {
    pub(super) id: BookingId,
    pub(super) event: EventId,
    pub(super) person: UserId,
    /// The number of seats that were asked for.
    pub(super) seats: u32,
    pub(super) waiting_number: Option<i32>,
    pub(super) reassigned: bool,
    pub(super) request_hash: Vec<u8>,
}

/// What a booking holds and wants at the end of the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) status: BookingStatus,
    pub(super) waiting_seats: u32,
    pub(super) waiting_order: Option<u64>,
}

/// A row of the booking history.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) id: Uuid,
    pub(super) booking: BookingId,
    pub(super) event: EventId,
    pub(super) action: HistoryAction,
    /// How many seats the entry is about; for a creation all seats that were asked for.
    pub(super) count: u32,
    pub(super) seats: &'a [Seat],
    pub(super) actor: Option<UserId>,
    pub(super) reason: Option<String>,
    pub(super) answer: Option<Answer>,
    /// The number of seats that a claim asked for.
    pub(super) asked: Option<u32>,
}

/// A row of the organization's audit log.
#[derive(Debug)]
pub(super) struct Audit {
    pub(super) org: OrgId,
    pub(super) actor: UserId,
    pub(super) action: &'static str,
    pub(super) booking: BookingId,
    pub(super) details: serde_json::Value,
}

/// The counts of an event at the end of the transaction.
#[derive(Debug)]
pub(super) struct EventCounts {
    pub(super) event: EventId,
    pub(super) total: u32,
    pub(super) raising_to: Option<u32>,
    pub(super) free: u32,
    pub(super) waiting_bookings: u32,
    pub(super) waiting_seats: u32,
    pub(super) people: u32,
    pub(super) last_order: u64,
    pub(super) version: i64,
    pub(super) head: Uuid,
}

/// Everything that a transaction writes.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) created: BTreeMap<BookingId, NewBooking>,
    /// What bookings hold and want at the end, of changed and of new bookings.
    pub(super) places: BTreeMap<BookingId, Place>,
    /// By how much the requested number of seats (`bookings.seats`) is lowered: for bookings that stop waiting but keep the seats
    /// they hold.
    less: HashMap<BookingId, u32>,
    pub(super) seats: Vec<SeatRow>,
    /// For each seat that was taken in this transaction, the index of its row in `seats`.
    taken: HashMap<(EventId, Seat), usize>,
    /// Seats that were taken before this transaction and are given back in it.
    pub(super) released: Vec<(EventId, BookingId, Seat)>,
    pub(super) history: HistoryColumns,
    pub(super) outbox: Vec<Message>,
    audit: Vec<Audit>,
    pub(super) log: Vec<(EventId, i64, Uuid, Vec<u8>)>,
    pub(super) events: Vec<EventCounts>,
}

#[derive(Debug)]
pub(super) struct SeatRow {
    pub(super) event: EventId,
    pub(super) booking: BookingId,
    person: UserId,
    pub(super) seat: Seat,
    pub(super) booked: bool,
}

#[derive(Debug, Default)]
pub(super) struct HistoryColumns {
    pub(super) ids: Vec<Uuid>,
    pub(super) bookings: Vec<Uuid>,
    events: Vec<Uuid>,
    pub(super) actions: Vec<String>,
    counts: Vec<i32>,
    /// Written as array literals, because `unnest` flattens nested arrays.
    seats: Vec<String>,
    actors: Vec<Option<Uuid>>,
    reasons: Vec<Option<String>>,
    pub(super) answers: Vec<Option<String>>,
    pub(super) asked: Vec<Option<i32>>,
}

impl<'a> History<'a> {
    /// A row without actor, reason or kept answer.
    pub(super) fn new(id: Uuid, event: EventId, booking: BookingId, action: HistoryAction, seats: &'a [Seat]) -> Self {
        let count = seats.len() as u32;
        Self { id, booking, event, action, count, seats, actor: None, reason: None, answer: None, asked: None }
    }
}

impl Rows {
    pub(super) fn create(&mut self, booking: NewBooking) {
        self.created.insert(booking.id, booking);
    }

    /// Sets what the booking holds and wants; a later call replaces an earlier one.
    pub(super) fn place(&mut self, booking: BookingId, place: Place) {
        self.places.insert(booking, place);
    }

    /// Lowers the booking's requested number of seats.
    pub(super) fn want_less(&mut self, booking: BookingId, count: u32) {
        self.less.insert(booking, count);
    }

    /// By how much the booking's requested number of seats is lowered.
    pub(super) fn less(&self, booking: BookingId) -> u32 {
        self.less.get(&booking).copied().unwrap_or_default()
    }

    /// The booking takes seats.
    pub(super) fn take(&mut self, event: EventId, booking: BookingId, person: UserId, seats: &[Seat]) {
        for seat in seats {
            self.taken.insert((event, *seat), self.seats.len());
            self.seats.push(SeatRow { event, booking, person, seat: *seat, booked: true });
        }
    }

    /// The booking gives seats back.
    pub(super) fn give_back(&mut self, event: EventId, booking: BookingId, seats: &[Seat]) {
        for seat in seats {
            match self.taken.remove(&(event, *seat)) {
                Some(row) => self.seats[row].booked = false,
                None => self.released.push((event, booking, *seat)),
            }
        }
    }

    pub(super) fn record(&mut self, row: History<'_>) {
        let columns = &mut self.history;
        columns.ids.push(row.id);
        columns.bookings.push(row.booking.0);
        columns.events.push(row.event.0);
        columns.actions.push(row.action.as_str().to_owned());
        columns.counts.push(row.count.cast_signed());
        columns.seats.push(array_literal(row.seats));
        columns.actors.push(row.actor.map(|person| person.0));
        columns.reasons.push(row.reason);
        columns.answers.push(row.answer.map(Answer::into_json));
        columns.asked.push(row.asked.map(u32::cast_signed));
    }

    pub(super) fn tell(&mut self, message: Message) {
        self.outbox.push(message);
    }

    pub(super) fn audit(&mut self, row: Audit) {
        self.audit.push(row);
    }

    /// Adds an encoded entry of the log.
    pub(super) fn log(&mut self, event: EventId, version: i64, head: Uuid, entry: Vec<u8>) {
        self.log.push((event, version, head, entry));
    }

    pub(super) fn count(&mut self, counts: EventCounts) {
        self.events.push(counts);
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// Why rows were not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database's rows are not what the state expected; going on would overwrite a change.
    #[error("{what}: {written} rows instead of {expected}")]
    OtherRows { what: &'static str, written: i64, expected: i64 },
}

fn expect(what: &'static str, written: i64, expected: usize) -> Result<(), WriteError> {
    let expected = expected as i64;
    if written == expected { Ok(()) } else { Err(WriteError::OtherRows { what, written, expected }) }
}

/// Writes all rows.
///
/// # Errors
/// When the database fails, refuses a row, or changes another number of rows than expected. The transaction must not be committed
/// then.
pub(super) async fn write(
    conn: &mut PgConnection,
    rows: &Rows,
    now: DateTime<Utc>,
    clock: Clock,
) -> Result<(), WriteError> {
    write_changed(&mut *conn, rows, now).await?;
    write_new(conn, rows, now, clock).await
}

/// Writes released seats and changed bookings.
async fn write_changed(conn: &mut PgConnection, rows: &Rows, now: DateTime<Utc>) -> Result<(), WriteError> {
    let changed: Vec<(&BookingId, &Place)> =
        rows.places.iter().filter(|(booking, _)| !rows.created.contains_key(booking)).collect();
    if changed.is_empty() && rows.released.is_empty() {
        return Ok(());
    }
    let written = sqlx::query!(
        r#"with released as (
            update booking_seats s set status = 'released'
            from unnest($1::uuid[], $2::uuid[], $3::int[]) as x (event_id, booking_id, seat_no)
            where s.event_id = x.event_id and s.seat_no = x.seat_no and s.booking_id = x.booking_id and s.status = 'booked'
            returning 1
        ), changed as (
            update bookings b set status = x.status, waiting_seats = x.waiting_seats, waiting_order = x.waiting_order,
                seats = b.seats - x.less, updated_at = $9
            from unnest($4::uuid[], $5::text[], $6::int[], $7::bigint[], $8::int[]) as x (id, status, waiting_seats, waiting_order, less)
            where b.id = x.id and b.status <> 'cancelled'
            returning 1
        )
        select (select count(*) from released) as "released!", (select count(*) from changed) as "changed!""#,
        &rows.released.iter().map(|(event, ..)| event.0).collect::<Vec<_>>(),
        &rows.released.iter().map(|(_, booking, _)| booking.0).collect::<Vec<_>>(),
        &rows.released.iter().map(|(.., seat)| seat.cast_signed()).collect::<Vec<_>>(),
        &changed.iter().map(|(booking, _)| booking.0).collect::<Vec<_>>(),
        &changed.iter().map(|(_, place)| place.status.as_str().to_owned()).collect::<Vec<_>>(),
        &changed.iter().map(|(_, place)| place.waiting_seats.cast_signed()).collect::<Vec<_>>(),
        &changed.iter().map(|(_, place)| place.waiting_order.map(u64::cast_signed)).collect::<Vec<_>>() as &[Option<i64>],
        &changed.iter().map(|(booking, _)| rows.less(**booking).cast_signed()).collect::<Vec<_>>(),
        now
    )
    .fetch_one(conn)
    .await?;
    expect("seats given back", written.released, rows.released.len())?;
    expect("bookings changed", written.changed, changed.len())
}

/// Writes new rows and the events' counts.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
async fn write_new(conn: &mut PgConnection, rows: &Rows, now: DateTime<Utc>, clock: Clock) -> Result<(), WriteError> {
    let created: Vec<(&NewBooking, &Place)> =
        rows.created.iter().filter_map(|(id, new)| Some((new, rows.places.get(id)?))).collect();
    let Rows { seats, history, outbox, audit, log, events, .. } = rows;
    let written = sqlx::query!(
        r#"with b as (
            insert into bookings (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status,
                reassigned, request_hash, created_at, updated_at)
            select id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, reassigned, hash, $45, $45
            from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::bigint[], $7::int[], $8::text[],
                $9::bool[], $10::bytea[])
            as x (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, reassigned, hash)
        ), s as (
            insert into booking_seats (event_id, booking_id, user_id, seat_no, status)
            select event_id, booking_id, user_id, seat_no, case when booked then 'booked' else 'released' end
            from unnest($11::uuid[], $12::uuid[], $13::uuid[], $14::int[], $15::bool[])
            as x (event_id, booking_id, user_id, seat_no, booked)
        ), h as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, reason, answer, asked, created_at)
            select id, booking_id, event_id, action, seats, seat_numbers::int[], actor_id, reason, answer::json, asked, $45
            from unnest($16::uuid[], $17::uuid[], $18::uuid[], $19::text[], $20::int[], $21::text[], $22::uuid[], $23::text[],
                $24::text[], $25::int[])
            as x (id, booking_id, event_id, action, seats, seat_numbers, actor_id, reason, answer, asked)
        ), o as (
            insert into outbox (id, payload, created_at)
            select id, payload::json, $45 from unnest($26::uuid[], $27::text[]) as x (id, payload)
        ), a as (
            insert into audit_log (id, org_id, actor_id, action, subject_type, subject_id, details)
            select id, org_id, actor_id, action, 'booking', subject_id, details::jsonb
            from unnest($28::uuid[], $29::uuid[], $30::uuid[], $31::uuid[], $32::text[], $48::text[])
            as x (id, org_id, actor_id, subject_id, details, action)
        ), l as (
            insert into seat_log (event_id, version, head, changes, at)
            select event_id, version, head, changes, $45 from unnest($33::uuid[], $34::bigint[], $35::uuid[], $36::bytea[])
            as x (event_id, version, head, changes)
        ), e as (
            update events e set total_slots = x.total, raising_to = x.raising_to, people = x.people, available_slots = x.free, waiting_bookings = x.waiting_bookings,
                waiting_seats = x.waiting_seats, waiting_order_last = x.last_order, seat_version = x.version, seat_head = x.head
            from unnest($37::uuid[], $38::int[], $39::int[], $40::bigint[], $41::bigint[], $42::bigint[], $43::bigint[], $44::uuid[], $46::int[], $47::int[])
            as x (id, total, free, waiting_bookings, waiting_seats, last_order, version, head, raising_to, people)
            where e.id = x.id and e.seat_version = x.version - 1 returning 1
        )
        select (select count(*) from e) as "events!""#,
        &created.iter().map(|(new, _)| new.id.0).collect::<Vec<_>>(),
        &created.iter().map(|(new, _)| new.event.0).collect::<Vec<_>>(),
        &created.iter().map(|(new, _)| new.person.0).collect::<Vec<_>>(),
        &created.iter().map(|(new, _)| new.seats.cast_signed()).collect::<Vec<_>>(),
        &created.iter().map(|(_, place)| place.waiting_seats.cast_signed()).collect::<Vec<_>>(),
        &created.iter().map(|(_, place)| place.waiting_order.map(u64::cast_signed)).collect::<Vec<_>>() as &[Option<i64>],
        &created.iter().map(|(new, _)| new.waiting_number).collect::<Vec<_>>() as &[Option<i32>],
        &created.iter().map(|(_, place)| place.status.as_str().to_owned()).collect::<Vec<_>>(),
        &created.iter().map(|(new, _)| new.reassigned).collect::<Vec<_>>(),
        &created.iter().map(|(new, _)| new.request_hash.clone()).collect::<Vec<_>>(),
        &seats.iter().map(|row| row.event.0).collect::<Vec<_>>(),
        &seats.iter().map(|row| row.booking.0).collect::<Vec<_>>(),
        &seats.iter().map(|row| row.person.0).collect::<Vec<_>>(),
        &seats.iter().map(|row| row.seat.cast_signed()).collect::<Vec<_>>(),
        &seats.iter().map(|row| row.booked).collect::<Vec<_>>(),
        &history.ids,
        &history.bookings,
        &history.events,
        &history.actions,
        &history.counts,
        &history.seats,
        &history.actors as &[Option<Uuid>],
        &history.reasons as &[Option<String>],
        &history.answers as &[Option<String>],
        &history.asked as &[Option<i32>],
        &outbox.iter().map(|message| message.id.0).collect::<Vec<_>>(),
        &outbox.iter().map(json).collect::<Vec<_>>(),
        &audit.iter().map(|_| clock.new_id()).collect::<Vec<_>>(),
        &audit.iter().map(|row| row.org.0).collect::<Vec<_>>(),
        &audit.iter().map(|row| row.actor.0).collect::<Vec<_>>(),
        &audit.iter().map(|row| row.booking.0).collect::<Vec<_>>(),
        &audit.iter().map(|row| row.details.to_string()).collect::<Vec<_>>(),
        &log.iter().map(|row| row.0.0).collect::<Vec<_>>(),
        &log.iter().map(|row| row.1).collect::<Vec<_>>(),
        &log.iter().map(|row| row.2).collect::<Vec<_>>(),
        &log.iter().map(|row| row.3.clone()).collect::<Vec<_>>(),
        &events.iter().map(|row| row.event.0).collect::<Vec<_>>(),
        &events.iter().map(|row| row.total.cast_signed()).collect::<Vec<_>>(),
        &events.iter().map(|row| row.free.cast_signed()).collect::<Vec<_>>(),
        &events.iter().map(|row| i64::from(row.waiting_bookings)).collect::<Vec<_>>(),
        &events.iter().map(|row| i64::from(row.waiting_seats)).collect::<Vec<_>>(),
        &events.iter().map(|row| row.last_order.cast_signed()).collect::<Vec<_>>(),
        &events.iter().map(|row| row.version).collect::<Vec<_>>(),
        &events.iter().map(|row| row.head).collect::<Vec<_>>(),
        now,
        &events.iter().map(|row| row.raising_to.map(u32::cast_signed)).collect::<Vec<_>>() as &[Option<i32>],
        &events.iter().map(|row| row.people.cast_signed()).collect::<Vec<_>>(),
        &audit.iter().map(|row| row.action.to_owned()).collect::<Vec<_>>()
    )
    .fetch_one(conn)
    .await?;
    expect("events counted", written.events, events.len())
}

fn json(message: &Message) -> String {
    serde_json::to_string(message).expect("a message has string keys and finite numbers")
}

/// A list of numbers as a Postgres array literal, because `unnest` flattens nested arrays.
fn array_literal(numbers: &[Seat]) -> String {
    let list = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    format!("{{{list}}}")
}
