//! One batch: lock the events, look with a fresh snapshot, decide, write, commit; split when a part of it fails.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::{Booking, BookingId, BookingStatus, EventId, UserId};

use super::sql::{self, ClaimFacts, CreateFacts, EventRow, WaitlistCount, Writes};
use super::{Item, Kind, Parts, Refusal, Reply};
use crate::bookings::answer::Answer;
use crate::database;
use crate::gate::{ConfirmItem, Taken};
use crate::switches;

/// Tries of a batch that failed for a passing reason (deadlock, lock timeout, a broken connection).
const TRIES_MAX: u32 = 3;
const PREPARE_TIMEOUT: Duration = Duration::from_millis(900);
/// Longer: a commit that is only slow should be answered, since giving up on it leaves the caller not knowing.
const COMMIT_TIMEOUT: Duration = Duration::from_millis(2_000);

/// An item together with what must happen after the transaction.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) item: Item,
    pub(crate) verdict: Verdict,
}

/// What the transaction made of an item.
#[derive(Debug)]
pub(crate) enum Verdict {
    Written {
        answer: Answer,
        confirm: ConfirmItem,
    },
    Exists {
        answer: Answer,
        same_request: bool,
    },
    Refused(Refusal),
    OtherGeneration,
    /// The gate gave out a seat or an order that the rows refuse: rebuild, never release.
    GateWrong,
    Unavailable,
    OutcomeUnknown,
}

enum BatchError {
    /// Nothing was committed.
    NotCommitted(sqlx::Error),
    /// The reply to COMMIT was lost.
    Unknown(sqlx::Error),
}

impl From<sqlx::Error> for BatchError {
    fn from(error: sqlx::Error) -> Self {
        Self::NotCommitted(error)
    }
}

/// Writes a batch and, when it fails, its parts.
pub(crate) async fn write(parts: &Parts, items: Vec<Item>) -> Vec<Settled> {
    let mut todo = vec![(items, 1)];
    let mut settled = Vec::new();
    while let Some((items, attempt)) = todo.pop() {
        match write_once(parts, &items).await {
            Ok(verdicts) => {
                settled.extend(items.into_iter().zip(verdicts).map(|(item, verdict)| Settled { item, verdict }));
            }
            Err(BatchError::Unknown(error)) => {
                tracing::warn!(%error, items = items.len(), "the reply to a commit was lost");
                settled.extend(items.into_iter().map(|item| Settled { item, verdict: Verdict::OutcomeUnknown }));
            }
            Err(BatchError::NotCommitted(error)) => split(items, attempt, &error, &mut todo, &mut settled),
        }
    }
    settled
}

fn split(
    items: Vec<Item>,
    attempt: u32,
    error: &sqlx::Error,
    todo: &mut Vec<(Vec<Item>, u32)>,
    settled: &mut Vec<Settled>,
) {
    let code = error.as_database_error().and_then(|db| db.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        // some event's row is held by somebody else, or two batches met: only its own items wait
        "55P03" | "40P01" if attempt < TRIES_MAX => {
            let mut by_event: BTreeMap<EventId, Vec<Item>> = BTreeMap::new();
            for item in items {
                by_event.entry(item.event).or_default().push(item);
            }
            todo.extend(by_event.into_values().map(|items| (items, attempt + 1)));
        }
        _ if database::is_away(error) => {
            // a connection that broke is replaced once; a database that does not answer is not waited for
            let broken = matches!(error, sqlx::Error::Io(io) if io.kind() != std::io::ErrorKind::TimedOut);
            if broken && attempt == 1 {
                todo.push((items, attempt + 1));
                return;
            }
            tracing::warn!(%error, items = items.len(), "a batch was not written");
            settled.extend(items.into_iter().map(|item| Settled { item, verdict: Verdict::Unavailable }));
        }
        // the rows refuse something: find out whose it is
        _ if items.len() > 1 => {
            let mut left = items;
            let right = left.split_off(left.len() / 2);
            todo.extend([(right, attempt), (left, attempt)]);
        }
        _ => refused_alone(items, attempt, error, todo, settled),
    }
}

fn refused_alone(
    items: Vec<Item>,
    attempt: u32,
    error: &sqlx::Error,
    todo: &mut Vec<(Vec<Item>, u32)>,
    settled: &mut Vec<Settled>,
) {
    let constraint = database::violated_constraint(error).unwrap_or_default().to_owned();
    let own_id = ["bookings_pkey", "booking_history_pkey", "booking_history_claim_key"].contains(&constraint.as_str());
    for item in items {
        // the id appeared between the look and the write: look again, it will be found
        if own_id && attempt < TRIES_MAX {
            todo.push((vec![item], attempt + 1));
        } else {
            // a seat twice, an order twice, or more seats than there are (checked before the seat's own index)
            tracing::error!(event = %item.event, constraint, %error, "the gate gave out what the rows refuse");
            settled.push(Settled { item, verdict: Verdict::GateWrong });
        }
    }
}

/// A database that does not answer must not hold a writer: before COMMIT nothing has happened, after it nobody knows.
async fn write_once(parts: &Parts, items: &[Item]) -> Result<Vec<Verdict>, BatchError> {
    let late = || sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    let prepared = tokio::time::timeout(PREPARE_TIMEOUT, prepare(parts, items)).await;
    let (tx, verdicts) = prepared.map_err(|_| late())??;
    match tokio::time::timeout(COMMIT_TIMEOUT, tx.commit()).await {
        Ok(Ok(())) => Ok(verdicts),
        Ok(Err(error @ sqlx::Error::Database(_))) => Err(BatchError::NotCommitted(error)),
        Ok(Err(error)) => Err(BatchError::Unknown(error)),
        Err(_) => Err(BatchError::Unknown(late())),
    }
}

/// Everything up to COMMIT.
async fn prepare(
    parts: &Parts,
    items: &[Item],
) -> Result<(sqlx::Transaction<'static, sqlx::Postgres>, Vec<Verdict>), sqlx::Error> {
    let mut tx = parts.pool.begin().await?;
    let mut ids: Vec<EventId> = items.iter().map(|item| item.event).collect();
    ids.sort_unstable();
    ids.dedup();
    let events = sql::lock_events(&mut tx, &ids).await?;
    let creates = sql::look_creates(&mut tx, items).await?;
    let claims = sql::look_claims(&mut tx, items).await?;
    let joins: Vec<EventId> = ids.iter().copied().filter(|id| wants_to_join(items, *id)).collect();
    let waitlists = sql::count_waitlists(&mut tx, &joins).await?;
    let mut decision = Decision::new(parts, events, waitlists);
    let verdicts = items.iter().map(|item| decision.decide(item, &creates, &claims)).collect();
    if !decision.writes.is_empty() {
        sql::write(&mut tx, &decision.writes).await?;
    }
    Ok((tx, verdicts))
}

fn wants_to_join(items: &[Item], event: EventId) -> bool {
    items.iter().any(|item| item.event == event && item.taken == Taken::Join)
}

/// Decides item by item, keeping count of what the batch itself changes.
struct Decision<'p> {
    parts: &'p Parts,
    events: HashMap<EventId, EventRow>,
    waitlists: HashMap<EventId, WaitlistCount>,
    /// Seats that a person gets within this batch.
    more_of_person: HashMap<(EventId, UserId), i32>,
    /// Seats that claims within this batch give to a booking.
    claimed: HashMap<BookingId, Vec<i32>>,
    /// Ids that this batch writes: a copy in the same batch waits for the next look.
    ids: std::collections::HashSet<uuid::Uuid>,
    writes: Writes,
}

impl<'p> Decision<'p> {
    fn new(parts: &'p Parts, events: HashMap<EventId, EventRow>, waitlists: HashMap<EventId, WaitlistCount>) -> Self {
        Self {
            parts,
            events,
            waitlists,
            more_of_person: HashMap::new(),
            claimed: HashMap::new(),
            ids: std::collections::HashSet::new(),
            writes: Writes::default(),
        }
    }

    fn decide(
        &mut self,
        item: &Item,
        creates: &HashMap<(EventId, BookingId), CreateFacts>,
        claims: &HashMap<(BookingId, uuid::Uuid), ClaimFacts>,
    ) -> Verdict {
        match &item.kind {
            Kind::Create { seats, reassigned, request_hash } => {
                let booking = BookingId(item.hold.key);
                let Some(facts) = creates.get(&(item.event, booking)) else {
                    return Verdict::Refused(Refusal::NotFound);
                };
                match &facts.first {
                    Some((hash, Some(answer))) => {
                        return Verdict::Exists { answer: answer.clone(), same_request: hash == request_hash };
                    }
                    Some((_, None)) => return Verdict::Refused(Refusal::KeyReused),
                    None => {}
                }
                if let Err(verdict) = self.check_event(item, facts.member) {
                    return verdict;
                }
                if let Err(refusal) = self.check_limit(item, facts.have, *seats) {
                    return Verdict::Refused(refusal);
                }
                if !self.ids.insert(booking.0) {
                    return Verdict::Unavailable;
                }
                self.create(item, booking, *seats, *reassigned, request_hash)
            }
            Kind::Claim { booking, asked } => {
                let claim = item.hold.key;
                let Some(facts) = claims.get(&(*booking, claim)) else {
                    return Verdict::Refused(Refusal::NotFound);
                };
                if let Some(first) = &facts.first {
                    let same_request = first.is_of(*booking, *asked);
                    return Verdict::Exists { answer: first.answer.clone(), same_request };
                }
                if let Err(verdict) = self.check_event(item, facts.member) {
                    return verdict;
                }
                if facts.booking.status == BookingStatus::Cancelled {
                    return Verdict::Refused(Refusal::AlreadyCancelled);
                }
                let claimed = self.claimed.get(booking).map_or(0, Vec::len) as i32;
                let wanted = facts.booking.waiting_seats - claimed;
                if (item.seats().len() as i32) > wanted {
                    return Verdict::Refused(Refusal::WantsFewer { wanted });
                }
                if !self.ids.insert(claim) {
                    return Verdict::Unavailable;
                }
                self.claim(item, (claim, *asked), facts, wanted)
            }
        }
    }

    /// What must be true now of every item: generation, event upcoming, person may see it.
    fn check_event(&self, item: &Item, member: bool) -> Result<(), Verdict> {
        let Some(event) = self.events.get(&item.event) else { return Err(Verdict::Refused(Refusal::NotFound)) };
        if event.gate_generation != item.generation && !switches::on("skip_generation_check") {
            return Err(Verdict::OtherGeneration);
        }
        if !event.public && !member {
            return Err(Verdict::Refused(Refusal::NotFound));
        }
        if !event.upcoming {
            return Err(Verdict::Refused(Refusal::EventNotOpen));
        }
        Ok(())
    }

    fn check_limit(&mut self, item: &Item, have: i32, seats: i32) -> Result<(), Refusal> {
        let limit = self.events.get(&item.event).and_then(|event| event.max_seats_per_user);
        let more = self.more_of_person.entry((item.event, item.user)).or_default();
        let have = have + *more;
        match limit {
            Some(limit) if have + seats > limit => Err(Refusal::LimitReached { limit, have }),
            _ => {
                *more += seats;
                Ok(())
            }
        }
    }

    fn create(
        &mut self,
        item: &Item,
        booking: BookingId,
        seats: i32,
        reassigned: bool,
        request_hash: &[u8],
    ) -> Verdict {
        let event = self.events.get_mut(&item.event).expect("check_event found it");
        let mut answer = Booking {
            id: booking,
            event_id: item.event,
            user_id: item.user,
            seats,
            seat_numbers: sorted(item.seats()),
            waiting_seats: 0,
            status: BookingStatus::Confirmed,
            waiting_number: None,
            position: None,
            bookings_ahead: None,
            seats_ahead: None,
            reassigned,
            created_at: event.now,
            updated_at: event.now,
            user: None,
            event: None,
        };
        let mut join = None;
        if item.taken == Taken::Join {
            event.waiting_order_last += 1;
            let ahead = self.waitlists.entry(item.event).or_default();
            answer.status = BookingStatus::Waiting;
            answer.waiting_seats = seats;
            answer.waiting_number = i32::try_from(ahead.bookings + 1).ok();
            answer.position = Some(ahead.bookings + 1);
            answer.bookings_ahead = Some(ahead.bookings);
            answer.seats_ahead = Some(ahead.seats);
            ahead.bookings += 1;
            ahead.seats += i64::from(seats);
            join = Some((event.waiting_order_last, seats));
        }
        event.units += 1;
        event.seats_taken += item.seats().len() as i32;
        self.writes.count_event(event);
        let kept = Answer::of(&answer);
        self.writes.add_booking(
            &answer,
            kept.clone(),
            join.map(|(order, _)| order),
            request_hash,
            &item.request_id,
            self.parts.clock,
        );
        let confirm = ConfirmItem { key: item.hold.key, taken: item.taken.clone(), join, waiter_done: None };
        Verdict::Written { answer: kept, confirm }
    }

    fn claim(&mut self, item: &Item, claim: (uuid::Uuid, Option<i32>), facts: &ClaimFacts, wanted: i32) -> Verdict {
        let event = self.events.get_mut(&item.event).expect("check_event found it");
        let taken = item.seats().len() as i32;
        let claimed = self.claimed.entry(facts.booking.id).or_default();
        claimed.extend(item.seats());
        let claimed = claimed.clone();
        event.units += 1;
        event.seats_taken += taken;
        let now: DateTime<Utc> = event.now;
        self.writes.count_event(event);
        let mut answer = facts.booking.clone();
        answer.seat_numbers.extend(claimed);
        answer.seat_numbers.sort_unstable();
        answer.status = BookingStatus::Confirmed;
        answer.waiting_seats = wanted - taken;
        answer.updated_at = now;
        let done = answer.waiting_seats == 0;
        if done {
            (answer.position, answer.bookings_ahead, answer.seats_ahead) = (None, None, None);
            if let Some(ahead) = self.waitlists.get_mut(&item.event) {
                ahead.bookings -= 1;
            }
        }
        if let Some(ahead) = self.waitlists.get_mut(&item.event) {
            ahead.seats -= i64::from(taken);
        }
        let kept = Answer::of(&answer);
        self.writes.add_claim(claim, &answer, kept.clone(), &sorted(item.seats()), &item.request_id, self.parts.clock);
        let waiter_done = done.then_some(answer.id);
        let confirm = ConfirmItem { key: claim.0, taken: item.taken.clone(), join: None, waiter_done };
        Verdict::Written { answer: kept, confirm }
    }
}

fn sorted(seats: &[i32]) -> Vec<i32> {
    let mut seats = seats.to_vec();
    seats.sort_unstable();
    seats
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
