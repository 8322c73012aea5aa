//! Long changes, which are decided a portion at a time: ending a waitlist, ending the bookings of a cancelled event, adding the seats
//! of a raised capacity.

use happening_api::{EventStatus, HistoryAction, NotificationType, UserId};
use happening_seating::{Given, Left, Limits, Outcome, Refusal as Rule};

use super::{Batch, Notice, Verdict, Work};
use crate::seats::command::{Command, Due, Reply};
use crate::seats::protection::{Protection, out};
use crate::seats::rows::History;

impl Batch {
    /// Decides a portion of a long change. When the change is finished, or must not be done any more, the answer is that nothing is
    /// left.
    pub(super) fn due(&mut self, work: &mut Work, command: &Command, due: Due) -> Verdict {
        let request_id = &command.request_id;
        let done = match due {
            Due::EndWaiting { at_most } => self.end_waiting(work, at_most, request_id),
            Due::EndBookings { .. } if work.row.status != EventStatus::Cancelled && !out(Protection::ClosedFirst) => {
                Ok(0)
            }
            Due::EndBookings { at_most } => self.end_bookings(work, command.caller, at_most, request_id),
            Due::AddSeats { at_most } => self.add_seats(work, at_most, request_id),
        };
        match done {
            Ok(left) => Verdict::Reply(Reply::Portion { left }),
            Err(rule) => rule.into(),
        }
    }

    /// Ends the waits of an event that has started. Returns how many bookings still wait.
    fn end_waiting(&mut self, work: &mut Work, at_most: u32, request_id: &str) -> Result<u32, Rule> {
        let given = work.given(self.now, true);
        let event = work.row.id;
        let (outcome, _) = work.decide(&happening_seating::Command::EndWaiting { at_most }, given)?;
        let Outcome::WaitingEnded { left } = outcome else { unreachable!("the outcome is that of the command") };
        for Left { booking, person, wanted, seats } in left {
            self.rows.place(booking, work.place(booking));
            if !seats.is_empty() {
                self.rows.want_less(booking, wanted);
            }
            let history = History::new(self.clock.new_id(), event, booking, HistoryAction::WaitlistEnded, &[]);
            self.rows.record(History { count: wanted, ..history });
            let kind = NotificationType::WaitlistEnded;
            let told = Notice { kind, person, booking, count: wanted, seats: &seats, reason: None };
            self.tell(event, request_id, told);
        }
        Ok(work.known.seats.waiting().bookings)
    }

    /// Ends bookings of a cancelled event. Returns how many are left.
    pub(in crate::seats) fn end_bookings(
        &mut self,
        work: &mut Work,
        actor: UserId,
        at_most: u32,
        request_id: &str,
    ) -> Result<u32, Rule> {
        let given = work.given(self.now, true);
        let event = work.row.id;
        let (outcome, _) = work.decide(&happening_seating::Command::EndBookings { at_most }, given)?;
        let Outcome::BookingsEnded { ended } = outcome else { unreachable!("the outcome is that of the command") };
        for Left { booking, person, seats, .. } in ended {
            self.rows.give_back(event, booking, &seats);
            self.rows.place(booking, work.place(booking));
            let history = History::new(self.clock.new_id(), event, booking, HistoryAction::Cancelled, &seats);
            self.rows.record(History { actor: Some(actor), ..history });
            let (kind, count) = (NotificationType::EventCancelled, seats.len() as u32);
            self.tell(event, request_id, Notice { kind, person, booking, count, seats: &seats, reason: None });
        }
        Ok(work.known.seats.active_count())
    }

    /// Adds seats of a raised capacity: `at_most` of them while the waitlist wants more than that, otherwise all that are left. So no
    /// new seat is free for others before the waitlist is served. Returns how many are left to be added.
    fn add_seats(&mut self, work: &mut Work, at_most: u32, request_id: &str) -> Result<u32, Rule> {
        let Some(goal) = work.raising_to else { return Ok(0) };
        let given = work.given(self.now, true);
        let total = work.known.seats.total();
        let portion = given.limits.is_upcoming && work.known.seats.waiting().seats > at_most;
        let total = if portion { goal.min(total + at_most) } else { goal };
        let limits =
            Limits { is_upcoming: given.limits.is_upcoming && !out(Protection::WaitlistFirst), ..given.limits };
        let resize = happening_seating::Command::Resize { total };
        let (_, promotions) = work.decide(&resize, Given { limits, ..given })?;
        work.raising_to = (total < goal).then_some(goal);
        self.promote(work, &promotions, request_id);
        Ok(goal - total)
    }

    /// Changes the event's total number of seats to `goal`. Of new seats only a portion is added in this transaction, to the waitlist
    /// first. Returns how many are left to be added.
    ///
    /// # Errors
    /// When the event takes no bookings, or when seats that would be removed are held.
    pub(in crate::seats) fn resize(
        &mut self,
        work: &mut Work,
        goal: u32,
        at_most: u32,
        request_id: &str,
    ) -> Result<u32, Rule> {
        let given = work.given(self.now, false);
        let total = goal.min(work.known.seats.total());
        work.decide(&happening_seating::Command::Resize { total }, given)?;
        work.raising_to = (total < goal).then_some(goal);
        self.add_seats(work, at_most, request_id)
    }
}
