//! The callers of the simulation. Each books, claims and gives back, repeats with the same id (at any process) what was not answered,
//! and records the answers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use happening_api::{BookingId, EventId, UserId};
use happening_seating::{Choice, Seat};
use serde::Deserialize;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::database::Database;
use super::executor::Step;
use super::tables::Tables;
use crate::seats::command::{Command, Kind, Pending, Reply};
use crate::seats::queue::Queues;

const REQUESTS: usize = 5;
const TRIES_MAX: usize = 60;

/// The queues of each process; a restarted process has new ones.
#[derive(Clone, Default)]
pub(super) struct Processes(Arc<Mutex<Vec<Started>>>);

/// The number of this start among all starts of processes, and the queues of that start.
pub(super) type Started = (u64, Arc<Queues>);

impl Processes {
    pub(super) fn set(&self, process: usize, queues: Arc<Queues>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = all.iter().map(|(start, _)| start + 1).max().unwrap_or_default();
        if process < all.len() { all[process] = (starts, queues) } else { all.push((starts, queues)) }
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn get(&self, process: usize) -> Started {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[process].clone()
    }
}

/// A booking that joined the waitlist, as its caller was answered.
#[derive(Clone, Debug)]
struct Joined {
    event: EventId,
    booking: Uuid,
    /// The start of the process that was asked, if only this one was asked, and only once.
    asked_once: Option<u64>,
    asked_at: usize,
    answered_at: usize,
}

#[derive(Debug)]
enum Answered {
    Created { booking: Uuid, answer: String },
    Changed { id: Uuid },
    Joined(Joined),
}

/// What callers were answered, to be compared with the rows at the end.
#[derive(Debug, Default)]
pub(super) struct Journal {
    answered: Vec<Answered>,
    /// The person and the request hash of each creating request.
    requests: Vec<(UserId, Vec<u8>)>,
    /// Ids of bookings and changes that a failover lost; answers about them are no longer checked.
    lost: BTreeSet<Uuid>,
    ticks: usize,
}

impl Journal {
    fn tick(&mut self) -> usize {
        self.ticks += 1;
        self.ticks
    }

    /// Excludes bookings and changes that a failover lost from the checks.
    pub(super) fn forget(&mut self, lost: Vec<Uuid>) {
        self.lost.extend(lost);
    }

    /// Compares the answers with the rows, after all tasks have ended.
    pub(super) fn check(&self, tables: &Tables, found: &mut Vec<String>) {
        let mut joined = Vec::new();
        for one in &self.answered {
            match one {
                Answered::Created { booking, answer }
                    if !self.lost.contains(booking) && tables.first_answer(*booking) != Some(answer) =>
                {
                    found.push(format!("booking {booking} was answered and is not there as it was"));
                }
                Answered::Changed { id } if !self.lost.contains(id) && !tables.has_history(*id) => {
                    found.push(format!("change {id} was answered and is not there"));
                }
                Answered::Joined(one) if !self.lost.contains(&one.booking) => joined.push(one),
                _ => {}
            }
        }
        for (person, hash) in &self.requests {
            if tables.made_by(*person, hash) > 1 {
                found.push("one request made two bookings".to_owned());
            }
        }
        for one in &joined {
            for other in joined.iter().filter(|other| other.event == one.event) {
                let queued = !tables.was_passed_over(one.booking)
                    && one.asked_once.is_some()
                    && one.asked_once == other.asked_once;
                let earlier = one.answered_at < other.asked_at || queued && one.asked_at < other.asked_at;
                if let (true, Some(mine), Some(theirs)) =
                    (earlier, tables.order(one.booking), tables.order(other.booking))
                    && mine > theirs
                {
                    found.push("a later joining is ahead of an earlier one".to_owned());
                }
            }
        }
    }
}

/// The fields that a caller needs of an answer. Parsing all of it would take a tenth of the simulation's time.
#[derive(Deserialize)]
struct Shown {
    id: BookingId,
    event_id: EventId,
    seat_numbers: Vec<i32>,
    waiting_seats: i32,
}

/// A caller.
pub(super) struct Caller {
    person: UserId,
    events: Vec<EventId>,
    database: Database,
    processes: Processes,
    journal: Arc<Mutex<Journal>>,
    /// Its bookings, each with the seats it held according to the latest answer.
    bookings: Vec<(EventId, BookingId, Vec<Seat>)>,
}

impl Caller {
    pub(super) fn new(
        events: &[EventId],
        database: &Database,
        processes: &Processes,
        journal: &Arc<Mutex<Journal>>,
    ) -> Self {
        let person = UserId(database.lock_world().chance.id());
        let (database, processes, journal) = (database.clone(), processes.clone(), Arc::clone(journal));
        Self { person, events: events.to_vec(), database, processes, journal, bookings: Vec::new() }
    }

    fn id(&self) -> Uuid {
        self.database.lock_world().chance.id()
    }

    fn below(&self, end: usize) -> usize {
        self.database.lock_world().chance.below(end)
    }

    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn act(mut self) {
        for _ in 0..REQUESTS {
            let command = self.command();
            if let Kind::Create { request_hash, .. } = &command.kind {
                self.journal().requests.push((self.person, request_hash.clone()));
            }
            // one key can be sent to two events at once
            let mut alone = true;
            if self.events.len() > 1 && matches!(command.kind, Kind::Create { .. }) && self.below(12) == 0 {
                let event = self.events[self.below(self.events.len())];
                drop(self.send(&Command { event, ..command.clone() }));
                alone = false;
            }
            self.ask(command, alone).await;
        }
    }

    fn command(&self) -> Command {
        let choice = self.below(10);
        let kind = match self.bookings.get(self.below(self.bookings.len().max(1))) {
            Some((event, booking, seats)) if choice < 6 => {
                let some = (choice < 3 && !seats.is_empty()).then(|| vec![seats[self.below(seats.len())]]);
                let kind = match choice {
                    4 | 5 => Kind::Claim { booking: *booking, seats: None },
                    _ => Kind::GiveBack { booking: *booking, seats: some, reason: None },
                };
                (*event, kind)
            }
            _ => {
                let request_hash = self.id().as_bytes().to_vec();
                let seats = 1 + self.below(3) as u32;
                let kind = Kind::Create {
                    seats,
                    choice: Choice::Any,
                    waitlist: self.below(8) > 0,
                    request_hash,
                    on_behalf: None,
                };
                (self.events[self.below(self.events.len())], kind)
            }
        };
        let (event, kind) = kind;
        Command { id: self.id(), event, caller: self.person, kind, request_id: String::new() }
    }

    /// Gives a command to a random process. Returns which start of which process that was, and where the reply arrives.
    fn send(&self, command: &Command) -> (u64, oneshot::Receiver<Reply>) {
        let (start, queues) = self.processes.get(self.below(self.processes.count()));
        let (reply, answer) = oneshot::channel();
        let since = std::time::Instant::now();
        let pending = Pending { command: command.clone(), reply, since, failures: 0, may_be_done: false };
        drop(queues.add(pending));
        (start, answer)
    }

    /// Repeats a command until it is answered. `alone` says that no copy of it was sent.
    async fn ask(&mut self, command: Command, alone: bool) {
        let asked_at = self.journal().tick();
        for attempt in 0..TRIES_MAX {
            let (start, answer) = self.send(&command);
            let mut asked_once = (attempt == 0 && alone).then_some(start);
            if self.below(10) == 0 {
                drop(self.send(&command)); // a copy, to a random process
                asked_once = None;
            }
            match answer.await.unwrap_or(Reply::Unknown) {
                Reply::Done(answer) | Reply::Replayed(answer) => {
                    return self.note(&command, &answer.into_json(), (asked_once, asked_at));
                }
                Reply::Refused(_) | Reply::Portion { .. } => return,
                Reply::Nothing | Reply::Unknown => Step::default().await,
            }
        }
    }

    fn note(&mut self, command: &Command, answer: &str, (asked_once, asked_at): (Option<u64>, usize)) {
        let booking: Shown = serde_json::from_str(answer).expect("an answer shows a booking");
        self.bookings.retain(|(_, id, _)| *id != booking.id);
        let seats = booking.seat_numbers.iter().map(|seat| seat.cast_unsigned()).collect();
        self.bookings.push((booking.event_id, booking.id, seats));
        let mut journal = self.journal();
        let answered_at = journal.tick();
        let mut note = |what| journal.answered.push(what);
        match &command.kind {
            Kind::Create { .. } => {
                let booking_id = booking.id.0;
                note(Answered::Created { booking: booking_id, answer: answer.to_owned() });
                if booking.waiting_seats > 0 {
                    let event = booking.event_id;
                    note(Answered::Joined(Joined { event, booking: booking_id, asked_once, asked_at, answered_at }));
                }
            }
            _ => note(Answered::Changed { id: command.id }),
        }
    }
}
