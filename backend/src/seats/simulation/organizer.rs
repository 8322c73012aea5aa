//! The organizer of the simulation: cancels an event, raises its capacity or lets it start, and then asks for portions until that
//! change is complete.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use happening_api::{EventId, EventStatus, UserId};
use tokio::sync::oneshot;

use super::callers::Processes;
use super::database::{BEHIND_S_MAX, Database};
use super::executor::Step;
use super::tables::{Tables, UPCOMING};
use crate::seats::command::{Command, Due, Kind, Pending, Reply};
use crate::seats::protection::{Protection, out};

/// Small, so that a change needs several portions.
const PORTION: u32 = 2;
const SEATS_ADDED: i32 = 7;
const STEPS_BEFORE_MAX: usize = 40;

/// A change that an organizer completed.
#[derive(Debug)]
pub(super) struct Finished {
    event: EventId,
    due: Due,
    /// How many failovers there had been; a later failover can lose the change.
    failovers: usize,
}

/// The changes that all organizers completed.
pub(super) type Diary = Arc<Mutex<Vec<Finished>>>;

pub(super) struct Organizer {
    pub(super) event: EventId,
    pub(super) database: Database,
    pub(super) processes: Processes,
    pub(super) diary: Diary,
}

impl Organizer {
    pub(super) async fn act(self) {
        let steps = self.database.lock_world().chance.below(STEPS_BEFORE_MAX);
        for _ in 0..steps {
            Step::default().await;
        }
        let due = match self.database.lock_world().chance.below(3) {
            0 => Due::EndBookings { at_most: PORTION },
            1 => Due::EndWaiting { at_most: PORTION },
            _ => Due::AddSeats { at_most: PORTION },
        };
        let closed_last = out(Protection::ClosedFirst) && matches!(due, Due::EndBookings { .. });
        if closed_last {
            self.portions(due).await;
        }
        while !self.begin(due) {
            Step::default().await;
        }
        if !closed_last {
            self.portions(due).await;
        }
        let failovers = self.database.lock_world().failovers;
        let finished = Finished { event: self.event, due, failovers };
        self.diary.lock().unwrap_or_else(PoisonError::into_inner).push(finished);
    }

    /// Writes the event's row, which starts the long change.
    fn begin(&self, due: Due) -> bool {
        let mut world = self.database.lock_world();
        // the database's clock may be behind, so the event may count as upcoming for some time, or again
        let started = DateTime::from_timestamp(world.true_s, 0).unwrap_or_default();
        world.edit(self.event, |row| match due {
            Due::AddSeats { .. } => row.raising_to = Some(row.total + SEATS_ADDED),
            Due::EndWaiting { .. } => row.event_date = started,
            Due::EndBookings { .. } => row.status = EventStatus::Cancelled,
        })
    }

    /// Asks random processes for portions, one after the other, until the rows say that nothing is left.
    async fn portions(&self, due: Due) {
        while self.is_left(due) {
            if !matches!(self.ask(due).await, Ok(Reply::Portion { .. })) {
                Step::default().await;
            }
        }
    }

    fn is_left(&self, due: Due) -> bool {
        let world = self.database.lock_world();
        let date = world.tables.events[&self.event].event_date;
        let may_be_upcoming = date != UPCOMING && date.timestamp() > world.true_s - BEHIND_S_MAX;
        // a transaction that holds the row may have read the clock before the event started
        let may_still_join = may_be_upcoming || world.is_taken(self.event);
        is_left(&world.tables, self.event, due) || matches!(due, Due::EndWaiting { .. }) && may_still_join
    }

    fn ask(&self, due: Due) -> oneshot::Receiver<Reply> {
        let mut world = self.database.lock_world();
        let (id, process) = (world.chance.id(), world.chance.below(self.processes.count()));
        let (event, caller) = (self.event, UserId(id));
        let command = Command { id, event, caller, kind: Kind::Due(due), request_id: String::new() };
        let (reply, answer) = oneshot::channel();
        let since = std::time::Instant::now();
        let pending = Pending { command, reply, since, failures: 0, may_be_done: false };
        drop(self.processes.get(process).1.add(pending));
        answer
    }
}

/// Whether the change is incomplete. It is not when a failover lost its beginning.
fn is_left(tables: &Tables, event: EventId, due: Due) -> bool {
    let row = &tables.events[&event];
    match due {
        Due::AddSeats { .. } => row.raising_to.is_some(),
        Due::EndWaiting { .. } => row.event_date != UPCOMING && row.waiting_bookings > 0,
        _ if row.status == EventStatus::Cancelled || out(Protection::ClosedFirst) => tables.active(event) > 0,
        _ => false,
    }
}

/// Checks that completed changes are still complete, unless a failover came after them.
pub(super) fn check(diary: &Diary, tables: &Tables, failovers: usize, found: &mut Vec<String>) {
    for one in diary.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|one| one.failovers == failovers) {
        if is_left(tables, one.event, one.due) {
            found.push(format!("{:?} was finished, and is not", one.due));
        }
    }
}
