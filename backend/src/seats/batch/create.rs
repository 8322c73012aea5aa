//! Creating a booking: by a caller for themselves or, on behalf of another person, by staff of the event.

use happening_api::{BookingId, BookingStatus, HistoryAction, NotificationType};
use happening_seating::{Outcome, Seat};

use super::{Batch, Notice, Verdict, Work};
use crate::access::{Access, EventAction};
use crate::seats::answer::Answer;
use crate::seats::command::{Command, Kind, OnBehalf, Refusal};
use crate::seats::facts::{BookingFacts, Facts};
use crate::seats::rows::{History, NewBooking};

/// A new booking as it was decided.
struct Made<'a> {
    row: BookingFacts,
    /// The seats it holds; empty while it waits.
    held: &'a [Seat],
    request_hash: &'a [u8],
    on_behalf: Option<&'a OnBehalf>,
}

impl Batch {
    pub(super) fn create(&mut self, work: &mut Work, command: &Command, facts: &Facts) -> Result<Answer, Verdict> {
        let Kind::Create { seats, choice, waitlist, request_hash, on_behalf } = &command.kind else {
            return Err(Verdict::Contradiction);
        };
        let (person, action) = match on_behalf {
            Some(on_behalf) => (on_behalf.person, EventAction::Manage),
            None => (command.caller, EventAction::Book),
        };
        match facts.access(action) {
            Access::Allowed => {}
            refused => return Err(Refusal::Access(refused).into()),
        }
        let decided = happening_seating::Command::Create {
            booking: BookingId(command.id),
            person,
            seats: *seats,
            choice: choice.clone(),
            waitlist: *waitlist,
        };
        let given = work.given(self.now, on_behalf.is_some() && work.row.is_on(self.now));
        let (outcome, _) = work.decide(&decided, given)?;
        let (held, waiting_number, reassigned) = match outcome {
            Outcome::Booked { seats, reassigned } => (seats, None, reassigned),
            Outcome::Waits { position, .. } => (Vec::new(), Some(position.cast_signed()), false),
            _ => return Err(Verdict::Contradiction),
        };
        let row = BookingFacts {
            person,
            seats: seats.cast_signed(),
            status: BookingStatus::Waiting,
            waiting_number,
            reassigned,
            created_at: self.now,
        };
        let made = Made { row, held: &held, request_hash, on_behalf: on_behalf.as_ref() };
        Ok(self.note_new(work, command, &made))
    }

    /// Adds the rows of a new booking and the message to its person. Returns the answer to the command.
    fn note_new(&mut self, work: &Work, command: &Command, made: &Made<'_>) -> Answer {
        let Made { row, held, request_hash, on_behalf } = made;
        let (booking, event) = (BookingId(command.id), command.event);
        let BookingFacts { person, waiting_number, reassigned, .. } = *row;
        let seats = row.seats.cast_unsigned();
        let request_hash = request_hash.to_vec();
        self.rows.create(NewBooking { id: booking, event, person, seats, waiting_number, reassigned, request_hash });
        self.rows.place(booking, work.place(booking));
        self.rows.take(event, booking, person, held);
        let answer = Answer::of(&work.shown(booking, row, self.now));
        let reason = on_behalf.map(|on_behalf| on_behalf.reason.as_str());
        let history = History::new(self.clock.new_id(), event, booking, HistoryAction::Created, held);
        self.rows.record(History {
            count: seats,
            actor: Some(command.caller),
            reason: reason.map(str::to_owned),
            answer: Some(answer.clone()),
            ..history
        });
        let kind = match waiting_number {
            Some(_) => NotificationType::BookingWaitlisted,
            None => NotificationType::BookingConfirmed,
        };
        self.tell(event, &command.request_id, Notice { kind, person, booking, count: seats, seats: held, reason });
        if on_behalf.is_some() {
            let details = serde_json::json!({ "seat_numbers": held, "reason": reason });
            self.audit(work, command, booking, "booking_created", details);
        }
        answer
    }
}
