//! The organizer of the simulation: cancels an event, raises its capacity, or lets it start, and sees to it that all portions of that
//! are done.

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

/// So few that a schedule has several portions.
const PORTION: u32 = 2;
const SEATS_ADDED: i32 = 7;
const STEPS_BEFORE_MAX: usize = 40;

/// What an organizer saw to its end.
#[derive(Debug)]
pub(super) struct Finished {
    event: EventId,
    due: Due,
    /// How often the database had failed over: a later one can lose it again.
    failovers: usize,
}

/// What organizers finished.
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

    /// The change of the event's row with which it begins.
    fn begin(&self, due: Due) -> bool {
        let mut world = self.database.lock_world();
        // the database's clock may be behind: then it is still upcoming, or is so again for a while
        let started = DateTime::from_timestamp(world.true_s, 0).unwrap_or_default();
        world.edit(self.event, |row| match due {
            Due::AddSeats { .. } => row.raising_to = Some(row.total + SEATS_ADDED),
            Due::EndWaiting { .. } => row.event_date = started,
            Due::EndBookings { .. } => row.status = EventStatus::Cancelled,
        })
    }

    /// One after the other, at any process, until the rows say that none is left.
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
        // one that has the row may have looked at the clock before
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

/// Nothing is, when a failover lost that it began.
fn is_left(tables: &Tables, event: EventId, due: Due) -> bool {
    let row = &tables.events[&event];
    match due {
        Due::AddSeats { .. } => row.raising_to.is_some(),
        Due::EndWaiting { .. } => row.event_date != UPCOMING && row.waiting_bookings > 0,
        _ if row.status == EventStatus::Cancelled || out(Protection::ClosedFirst) => tables.active(event) > 0,
        _ => false,
    }
}

/// What was finished stays so.
pub(super) fn check(diary: &Diary, tables: &Tables, failovers: usize, found: &mut Vec<String>) {
    for one in diary.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|one| one.failovers == failovers) {
        if is_left(tables, one.event, one.due) {
            found.push(format!("{:?} was finished, and is not", one.due));
        }
    }
}
