//! States of events in memory. A state is loaded from the rows once, and then kept current by this process' own commits and by the
//! log.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use happening_api::{BookingId, EventId, UserId};
use happening_seating::{EventSeats, Image, Loaded};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::facts::EventRow;
use super::log::{self, Entry};
use super::protection::{Protection, out};

/// An event's state with its name (version and head).
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Counts the transactions that changed the event. Together with `head` it names the state.
    pub(crate) version: i64,
    /// A random id for each transaction: after a restore or a failover, a different history can have the same version.
    pub(crate) head: Uuid,
    /// Whether the log has a row of this version.
    pub(crate) in_log: bool,
    pub(crate) seats: EventSeats,
}

/// Reads the states of these events from the rows; events that do not exist are left out. The caller must have locked the events'
/// rows, or read in one snapshot.
///
/// # Errors
/// When the database fails, or the rows of an event contradict each other.
pub(super) async fn read_all(conn: &mut PgConnection, events: &[EventId]) -> sqlx::Result<HashMap<EventId, Known>> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows = sqlx::query!(
        r#"select id as "id: EventId", total_slots, waiting_order_last, seat_version, seat_head,
            exists (select from seat_log l where l.event_id = e.id and l.version = e.seat_version and l.head = e.seat_head) as "in_log!"
        from events e where id = any($1)"#,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let bookings = sqlx::query!(
        r#"select b.id as "id: BookingId", b.event_id as "event: EventId", b.user_id as "person: UserId", b.waiting_seats, b.waiting_order,
            array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked') as "seats!"
        from bookings b where b.event_id = any($1) and b.status <> 'cancelled'"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut loaded: HashMap<EventId, Vec<Loaded>> = HashMap::new();
    for row in bookings {
        loaded.entry(row.event).or_default().push(Loaded {
            id: row.id,
            person: row.person,
            seats: row.seats.into_iter().map(i32::cast_unsigned).collect(),
            wanted: row.waiting_seats.cast_unsigned(),
            order: row.waiting_order.map(i64::cast_unsigned),
        });
    }
    let known = rows.into_iter().map(|row| {
        let image = Image {
            total: row.total_slots.cast_unsigned(),
            last_order: row.waiting_order_last.cast_unsigned(),
            bookings: loaded.remove(&row.id).unwrap_or_default(),
        };
        let seats = log::state_of(&image).map_err(|what| contradiction(row.id, &what))?;
        Ok((row.id, Known { version: row.seat_version, head: row.seat_head, in_log: row.in_log, seats }))
    });
    known.collect()
}

/// Reads the state of one event; `None` when it does not exist.
///
/// # Errors
/// As [`read_all`].
pub(crate) async fn read(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<Known>> {
    Ok(read_all(conn, &[event]).await?.remove(&event))
}

/// Reads the state of one event in a read-only snapshot, without locking its row. `None` when the event does not exist.
///
/// # Errors
/// As [`read_all`].
pub(super) async fn load(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<Known>> {
    let mut tx = conn.begin_with("begin isolation level repeatable read read only").await?;
    sqlx::query!("set local statement_timeout = '15s'").execute(&mut *tx).await?;
    let known = read(&mut tx, event).await?;
    tx.commit().await?;
    Ok(known)
}

/// A row of the log.
#[derive(Clone, Debug)]
pub(super) struct LogRow {
    pub(super) event: EventId,
    pub(super) version: i64,
    pub(super) head: Uuid,
    /// See [`Entry::encode`].
    pub(super) changes: Vec<u8>,
}

/// The log rows of events from these versions on, in order. The first row is that of the given version itself.
///
/// # Errors
/// When the database fails.
pub(super) async fn tail(conn: &mut PgConnection, from: &[(EventId, i64)]) -> sqlx::Result<Vec<LogRow>> {
    let (ids, versions): (Vec<Uuid>, Vec<i64>) = from.iter().map(|(event, version)| (event.0, *version)).unzip();
    sqlx::query_as!(
        LogRow,
        r#"select l.event_id as "event: EventId", l.version, l.head, l.changes
        from unnest($1::uuid[], $2::bigint[]) as k (event_id, version)
        join seat_log l on l.event_id = k.event_id and l.version >= k.version order by l.event_id, l.version"#,
        &ids,
        &versions
    )
    .fetch_all(conn)
    .await
}

/// Brings states to their locked rows by the log. A state for which the log has a gap is left out of the answer.
pub(super) fn catch_up(mut behind: HashMap<EventId, (Known, EventRow)>, rows: &[LogRow]) -> HashMap<EventId, Known> {
    let mut begun = HashSet::new();
    for row in rows {
        let Some((known, _)) = behind.get_mut(&row.event) else { continue };
        // the first row must be the state's own version and head: otherwise the log continues another history
        let follows = if begun.insert(row.event) {
            row.version == known.version && (row.head == known.head || out(Protection::OwnRowFirst))
        } else {
            follow(known, (row.version, row.head), &row.changes)
        };
        if !follows {
            behind.remove(&row.event);
        }
    }
    let reached = |(known, row): (Known, EventRow)| row.is_of(&known).then_some(known);
    behind.into_iter().filter_map(|(event, pair)| Some((event, reached(pair)?))).collect()
}

/// Applies a row of the log to a state. False when it does not continue this state; the state must then be dropped.
pub(super) fn follow(known: &mut Known, (version, head): (i64, Uuid), changes: &[u8]) -> bool {
    if version != known.version + 1 {
        return false;
    }
    let applied = match Entry::decode(changes) {
        // applying panics when the changes belong to a different state
        Ok(Entry::Changes(changes)) => catch_unwind(AssertUnwindSafe(|| known.seats.apply(&changes))).is_ok(),
        _ => false,
    };
    (known.version, known.head, known.in_log) = (version, head, true);
    applied
}

fn contradiction(event: EventId, what: &str) -> sqlx::Error {
    sqlx::Error::Protocol(format!("the rows of event {event} contradict each other: {what}"))
}

/// The most memory of all the writer's states together.
const WRITER_BYTES_MAX: usize = 256 << 20;

/// States that no lane is using, limited by their memory.
#[derive(Debug)]
pub(super) struct States {
    known: HashMap<EventId, (Known, usize, u64)>,
    bytes: usize,
    bytes_max: usize,
    uses: u64,
}

impl Default for States {
    fn default() -> Self {
        Self::new(WRITER_BYTES_MAX)
    }
}

impl States {
    /// An empty store, whose states may take at most `bytes_max` bytes together.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { known: HashMap::new(), bytes: 0, bytes_max, uses: 0 }
    }

    /// The state of an event, left in the store.
    pub(super) fn look(&self, event: EventId) -> Option<&Known> {
        self.known.get(&event).map(|(known, ..)| known)
    }

    /// Takes a state out of the store, to work on it.
    pub(super) fn take(&mut self, event: EventId) -> Option<Known> {
        let (known, bytes, _) = self.known.remove(&event)?;
        self.bytes -= bytes;
        Some(known)
    }

    /// Puts a state back. The least recently used states are dropped when the memory limit is exceeded.
    pub(super) fn put(&mut self, event: EventId, known: Known) {
        let bytes = size_of::<Known>() + known.seats.bytes();
        self.uses += 1;
        self.bytes += bytes;
        self.known.insert(event, (known, bytes, self.uses));
        while self.bytes > self.bytes_max && self.known.len() > 1 {
            let oldest = self.known.iter().min_by_key(|(_, (_, _, used))| *used).map(|(event, _)| *event);
            oldest.and_then(|event| self.take(event));
        }
    }
}
