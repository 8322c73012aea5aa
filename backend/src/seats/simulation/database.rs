//! A model of Postgres at the level of statements: a statement sees what was committed when it began, rows of events can be locked,
//! and a commit can be lost, be late or be ended by a failover. The model has no unique index of seats, so that a seat which is sold
//! twice becomes visible.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::{BookingId, EventId};
use happening_seating::Seat;
use uuid::Uuid;

use super::executor::{Chance, Step};
use super::tables::{Tables, Written, applied};
use crate::clock::Clock;
use crate::seats::command::Command;
use crate::seats::committed::Committed;
use crate::seats::facts::{EventRow, Facts};
use crate::seats::protection::{Protection, out};
use crate::seats::reading::Source;
use crate::seats::rows::{Rows, WriteError};
use crate::seats::states::{Known, LogRow};
use crate::seats::store::Store;

/// How many statements a transaction waits for a locked row at most.
const LOCK_WAIT_MAX: u32 = 40;
/// How many commits a failover loses at most.
const LOST_MAX: usize = 2;
/// How far the database's clock may be set behind the true time.
pub(super) const BEHIND_S_MAX: i64 = 8;

#[derive(Default)]
struct Open {
    locks: BTreeSet<EventId>,
    /// Ids of the bookings that it inserts; another transaction that inserts one of them must wait.
    inserts: BTreeSet<Uuid>,
    written: Option<Written>,
    /// Ids of the commands whose facts it read.
    commands: Vec<Uuid>,
    /// Whether its commit was sent and the reply was lost.
    unheard: bool,
    /// After how many steps it ends without its task, and whether it commits then.
    ends: Option<(u32, bool)>,
}

/// The shared world of the simulation: the random generator, the committed tables, and the open transactions.
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) tables: Tables,
    /// Earlier committed tables, the oldest first; a failover returns to one of them.
    past: Vec<Tables>,
    open: BTreeMap<u64, Open>,
    transactions: u64,
    /// Violations of invariants that were found.
    pub(super) violations: Vec<String>,
    /// Whether faults happen.
    pub(super) faults: bool,
    pub(super) failovers: usize,
    /// Seconds since the beginning; the database's clock is `behind_s` behind them.
    pub(super) true_s: i64,
    behind_s: i64,
}

/// A process' connection to the database.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) world: Arc<Mutex<World>>,
}

/// A transaction. When it is dropped, it is rolled back some steps later.
pub(super) struct Tx {
    id: u64,
    database: Database,
    committing: bool,
}

impl Drop for Tx {
    fn drop(&mut self) {
        let mut world = self.database.lock_world();
        let steps = world.chance.below(6) as u32;
        // when COMMIT was already sent, it may still succeed
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

/// An error of Postgres with this code.
pub(in crate::seats) fn refused(code: &'static str) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Refused(code)))
}

fn broken() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::BrokenPipe.into())
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
            failovers: 0,
            true_s: 0,
            behind_s: 0,
        }
    }

    /// True once in `times` calls on average, while faults happen.
    fn fault(&mut self, times: usize) -> bool {
        self.faults && self.chance.one_in(times)
    }

    /// The time of the database's clock, which sometimes jumps back or forth.
    fn clock(&mut self) -> DateTime<Utc> {
        self.true_s += 1;
        if self.fault(20) {
            self.behind_s = self.chance.below(BEHIND_S_MAX as usize + 1) as i64;
        }
        DateTime::from_timestamp(self.true_s - self.behind_s, 0).unwrap_or_default()
    }

    fn end(&mut self, id: u64, commits: bool) {
        let Some(open) = self.open.remove(&id) else { return };
        if let (true, Some(written)) = (commits, open.written) {
            written(&mut self.tables, &mut self.violations);
            if open.unheard {
                self.tables.passed_over(&open.commands);
            }
            if self.past.len() > LOST_MAX {
                self.past.remove(0);
            }
            self.past.push(self.tables.clone());
            open.locks.into_iter().for_each(|event| self.tables.check(event, &mut self.violations));
        }
    }

    /// Changes an event's row in a transaction of its own. False while another transaction holds the row.
    pub(super) fn edit(&mut self, event: EventId, change: impl FnOnce(&mut EventRow)) -> bool {
        if self.is_taken(event) {
            return false;
        }
        self.tables.events.get_mut(&event).map(change);
        self.past.push(self.tables.clone());
        if self.past.len() > LOST_MAX + 1 {
            self.past.remove(0);
        }
        true
    }

    /// Lets a step pass: transactions without a task end when their time has come.
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
        for (id, commits) in ended {
            self.open.entry(id).and_modify(|open| open.unheard = true);
            self.end(id, commits);
        }
    }

    /// Whether a transaction holds the event's row.
    pub(super) fn is_taken(&self, event: EventId) -> bool {
        self.open.values().any(|open| open.locks.contains(&event))
    }

    /// Whether no transaction is open.
    pub(super) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }

    /// Fails over: the primary and its last commits are lost, and the standby continues from an earlier state. Returns the ids of the
    /// lost bookings and changes.
    pub(super) fn fail_over(&mut self) -> Vec<Uuid> {
        self.failovers += 1;
        let lost = self.chance.below(LOST_MAX + 1).min(self.past.len() - 1);
        self.past.truncate(self.past.len() - lost);
        let before = std::mem::take(&mut self.tables);
        self.tables = self.past.last().cloned().unwrap_or_default();
        self.open.clear();
        before.missing_in(&self.tables)
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
            return Err(broken()); // the transaction was lost in a failover
        }
        if world.fault(150) {
            return Err(if world.chance.one_in(3) { refused("57014") } else { broken() });
        }
        Ok(())
    }

    /// Locks an event's row. False when another transaction holds it.
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

    /// Records what a transaction writes. False while another transaction inserts the same booking.
    fn try_write(&self, tx: u64, rows: &Rows, ids: &BTreeSet<Uuid>) -> Result<bool, WriteError> {
        let mut world = self.lock_world();
        if world.open.iter().any(|(id, open)| *id != tx && !open.inserts.is_disjoint(ids)) {
            return Ok(false);
        }
        if world.fault(100) {
            return Err(refused("40P01").into());
        }
        let tables = &world.tables;
        if rows.created.values().any(|new| tables.has_at_another_event(new)) {
            return Err(refused("23505").into());
        }
        let held = |(event, booking, seat): &&(EventId, BookingId, Seat)| tables.holds(*event, *booking, *seat);
        let (written, expected) = (rows.released.iter().filter(held).count() as i64, rows.released.len() as i64);
        if written != expected && !out(Protection::RowsCounted) {
            return Err(WriteError::OtherRows { what: "seats given back", written, expected });
        }
        let open = world.open.get_mut(&tx).ok_or_else(broken)?;
        (open.inserts, open.written) = (ids.clone(), Some(applied(rows)));
        Ok(true)
    }
}

impl Source for Database {
    async fn load(&self, event: EventId) -> sqlx::Result<Option<Known>> {
        Store::load(self, event, &[]).await
    }

    async fn tail(&self, event: EventId, version: i64) -> sqlx::Result<Vec<LogRow>> {
        Step::default().await;
        Ok(self.lock_world().tables.tail(event, version))
    }
}

impl Store for Database {
    type Tx = Tx;

    fn clock(&self) -> Clock {
        Clock
    }

    async fn within<T: Send>(&self, _: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
        let mut work = Box::pin(work);
        std::future::poll_fn(|context| {
            // a timeout: the work is dropped, whatever it is waiting for
            if self.lock_world().fault(600) {
                return std::task::Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await
    }

    async fn load(&self, event: EventId, _: &[&Command]) -> sqlx::Result<Option<Known>> {
        Step::default().await;
        let mut loaded = self.lock_world().tables.read(event);
        if out(Protection::OneSnapshot) {
            Step::default().await;
            let now = self.lock_world().tables.read(event);
            if let (Some(loaded), Some(now)) = (&mut loaded, now) {
                (loaded.version, loaded.head, loaded.in_log) = (now.version, now.head, now.in_log);
            }
        }
        Ok(loaded)
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
        let mut world = self.lock_world();
        let facts = commands.iter().map(|command| Some(world.tables.facts(command))).collect();
        world.open.entry(tx.id).and_modify(|open| open.commands = commands.iter().map(|one| one.id).collect());
        Ok((world.clock(), facts))
    }

    async fn tail(&self, tx: &mut Tx, from: &[(EventId, i64)]) -> sqlx::Result<Vec<LogRow>> {
        self.statement(tx.id).await?;
        let world = self.lock_world();
        Ok(from.iter().flat_map(|(event, version)| world.tables.tail(*event, *version)).collect())
    }

    async fn read(&self, tx: &mut Tx, events: &[EventId]) -> sqlx::Result<HashMap<EventId, Known>> {
        self.statement(tx.id).await?;
        let world = self.lock_world();
        Ok(events.iter().filter_map(|event| Some((*event, world.tables.read(*event)?))).collect())
    }

    fn rows_read_max(&self) -> u32 {
        // so low that an event's state is sometimes read here and sometimes left to a side lane
        self.lock_world().chance.below(6) as u32
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
            // the reply is lost; the commit has happened, will happen later, or never happens
            world.open.entry(tx.id).and_modify(|open| open.unheard = true);
            match world.chance.below(3) {
                0 => world.end(tx.id, true),
                1 => {
                    let steps = 1 + world.chance.below(25) as u32;
                    if let Some(open) = world.open.get_mut(&tx.id) {
                        open.ends = Some((steps, true));
                    }
                    tx.id = u64::MAX; // detaches the transaction, so that dropping `tx` does not change when it ends
                }
                _ => tx.committing = false,
            }
            return Err(broken());
        }
        world.end(tx.id, true);
        Ok(())
    }

    fn committed(&self, _: Vec<Committed>) {}
}
