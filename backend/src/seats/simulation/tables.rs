//! The tables of the simulated Postgres, the effect of a transaction on them, and their invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use happening_api::{BookingId, BookingStatus, EventId, Role, UserId, Visibility};
use happening_seating::{Change, EventSeats, Image, Loaded, Seat};
use uuid::Uuid;

use crate::seats::answer::Answer;
use crate::seats::command::{Command, Kind};
use crate::seats::facts::{BookingFacts, EventRow, Facts, Found};
use crate::seats::log::{self, Entry};
use crate::seats::protection::{Protection, out};
use crate::seats::rows::{NewBooking, Rows};
use crate::seats::states::{Known, LogRow};

/// The start of every event, until its organizer lets it start.
pub(super) const UPCOMING: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

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

/// The committed rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) events: BTreeMap<EventId, EventRow>,
    last_orders: BTreeMap<EventId, u64>,
    bookings: BTreeMap<Uuid, Arc<BookingRow>>,
    seats: BTreeMap<(EventId, Seat), Uuid>,
    history: BTreeMap<Uuid, Arc<HistoryRow>>,
    log: BTreeMap<EventId, Vec<LogRow>>,
    /// For each event, the state that results from its log.
    folded: BTreeMap<EventId, EventSeats>,
    messages: usize,
    /// Commands that were refused by a transaction whose reply to COMMIT was lost, so their callers were not told.
    passed_over: BTreeSet<Uuid>,
}

/// The effect of a transaction on the tables.
pub(super) type Written = Box<dyn FnOnce(&mut Tables, &mut Vec<String>) + Send>;

impl Tables {
    /// Adds an event that takes bookings and whose seats are all free.
    pub(super) fn add_event(&mut self, event: EventId, total: i32, seats_per_person_max: Option<i32>) {
        let row = EventRow {
            id: event,
            org: event.0.into(),
            status: happening_api::EventStatus::Upcoming,
            event_date: UPCOMING,
            over_at: UPCOMING,
            seats_per_person_max,
            total,
            raising_to: None,
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

    /// The state of an event, read from its rows.
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

    /// Checks the invariants of an event's rows.
    pub(super) fn check(&self, event: EventId, violations: &mut Vec<String>) {
        let (Some(row), Some(known)) = (self.events.get(&event), self.read(event)) else {
            violations.push(format!("the rows of {event} contradict each other"));
            return;
        };
        if !row.counts_as(&known) {
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

    /// Checks that a state with the name of the event's row equals the rows.
    pub(super) fn check_state(&self, event: EventId, known: &Known, whose: &str, violations: &mut Vec<String>) {
        let row = &self.events[&event];
        let named_so = (row.version, row.head) == (known.version, known.head);
        if named_so && self.read(event).is_none_or(|rows| rows.seats != known.seats) {
            violations.push(format!("{whose} of {event} is not that of its rows"));
        }
    }

    /// How many bookings of an event are not cancelled.
    pub(super) fn active(&self, event: EventId) -> usize {
        let active = |one: &&Arc<BookingRow>| one.event == event && one.status != BookingStatus::Cancelled;
        self.bookings.values().filter(active).count()
    }

    /// Adds a row to the log, and applies it to the state that results from the log.
    fn add_to_log(&mut self, row: LogRow, violations: &mut Vec<String>) {
        let event = row.event;
        match (Entry::decode(&row.changes), self.folded.get_mut(&event)) {
            (Ok(Entry::Base(image)), _) => {
                self.folded.extend(log::state_of(&image).ok().map(|state| (event, state)));
            }
            (Ok(Entry::Changes(changes)), Some(seats)) => {
                let apply = std::panic::AssertUnwindSafe(|| applied_in_order(seats, &changes));
                match std::panic::catch_unwind(apply) {
                    Ok(true) => {}
                    Ok(false) => violations.push(format!("a new seat of {event} is free while somebody waits")),
                    Err(_) => violations.push(format!("the log of {event} contradicts itself")),
                }
            }
            _ => violations.push(format!("the log of {event} has no beginning")),
        }
        self.log.entry(event).or_default().push(row);
    }

    /// The first answer of a booking; `None` when the booking does not exist.
    pub(super) fn first_answer(&self, booking: Uuid) -> Option<&str> {
        self.bookings.get(&booking).map(|row| row.answer.as_str())
    }

    /// For a transaction whose reply to COMMIT was lost: records which of its commands it refused. Their callers were not told, and
    /// the commands are decided again after what that transaction did.
    pub(super) fn passed_over(&mut self, commands: &[Uuid]) {
        let refused = commands.iter().filter(|id| !self.bookings.contains_key(id) && !self.history.contains_key(id));
        self.passed_over.extend(refused.copied().collect::<Vec<_>>());
    }

    /// Whether a command was refused in such a transaction.
    pub(super) fn was_passed_over(&self, id: Uuid) -> bool {
        self.passed_over.contains(&id)
    }

    /// How many bookings of a person were made by requests with this hash.
    pub(super) fn made_by(&self, person: UserId, hash: &[u8]) -> usize {
        self.bookings.values().filter(|row| row.person == person && row.hash == hash).count()
    }

    /// Whether a history row with this id was written.
    pub(super) fn has_history(&self, id: Uuid) -> bool {
        self.history.contains_key(&id)
    }

    /// The booking's order on the waitlist, if it waits.
    pub(super) fn order(&self, booking: Uuid) -> Option<u64> {
        self.bookings.get(&booking)?.waiting_order
    }

    /// The facts that the rows have about a command.
    pub(super) fn facts(&self, command: &Command) -> Facts {
        let found = match &command.kind {
            Kind::Create { request_hash, .. } => self.bookings.get(&command.id).map(|row| Found::Answer {
                answer: Answer::kept(row.answer.clone()),
                same_request: row.hash == *request_hash,
            }),
            Kind::Claim { booking, seats } => {
                self.history.get(&command.id).filter(|row| row.action == "claimed").map(|row| Found::Answer {
                    answer: Answer::kept(row.answer.clone().unwrap_or_default()),
                    same_request: row.booking == booking.0 && row.asked.map(i32::cast_unsigned) == *seats,
                })
            }
            Kind::GiveBack { booking, .. } => {
                self.history.get(&command.id).filter(|row| row.booking == booking.0).map(|_| Found::Done)
            }
            Kind::Due(_) => None,
        };
        let row = command.kind.booking().and_then(|booking| self.bookings.get(&booking.0));
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
            is_due: matches!(command.kind, Kind::Due(_)),
            visibility,
            role,
            owner: false,
            has_booking: false,
            booking,
        }
    }

    /// Whether a booking of another event already has the id of this new one.
    pub(super) fn has_at_another_event(&self, new: &NewBooking) -> bool {
        self.bookings.get(&new.id.0).is_some_and(|there| there.event != new.event)
    }

    /// Whether the booking holds the seat.
    pub(super) fn holds(&self, event: EventId, booking: BookingId, seat: Seat) -> bool {
        self.seats.get(&(event, seat)) == Some(&booking.0)
    }

    /// The log rows of an event from a version on.
    pub(super) fn tail(&self, event: EventId, version: i64) -> Vec<LogRow> {
        self.log.get(&event).into_iter().flatten().filter(|row| row.version >= version).cloned().collect()
    }

    /// Ids of the bookings and history rows that `other` does not have.
    pub(super) fn missing_in(&self, other: &Self) -> Vec<Uuid> {
        let changes = self.history.keys().filter(|id| !other.history.contains_key(id));
        let bookings = self.bookings.keys().filter(|id| !other.bookings.contains_key(id));
        changes.chain(bookings).copied().collect()
    }
}

/// Applies changes. False when seats were added and, after the changes that follow from that, one of them is free while a booking
/// waits.
fn applied_in_order(seats: &mut EventSeats, changes: &[Change]) -> bool {
    let mut added = None;
    let mut in_order = true;
    for change in changes {
        let follows = matches!(change, Change::Took { .. } | Change::Wants { .. });
        if !follows {
            in_order &= added.take().is_none_or(|new| none_is_left(seats, new));
        }
        if let Change::Resized { from, to } = change {
            added = Some((*from, *to));
        }
        seats.apply(std::slice::from_ref(change));
    }
    in_order && added.is_none_or(|new| none_is_left(seats, new))
}

fn none_is_left(seats: &EventSeats, (from, to): (u32, u32)) -> bool {
    seats.waiting().bookings == 0 || (from + 1..=to).all(|seat| !seats.is_free(seat))
}

/// The effect of these rows on the tables.
#[expect(clippy::too_many_lines, reason = "a line or two for each table")]
pub(super) fn applied(rows: &Rows) -> Written {
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
            let numbers = (row.total, row.raising_to, row.free, row.waiting_bookings, row.waiting_seats);
            (row.event, numbers, row.last_order, row.version, row.head)
        })
        .collect();
    let messages = rows.outbox.len();
    Box::new(move |tables, violations| {
        for (id, row) in created {
            if tables.bookings.insert(id, Arc::new(row)).is_some() {
                violations.push(format!("booking {id} is created twice"));
            }
        }
        for (id, place) in places {
            if let Some(row) = tables.bookings.get_mut(&id).map(Arc::make_mut) {
                (row.status, row.waiting_seats, row.waiting_order) =
                    (place.status, place.waiting_seats, place.waiting_order);
            }
        }
        let release = |tables: &mut Tables, violations: &mut Vec<String>| {
            for (event, booking, seat) in &released {
                if tables.seats.remove(&(*event, *seat)) != Some(booking.0) {
                    violations.push(format!("seat {seat} is given back by {booking}, which does not hold it"));
                }
            }
        };
        if !out(Protection::ReleasesFirst) {
            release(tables, violations);
        }
        for (event, seat, booking) in seats {
            if tables.seats.insert((event, seat), booking).is_some_and(|holder| holder != booking) {
                violations.push(format!("seat {seat} is sold twice"));
            }
        }
        if out(Protection::ReleasesFirst) {
            release(tables, violations);
        }
        for (id, row) in history {
            if row.action == "created"
                && let (Some(booking), Some(answer)) =
                    (tables.bookings.get_mut(&row.booking).map(Arc::make_mut), &row.answer)
            {
                booking.answer.clone_from(answer);
            }
            tables.history.insert(id, Arc::new(row));
        }
        for (event, version, head, changes) in log {
            tables.add_to_log(LogRow { event, version, head, changes }, violations);
        }
        for (event, (total, raising_to, free, waiting_bookings, waiting_seats), last_order, version, head) in counts {
            if let Some(row) = tables.events.get_mut(&event) {
                (row.total, row.free) = (total.cast_signed(), free.cast_signed());
                row.raising_to = raising_to.map(u32::cast_signed);
                (row.waiting_bookings, row.waiting_seats) = (waiting_bookings.into(), waiting_seats.into());
                (row.version, row.head) = (version, head);
            }
            tables.last_orders.insert(event, last_order);
        }
        tables.messages += messages;
    })
}
