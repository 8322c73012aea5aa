//! Postgres, modelled statement by statement: what a statement sees was committed when it began, rows of events are locked, a commit can
//! be lost, late or ended by a failover. It refuses nothing by a seat's index: a seat that is sold twice is what is looked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::{BookingId, BookingStatus, EventId, Role, UserId, Visibility};
use happening_seating::{EventSeats, Image, Loaded, Seat};
use uuid::Uuid;

use super::executor::{Chance, Step};
use crate::clock::Clock;
use crate::seats::answer::Answer;
use crate::seats::command::{Command, Kind};
use crate::seats::facts::{BookingFacts, EventRow, Facts, Found};
use crate::seats::log::{self, Entry};
use crate::seats::protection::{Protection, out};
use crate::seats::rows::{NewBooking, Rows, WriteError};
use crate::seats::states::{Known, LogRow};
use crate::seats::store::Store;
use crate::shown::Told;

/// Statements that a transaction waits for a row.
const LOCK_WAIT_MAX: u32 = 40;
/// Commits that a failover loses.
const LOST_MAX: usize = 2;

#[derive(Clone, Debug)]
struct BookingRow {
    event: EventId,
    person: UserId,
    wanted_in_all: u32,
    status: BookingStatus,
    waiting_seats: u32,
    waiting_order: Option<u64>,
    waiting_number: Option<i32>,
    reassigned: bool,
    hash: Vec<u8>,
    answer: String,
}

#[derive(Clone, Debug)]
struct HistoryRow {
    booking: Uuid,
    action: String,
    asked: Option<i32>,
    answer: Option<String>,
}

/// What was committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) events: BTreeMap<EventId, EventRow>,
    last_orders: BTreeMap<EventId, u64>,
    bookings: BTreeMap<Uuid, BookingRow>,
    seats: BTreeMap<(EventId, Seat), Uuid>,
    history: BTreeMap<Uuid, HistoryRow>,
    log: BTreeMap<EventId, Vec<LogRow>>,
    /// What the log of an event adds up to.
    folded: BTreeMap<EventId, EventSeats>,
    messages: usize,
}

/// What a transaction wrote.
type Written = Box<dyn FnOnce(&mut Tables, &mut Vec<String>) + Send>;

#[derive(Default)]
struct Open {
    locks: BTreeSet<EventId>,
    /// Ids of bookings that it inserts: another that inserts one of them waits for its end.
    inserts: BTreeSet<Uuid>,
    written: Option<Written>,
    /// Steps until it ends by itself, and whether by a commit.
    ends: Option<(u32, bool)>,
}

/// Chance, what was committed, and the transactions that are open.
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) tables: Tables,
    /// What was committed before, the oldest first; a failover goes back to one of them.
    past: Vec<Tables>,
    open: BTreeMap<u64, Open>,
    transactions: u64,
    /// What must not be.
    pub(super) violations: Vec<String>,
    /// Faults happen.
    pub(super) faults: bool,
}

/// One process's connection to the world.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) world: Arc<Mutex<World>>,
}

/// A transaction; one that is dropped is rolled back some time later.
pub(super) struct Tx {
    id: u64,
    database: Database,
    committing: bool,
}

impl Drop for Tx {
    fn drop(&mut self) {
        let mut world = self.database.lock_world();
        let steps = world.chance.below(6) as u32;
        // a commit that was sent may still be done
        let commits = self.committing && world.chance.one_in(2);
        if let Some(open) = world.open.get_mut(&self.id) {
            open.ends = Some((steps, commits));
        }
    }
}

#[derive(Debug)]
struct Refused(&'static str);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

impl sqlx::error::DatabaseError for Refused {
    fn message(&self) -> &str {
        self.0
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> sqlx::error::ErrorKind {
        sqlx::error::ErrorKind::Other
    }
}

fn refused(code: &'static str) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Refused(code)))
}

fn broken() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())
}

impl Tables {
    /// An event that takes bookings, with all of its seats free.
    pub(super) fn add_event(&mut self, event: EventId, total: i32, seats_per_person_max: Option<i32>) {
        let row = EventRow {
            id: event,
            org: event.0.into(),
            status: happening_api::EventStatus::Upcoming,
            event_date: DateTime::from_timestamp(4_000_000_000, 0).unwrap_or_default(),
            seats_per_person_max,
            total,
            free: total,
            waiting_bookings: 0,
            waiting_seats: 0,
            version: 0,
            head: Uuid::new_v4(),
            deleted: false,
        };
        self.events.insert(event, row);
        self.last_orders.insert(event, 0);
    }

    fn held(&self, booking: Uuid) -> Vec<Seat> {
        self.seats.iter().filter(|(_, holder)| **holder == booking).map(|((_, seat), _)| *seat).collect()
    }

    /// The state that the rows of an event hold.
    pub(super) fn read(&self, event: EventId) -> Option<Known> {
        let row = self.events.get(&event)?;
        self.read_as(row, event)
    }

    fn read_as(&self, row: &EventRow, event: EventId) -> Option<Known> {
        let active =
            self.bookings.iter().filter(|(_, one)| one.event == event && one.status != BookingStatus::Cancelled);
        let bookings = active
            .map(|(id, one)| Loaded {
                id: BookingId(*id),
                person: one.person,
                seats: self.held(*id),
                wanted: one.waiting_seats,
                order: one.waiting_order,
            })
            .collect();
        let image = Image { total: row.total.cast_unsigned(), last_order: self.last_orders[&event], bookings };
        let is_mine = |one: &LogRow| (one.version, one.head) == (row.version, row.head);
        let in_log = self.log.get(&event).is_some_and(|log| log.iter().any(is_mine));
        let seats = log::state_of(&image).ok()?;
        Some(Known { version: row.version, head: row.head, in_log, seats })
    }

    /// What is wrong with the rows of an event at this moment.
    fn check(&self, event: EventId, violations: &mut Vec<String>) {
        let (Some(row), Some(known)) = (self.events.get(&event), self.read(event)) else {
            violations.push(format!("the rows of {event} contradict each other"));
            return;
        };
        if !row.is_of(&known) {
            violations.push(format!("the counts of {event} are not those of its rows"));
        }
        if self.folded.get(&event).is_some_and(|folded| *folded != known.seats) {
            violations.push(format!("the log of {event} adds up to another state than its rows"));
        }
        let max = row.seats_per_person_max.unwrap_or(i32::MAX).cast_unsigned();
        for person in self.bookings.values().filter(|one| one.event == event).map(|one| one.person) {
            let have = known.seats.seats_of(person);
            if have > max {
                violations.push(format!("a person has {have} seats of at most {max}"));
            }
        }
        if self.messages != self.history.len() {
            violations.push(format!("{} messages for {} changes", self.messages, self.history.len()));
        }
    }

    /// Adds a row to the log, and to what it adds up to.
    fn add_to_log(&mut self, row: LogRow, violations: &mut Vec<String>) {
        let event = row.event;
        match (Entry::decode(&row.changes), self.folded.get_mut(&event)) {
            (Ok(Entry::Base(image)), _) => {
                self.folded.extend(log::state_of(&image).ok().map(|state| (event, state)));
            }
            (Ok(Entry::Changes(changes)), Some(seats)) => {
                let apply = std::panic::AssertUnwindSafe(|| seats.apply(&changes));
                if std::panic::catch_unwind(apply).is_err() {
                    violations.push(format!("the log of {event} contradicts itself"));
                }
            }
            _ => violations.push(format!("the log of {event} has no beginning")),
        }
        self.log.entry(event).or_default().push(row);
    }

    /// Whether a booking was made, and with which first answer.
    pub(super) fn first_answer(&self, booking: Uuid) -> Option<&str> {
        self.bookings.get(&booking).map(|row| row.answer.as_str())
    }

    /// Bookings of a person at an event that were made by requests with this hash.
    pub(super) fn made_by(&self, person: UserId, hash: &[u8]) -> usize {
        self.bookings.values().filter(|row| row.person == person && row.hash == hash).count()
    }

    /// Whether a change was written.
    pub(super) fn has_history(&self, id: Uuid) -> bool {
        self.history.contains_key(&id)
    }

    /// Where a booking joined the waitlist, if it waits.
    pub(super) fn order(&self, booking: Uuid) -> Option<u64> {
        self.bookings.get(&booking)?.waiting_order
    }
}

impl World {
    pub(super) fn new(chance: Chance, tables: Tables) -> Self {
        Self {
            chance,
            past: vec![tables.clone()],
            tables,
            open: BTreeMap::new(),
            transactions: 0,
            violations: Vec::new(),
            faults: true,
        }
    }

    /// Once in so many times, while faults happen.
    fn fault(&mut self, times: usize) -> bool {
        self.faults && self.chance.one_in(times)
    }

    fn end(&mut self, id: u64, commits: bool) {
        let Some(open) = self.open.remove(&id) else { return };
        if let (true, Some(written)) = (commits, open.written) {
            written(&mut self.tables, &mut self.violations);
            if self.past.len() > LOST_MAX {
                self.past.remove(0);
            }
            self.past.push(self.tables.clone());
            open.locks.into_iter().for_each(|event| self.tables.check(event, &mut self.violations));
        }
    }

    /// Transactions that no task waits for end by themselves.
    pub(super) fn pass(&mut self) {
        let ended: Vec<(u64, bool)> = self
            .open
            .iter_mut()
            .filter_map(|(id, open)| {
                let (steps, commits) = open.ends.as_mut()?;
                *steps = steps.saturating_sub(1);
                (*steps == 0).then_some((*id, *commits))
            })
            .collect();
        ended.into_iter().for_each(|(id, commits)| self.end(id, commits));
    }

    /// Whether transactions are open.
    pub(super) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    /// The primary is lost with its last commits: the standby goes on from before them. Answers the bookings and changes that are gone.
    pub(super) fn fail_over(&mut self) -> Vec<Uuid> {
        let lost = self.chance.below(LOST_MAX + 1).min(self.past.len() - 1);
        self.past.truncate(self.past.len() - lost);
        let before = std::mem::take(&mut self.tables);
        self.tables = self.past.last().cloned().unwrap_or_default();
        self.open.clear();
        let changes = before.history.keys().filter(|id| !self.tables.history.contains_key(id));
        let bookings = before.bookings.keys().filter(|id| !self.tables.bookings.contains_key(id));
        changes.chain(bookings).copied().collect()
    }
}

impl Database {
    pub(super) fn lock_world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn statement(&self, tx: u64) -> sqlx::Result<()> {
        Step::default().await;
        let mut world = self.lock_world();
        if !world.open.contains_key(&tx) {
            return Err(broken()); // a failover
        }
        if world.fault(150) {
            return Err(if world.chance.one_in(3) { refused("57014") } else { broken() });
        }
        Ok(())
    }

    /// Takes an event's row; false when another transaction has it.
    fn take(&self, tx: u64, event: EventId) -> sqlx::Result<bool> {
        let mut world = self.lock_world();
        let taken = world.open.iter().any(|(id, open)| *id != tx && open.locks.contains(&event));
        let open = world.open.get_mut(&tx).ok_or_else(broken)?;
        if taken && !out(Protection::RowLock) {
            return Ok(false);
        }
        open.locks.insert(event);
        Ok(true)
    }

    fn has(&self, tx: u64, event: EventId) -> bool {
        self.lock_world().open.get(&tx).is_some_and(|open| open.locks.contains(&event))
    }

    /// Notes what a transaction writes; false while another one inserts the same booking.
    fn try_write(&self, tx: u64, rows: &Rows, ids: &BTreeSet<Uuid>) -> Result<bool, WriteError> {
        let mut world = self.lock_world();
        if world.open.iter().any(|(id, open)| *id != tx && !open.inserts.is_disjoint(ids)) {
            return Ok(false);
        }
        if world.fault(100) {
            return Err(refused("40P01").into());
        }
        let tables = &world.tables;
        let of_another =
            |new: &NewBooking| tables.bookings.get(&new.id.0).is_some_and(|there| there.event != new.event);
        if rows.created.values().any(of_another) {
            return Err(refused("23505").into());
        }
        let held = |(event, booking, seat): &&(EventId, BookingId, Seat)| {
            tables.seats.get(&(*event, *seat)) == Some(&booking.0)
        };
        let (written, expected) = (rows.released.iter().filter(held).count() as i64, rows.released.len() as i64);
        if written != expected {
            return Err(WriteError::OtherRows { what: "seats given back", written, expected });
        }
        let open = world.open.get_mut(&tx).ok_or_else(broken)?;
        (open.inserts, open.written) = (ids.clone(), Some(applied(rows)));
        Ok(true)
    }

    fn facts(tables: &Tables, command: &Command) -> Facts {
        let found = match &command.kind {
            Kind::Create { request_hash, .. } => tables.bookings.get(&command.id).map(|row| Found::Answer {
                answer: Answer::kept(row.answer.clone()),
                same_request: row.hash == *request_hash,
            }),
            Kind::Claim { booking, seats } => {
                tables.history.get(&command.id).filter(|row| row.action == "claimed").map(|row| Found::Answer {
                    answer: Answer::kept(row.answer.clone().unwrap_or_default()),
                    same_request: row.booking == booking.0 && row.asked.map(i32::cast_unsigned) == *seats,
                })
            }
            Kind::GiveBack { booking, .. } => {
                tables.history.get(&command.id).filter(|row| row.booking == booking.0).map(|_| Found::Done)
            }
            Kind::EndWaiting { .. } => None,
        };
        let row = command.kind.booking().and_then(|booking| tables.bookings.get(&booking.0));
        let booking = row.filter(|row| row.event == command.event).map(|row| BookingFacts {
            person: row.person,
            seats: row.wanted_in_all.cast_signed(),
            status: row.status,
            waiting_number: row.waiting_number,
            reassigned: row.reassigned,
            created_at: DateTime::UNIX_EPOCH,
        });
        let (visibility, role) = (Visibility::Public, None::<Role>);
        Facts {
            found,
            known: true,
            is_own: false,
            is_due: false,
            visibility,
            role,
            owner: false,
            has_booking: false,
            booking,
        }
    }
}

/// What rows do to the tables.
#[expect(clippy::too_many_lines, reason = "a line or two for each table")]
fn applied(rows: &Rows) -> Written {
    let created: Vec<(Uuid, BookingRow)> = rows
        .created
        .iter()
        .map(|(id, new)| {
            let row = BookingRow {
                event: new.event,
                person: new.person,
                wanted_in_all: new.seats,
                status: BookingStatus::Waiting,
                waiting_seats: 0,
                waiting_order: None,
                waiting_number: new.waiting_number,
                reassigned: new.reassigned,
                hash: new.request_hash.clone(),
                answer: String::new(),
            };
            (id.0, row)
        })
        .collect();
    let places: Vec<_> = rows.places.iter().map(|(id, place)| (id.0, *place)).collect();
    let released = rows.released.clone();
    let seats: Vec<_> =
        rows.seats.iter().filter(|row| row.booked).map(|row| (row.event, row.seat, row.booking.0)).collect();
    let columns = &rows.history;
    let history: Vec<(Uuid, HistoryRow)> = (0..columns.ids.len())
        .map(|at| {
            let (booking, action) = (columns.bookings[at], columns.actions[at].clone());
            (
                columns.ids[at],
                HistoryRow { booking, action, asked: columns.asked[at], answer: columns.answers[at].clone() },
            )
        })
        .collect();
    let log = rows.log.clone();
    let counts: Vec<_> = rows
        .events
        .iter()
        .map(|row| {
            let numbers = (row.total, row.free, row.waiting_bookings, row.waiting_seats);
            (row.event, numbers, row.last_order, row.version, row.head)
        })
        .collect();
    let messages = rows.outbox.len();
    Box::new(move |tables, violations| {
        for (id, row) in created {
            if tables.bookings.insert(id, row).is_some() {
                violations.push(format!("booking {id} is created twice"));
            }
        }
        for (id, place) in places {
            if let Some(row) = tables.bookings.get_mut(&id) {
                (row.status, row.waiting_seats, row.waiting_order) =
                    (place.status, place.waiting_seats, place.waiting_order);
            }
        }
        for (event, booking, seat) in released {
            if tables.seats.remove(&(event, seat)) != Some(booking.0) {
                violations.push(format!("seat {seat} is given back by {booking}, which does not hold it"));
            }
        }
        for (event, seat, booking) in seats {
            if tables.seats.insert((event, seat), booking).is_some_and(|holder| holder != booking) {
                violations.push(format!("seat {seat} is sold twice"));
            }
        }
        for (id, row) in history {
            if row.action == "created"
                && let (Some(booking), Some(answer)) = (tables.bookings.get_mut(&row.booking), &row.answer)
            {
                booking.answer.clone_from(answer);
            }
            tables.history.insert(id, row);
        }
        for (event, version, head, changes) in log {
            tables.add_to_log(LogRow { event, version, head, changes }, violations);
        }
        for (event, (total, free, waiting_bookings, waiting_seats), last_order, version, head) in counts {
            if let Some(row) = tables.events.get_mut(&event) {
                (row.total, row.free) = (total.cast_signed(), free.cast_signed());
                (row.waiting_bookings, row.waiting_seats) = (waiting_bookings.into(), waiting_seats.into());
                (row.version, row.head) = (version, head);
            }
            tables.last_orders.insert(event, last_order);
        }
        tables.messages += messages;
    })
}

impl Store for Database {
    type Tx = Tx;

    fn clock(&self) -> Clock {
        Clock
    }

    async fn within<T: Send>(&self, _: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
        let mut work = Box::pin(work);
        std::future::poll_fn(|context| {
            // late: given up in the middle of whatever it waits for
            if self.lock_world().fault(600) {
                return std::task::Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    async fn load(&self, event: EventId, _: &[&Command]) -> sqlx::Result<Option<Known>> {
        Step::default().await;
        Ok(self.lock_world().tables.read(event))
    }

    async fn begin(&self) -> sqlx::Result<Tx> {
        Step::default().await;
        let mut world = self.lock_world();
        if world.fault(200) {
            return Err(broken());
        }
        world.transactions += 1;
        let id = world.transactions;
        world.open.insert(id, Open::default());
        drop(world);
        Ok(Tx { id, database: self.clone(), committing: false })
    }

    async fn lock(&self, tx: &mut Tx, events: &[EventId], wait: bool) -> sqlx::Result<HashMap<EventId, EventRow>> {
        let mut events = events.to_vec();
        events.sort_unstable();
        let mut had = Vec::new();
        self.statement(tx.id).await?;
        for event in events {
            let mut waited = 0;
            while !self.take(tx.id, event)? {
                if !wait {
                    break;
                }
                waited += 1;
                if waited > LOCK_WAIT_MAX {
                    return Err(refused("55P03"));
                }
                Step::default().await;
            }
            if waited <= LOCK_WAIT_MAX && self.has(tx.id, event) {
                had.push(event);
            }
        }
        let world = self.lock_world();
        Ok(had.into_iter().filter_map(|event| Some((event, world.tables.events.get(&event)?.clone()))).collect())
    }

    async fn look(&self, tx: &mut Tx, commands: &[&Command]) -> sqlx::Result<(DateTime<Utc>, Vec<Option<Facts>>)> {
        self.statement(tx.id).await?;
        let world = self.lock_world();
        let facts = commands.iter().map(|command| Some(Self::facts(&world.tables, command))).collect();
        Ok((DateTime::UNIX_EPOCH, facts))
    }

    async fn tail(&self, tx: &mut Tx, from: &[(EventId, i64)]) -> sqlx::Result<Vec<LogRow>> {
        self.statement(tx.id).await?;
        let world = self.lock_world();
        let rows = from.iter().flat_map(|(event, version)| {
            world.tables.log.get(event).into_iter().flatten().filter(move |row| row.version >= *version).cloned()
        });
        Ok(rows.collect())
    }

    async fn read(&self, tx: &mut Tx, event: EventId) -> sqlx::Result<Option<Known>> {
        self.statement(tx.id).await?;
        Ok(self.lock_world().tables.read(event))
    }

    async fn write(&self, tx: &mut Tx, rows: &Rows, _: DateTime<Utc>) -> Result<(), WriteError> {
        self.statement(tx.id).await?;
        let ids: BTreeSet<Uuid> = rows.created.keys().map(|id| id.0).collect();
        let mut waited = 0;
        while !self.try_write(tx.id, rows, &ids)? {
            waited += 1;
            if waited > LOCK_WAIT_MAX {
                return Err(refused("55P03").into());
            }
            Step::default().await;
        }
        Ok(())
    }

    async fn commit(&self, mut tx: Tx) -> sqlx::Result<()> {
        tx.committing = true;
        self.statement(tx.id).await?;
        let mut world = self.lock_world();
        if world.fault(20) {
            // the reply is lost: it was done, will be, or never is
            match world.chance.below(3) {
                0 => world.end(tx.id, true),
                1 => {
                    let steps = 1 + world.chance.below(25) as u32;
                    if let Some(open) = world.open.get_mut(&tx.id) {
                        open.ends = Some((steps, true));
                    }
                    tx.id = u64::MAX; // it ends by itself
                }
                _ => tx.committing = false,
            }
            return Err(broken());
        }
        world.end(tx.id, true);
        Ok(())
    }

    fn committed(&self, _: Vec<Told>) {}
}
