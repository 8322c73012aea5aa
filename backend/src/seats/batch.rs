//! Decides the commands of a transaction: each on its event's state. The resulting rows are collected, to be written together.

mod create;
mod portions;

use chrono::{DateTime, Utc};
use happening_api::{
    Booking, BookingId, BookingStatus, EventId, EventStatus, HistoryAction, Message, MessageId, NotificationType,
    UserId,
};
use happening_seating::{Change, Decision, Given, Limits, Outcome, Promotion, Refusal as Rule, Seat};
use uuid::Uuid;

use super::answer::Answer;
use super::command::{Command, Kind, Refusal, Reply};
use super::facts::{BookingFacts, EventRow, Facts, Found};
use super::log::Entry;
use super::protection::{Protection, out};
use super::rows::{Audit, EventCounts, History, Place, Rows};
use super::states::Known;
use crate::access::{Access, EventAction};
use crate::clock::Clock;
use crate::switches::Switch;

/// An event in a transaction: its locked row, its state, and the changes that were decided on the state since.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) row: EventRow,
    pub(super) known: Known,
    pub(super) changes: Vec<Change>,
    /// The capacity to which seats are still being added in portions.
    raising_to: Option<u32>,
}

/// What was decided about a command; it holds once the transaction is committed.
#[derive(Debug)]
pub(super) enum Verdict {
    Reply(Reply),
    /// The command goes back to its queue: the event's state is missing, or the command needs rows that this transaction is about to
    /// write.
    Later,
    /// The state in memory contradicts the rows.
    Contradiction,
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Reply(Reply::Refused(refusal))
    }
}

impl From<Rule> for Verdict {
    fn from(rule: Rule) -> Self {
        Refusal::Rule(rule).into()
    }
}

/// The decisions of a transaction.
#[derive(Debug)]
pub(super) struct Batch {
    /// The database's time, read after the rows were locked.
    pub(super) now: DateTime<Utc>,
    clock: Clock,
    pub(super) rows: Rows,
    /// Ids of the commands that this batch has done. A copy of such a command waits for the next transaction, which finds its result
    /// in the rows.
    ids: std::collections::HashSet<Uuid>,
}

impl Work {
    /// An event on which nothing was decided yet.
    pub(super) fn new(row: EventRow, known: Known) -> Self {
        let raising_to = row.raising_to.map(i32::cast_unsigned);
        Self { row, known, changes: Vec::new(), raising_to }
    }

    fn given(&self, now: DateTime<Utc>, by_staff: bool) -> Given {
        let seats_per_person_max = self.row.seats_per_person_max.map(i32::cast_unsigned);
        Given { limits: Limits { seats_per_person_max, is_upcoming: self.row.is_upcoming(now) }, by_staff }
    }

    fn decide(
        &mut self,
        command: &happening_seating::Command,
        given: Given,
    ) -> Result<(Outcome, Vec<Promotion>), Rule> {
        let Decision { outcome, promotions, changes } = self.known.seats.decide(command, given)?;
        self.changes.extend(changes);
        Ok((outcome, promotions))
    }

    /// What a booking holds and wants now.
    fn place(&self, booking: BookingId) -> Place {
        let known = self.known.seats.booking(booking).filter(|booking| !booking.ended);
        let Some(known) = known else {
            return Place { status: BookingStatus::Cancelled, waiting_seats: 0, waiting_order: None };
        };
        let status = if known.seats.is_empty() { BookingStatus::Waiting } else { BookingStatus::Confirmed };
        let waiting_order = (known.wanted > 0).then_some(known.order);
        Place { status, waiting_seats: known.wanted, waiting_order }
    }

    /// A booking as the API shows it to its caller now.
    fn shown(&self, id: BookingId, facts: &BookingFacts, now: DateTime<Utc>) -> Booking {
        let known = self.known.seats.booking(id);
        let ahead = known.as_ref().and_then(|booking| booking.ahead);
        Booking {
            id,
            event_id: self.row.id,
            user_id: facts.person,
            seats: facts.seats,
            seat_numbers: known.map(|booking| signed(&booking.seats)).unwrap_or_default(),
            waiting_seats: self.place(id).waiting_seats.cast_signed(),
            status: self.place(id).status,
            waiting_number: facts.waiting_number,
            position: ahead.map(|ahead| i64::from(ahead.bookings) + 1),
            bookings_ahead: ahead.map(|ahead| i64::from(ahead.bookings)),
            seats_ahead: ahead.map(|ahead| i64::from(ahead.seats)),
            reassigned: facts.reassigned,
            created_at: facts.created_at,
            updated_at: now,
            user: None,
            event: None,
        }
    }
}

fn signed(seats: &[Seat]) -> Vec<i32> {
    seats.iter().map(|seat| seat.cast_signed()).collect()
}

impl Batch {
    pub(super) fn new(now: DateTime<Utc>, clock: Clock) -> Self {
        Self { now, clock, rows: Rows::default(), ids: std::collections::HashSet::new() }
    }

    /// Decides a command.
    pub(super) fn decide(&mut self, work: &mut Work, command: &Command, facts: Option<&Facts>) -> Verdict {
        let Some(facts) = facts else { return Refusal::NOT_FOUND.into() };
        if let Some(found) = facts.found.as_ref().filter(|_| !out(Protection::FoundFirst)) {
            return self.found(work, command, facts, found);
        }
        if work.row.deleted {
            return Refusal::NOT_FOUND.into();
        }
        if self.ids.contains(&command.id) && !out(Protection::CopiesWait) {
            return Verdict::Later;
        }
        if let Kind::Create { seats: 13, .. } = &command.kind {
            assert!(!Switch::ThirteenPanics.is_on(), "the switch `thirteen_panics` makes this decision panic");
        }
        let done = match &command.kind {
            Kind::Create { .. } => self.create(work, command, facts),
            Kind::Claim { booking, seats } => self.claim(work, command, facts, (*booking, *seats)),
            Kind::Due(due) => return self.due(work, command, *due),
            Kind::GiveBack { booking, seats, reason } => {
                self.give_back(work, command, facts, (*booking, seats.as_deref(), reason.as_deref()))
            }
        };
        match done {
            Ok(booking) => {
                self.ids.insert(command.id);
                Verdict::Reply(Reply::Done(booking))
            }
            Err(verdict) => verdict,
        }
    }

    fn found(&self, work: &Work, command: &Command, facts: &Facts, found: &Found) -> Verdict {
        match (found, command.kind.booking(), &facts.booking) {
            (Found::Answer { answer, same_request: true }, ..) => Verdict::Reply(Reply::Replayed(answer.clone())),
            (Found::Done, Some(booking), Some(of)) => {
                Verdict::Reply(Reply::Done(Answer::of(&work.shown(booking, of, self.now))))
            }
            // a caller who may not see the event gets 404, even with a key that was used for something else
            _ if work.row.deleted || facts.access(EventAction::See) == Access::Hidden => Refusal::NOT_FOUND.into(),
            _ => Refusal::KeyReused.into(),
        }
    }

    /// The row of the booking that a command is about.
    fn booking_of<'f>(work: &Work, facts: &'f Facts, booking: BookingId) -> Result<&'f BookingFacts, Verdict> {
        let known = work.known.seats.booking(booking);
        match &facts.booking {
            // the booking was created in this transaction
            None if known.is_some() => Err(Verdict::Later),
            None => Err(Refusal::NOT_FOUND.into()),
            // the bookings of a cancelled event end in portions; those that have not ended yet count as cancelled, too
            Some(row) if row.status == BookingStatus::Cancelled || work.row.status == EventStatus::Cancelled => {
                Err(Rule::AlreadyCancelled.into())
            }
            Some(_) if known.is_none() => Err(Verdict::Contradiction),
            Some(row) => Ok(row),
        }
    }

    fn claim(
        &mut self,
        work: &mut Work,
        command: &Command,
        facts: &Facts,
        (booking, asked): (BookingId, Option<u32>),
    ) -> Result<Answer, Verdict> {
        let of = Self::booking_of(work, facts, booking)?;
        let given = work.given(self.now, false);
        let ended = work.known.seats.booking(booking).is_some_and(|booking| booking.ended);
        let may_book = facts.access(EventAction::Book) == Access::Allowed;
        // a former member keeps the place on the waitlist, but may not take seats
        if !ended && given.limits.is_upcoming && !may_book {
            return Err(Refusal::Access(Access::Forbidden).into());
        }
        let (outcome, _) = work.decide(&happening_seating::Command::Claim { booking, seats: asked }, given)?;
        let Outcome::Claimed { seats } = outcome else { return Err(Verdict::Contradiction) };
        self.rows.place(booking, work.place(booking));
        self.rows.take(command.event, booking, of.person, &seats);
        let answer = Answer::of(&work.shown(booking, of, self.now));
        let count = seats.len() as u32;
        let history = History::new(command.id, command.event, booking, HistoryAction::Claimed, &seats);
        self.rows.record(History { actor: Some(command.caller), answer: Some(answer.clone()), asked, ..history });
        let kind = NotificationType::BookingConfirmed;
        let told = Notice { kind, person: of.person, booking, count, seats: &seats, reason: None };
        self.tell(command.event, &command.request_id, told);
        Ok(answer)
    }

    fn give_back(
        &mut self,
        work: &mut Work,
        command: &Command,
        facts: &Facts,
        (booking, seats, reason): (BookingId, Option<&[Seat]>, Option<&str>),
    ) -> Result<Answer, Verdict> {
        let by_staff = facts.booking.as_ref().is_some_and(|of| of.person != command.caller);
        // The handler checked this right when the request came; the caller may have lost it since.
        match facts.access(EventAction::Manage) {
            refused @ (Access::Forbidden | Access::Hidden) if by_staff => return Err(Refusal::Access(refused).into()),
            _ => {}
        }
        let of = Self::booking_of(work, facts, booking)?;
        let decided = match seats {
            None => happening_seating::Command::Cancel { booking },
            Some(seats) => happening_seating::Command::CancelSeats { booking, seats: seats.to_vec() },
        };
        let mut given = work.given(self.now, by_staff);
        if Switch::PromoteLater.is_on() && given.limits.is_upcoming {
            given = Given { limits: Limits { is_upcoming: false, ..given.limits }, by_staff: true };
        }
        let (outcome, promotions) = work.decide(&decided, given)?;
        let Outcome::GaveBack { seats: freed, .. } = outcome else { return Err(Verdict::Contradiction) };
        self.rows.give_back(command.event, booking, &freed);
        self.rows.place(booking, work.place(booking));
        let count = freed.len() as u32;
        let action = if seats.is_none() { HistoryAction::Cancelled } else { HistoryAction::SeatsCancelled };
        let history = History::new(command.id, command.event, booking, action, &freed);
        self.rows.record(History { actor: Some(command.caller), reason: reason.map(str::to_owned), ..history });
        let kind = NotificationType::BookingCancelled;
        self.tell(
            command.event,
            &command.request_id,
            Notice { kind, person: of.person, booking, count, seats: &freed, reason },
        );
        if by_staff {
            let details = serde_json::json!({ "seat_numbers": freed, "reason": reason });
            self.audit(work, command, booking, "booking_cancelled", details);
        }
        self.promote(work, &promotions, &command.request_id);
        let mut shown = work.shown(booking, of, self.now);
        shown.seats -= self.rows.less(booking).cast_signed(); // part of its wait may have ended in this transaction
        Ok(Answer::of(&shown))
    }

    /// Adds the rows and messages for the bookings that got seats from the waitlist.
    fn promote(&mut self, work: &Work, promotions: &[Promotion], request_id: &str) {
        for Promotion { booking, person, seats } in promotions {
            let (event, count) = (work.row.id, seats.len() as u32);
            self.rows.take(event, *booking, *person, seats);
            self.rows.place(*booking, work.place(*booking));
            self.rows.record(History::new(self.clock.new_id(), event, *booking, HistoryAction::Promoted, seats));
            let kind = NotificationType::WaitlistPromoted;
            let told = Notice { kind, person: *person, booking: *booking, count, seats, reason: None };
            self.tell(event, request_id, told);
        }
    }

    /// Adds the event's counts and its log entry, when something changed. Returns the version and head of the state after the commit.
    pub(super) fn close(&mut self, work: &Work) -> Option<(i64, Uuid)> {
        if work.changes.is_empty() && work.raising_to == work.row.raising_to.map(i32::cast_unsigned) {
            return None;
        }
        let (event, known) = (work.row.id, &work.known);
        if !known.in_log {
            let mut before = known.seats.clone();
            before.undo(&work.changes);
            self.rows.log(event, known.version, known.head, Entry::Base(before.image()).encode());
        }
        let head = if out(Protection::RandomHead) { Uuid::nil() } else { self.clock.new_head() };
        let version = known.version + 1;
        self.rows.log(event, version, head, Entry::Changes(work.changes.clone()).encode());
        let waiting = known.seats.waiting();
        self.rows.count(EventCounts {
            event,
            total: known.seats.total(),
            raising_to: work.raising_to,
            free: known.seats.free(),
            waiting_bookings: waiting.bookings,
            waiting_seats: waiting.seats,
            people: known.seats.active_people(),
            last_order: known.seats.last_order(),
            version,
            head,
        });
        Some((version, head))
    }

    /// Adds an entry to the organization's audit log: what staff did to another person's booking.
    fn audit(
        &mut self,
        work: &Work,
        command: &Command,
        booking: BookingId,
        action: &'static str,
        details: serde_json::Value,
    ) {
        self.rows.audit(Audit { org: work.row.org, actor: command.caller, action, booking, details });
    }

    fn tell(&mut self, event: EventId, request_id: &str, told: Notice<'_>) {
        self.rows.tell(Message {
            event_id: Some(event),
            user_id: Some(told.person),
            booking_id: Some(told.booking),
            seats: Some(told.count.cast_signed()),
            seat_numbers: (told.kind != NotificationType::BookingWaitlisted).then(|| signed(told.seats)),
            reason: told.reason.map(str::to_owned),
            ..Message::new(MessageId(self.clock.new_id()), told.kind, self.now, request_id)
        });
    }
}

/// What a message to a person says about a booking.
struct Notice<'a> {
    kind: NotificationType,
    person: UserId,
    booking: BookingId,
    count: u32,
    seats: &'a [Seat],
    reason: Option<&'a str>,
}
