//! The seats of a person at an event: those that they hold, and those that they wait for.

use happening_api::{Booking, BookingStatus, EventId};

use crate::format;

/// Seats of one person at one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) held: i32,
    pub(crate) waited_for: i32,
}

impl Holding {
    /// Adds up a person's bookings of the event; `own` may contain bookings of other events.
    pub(crate) fn of(own: &[Booking], event: EventId) -> Self {
        let active = own.iter().filter(|one| one.event_id == event && one.status != BookingStatus::Cancelled);
        active.fold(Self::default(), |sum, one| Self {
            held: sum.held + one.seat_numbers.len() as i32,
            waited_for: sum.waited_for + one.waiting_seats,
        })
    }

    /// The number of seats that counts against the limit per person.
    pub(crate) fn counted(self) -> i32 {
        self.held + self.waited_for
    }

    /// A sentence that says what the person has and, under a limit, how many seats they can still book; `None` when
    /// they have no seats.
    pub(crate) fn sentence(self, max: Option<i32>) -> Option<String> {
        let seats = |count: i32| format::seats(i64::from(count));
        let have = match (self.held, self.waited_for) {
            (0, 0) => return None,
            (held, 0) => format!("You have {} for this event", seats(held)),
            (0, wanted) => format!("You wait for {} of this event", seats(wanted)),
            (held, wanted) => {
                format!(
                    "You have {} for this event and wait for {} more",
                    seats(held),
                    format::number(i64::from(wanted))
                )
            }
        };
        Some(match max.map(|max| (max - self.counted()).max(0)) {
            None => format!("{have}."),
            Some(0) => format!("{have}, which is all that one person can have."),
            Some(more) => format!("{have}. You can book {} more.", format::number(i64::from(more))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Holding;

    fn sentence(held: i32, waited_for: i32, max: Option<i32>) -> String {
        Holding { held, waited_for }.sentence(max).unwrap_or_default()
    }

    #[test]
    fn held_and_waited_for_seats_are_told_apart() {
        assert_eq!(sentence(0, 1, None), "You wait for 1 seat of this event.");
        assert_eq!(sentence(2, 0, None), "You have 2 seats for this event.");
        assert_eq!(sentence(2, 1, None), "You have 2 seats for this event and wait for 1 more.");
        assert_eq!(sentence(0, 0, Some(4)), "");
    }

    #[test]
    fn waited_for_seats_count_against_the_limit() {
        assert_eq!(
            sentence(0, 2, Some(2)),
            "You wait for 2 seats of this event, which is all that one person can have."
        );
        assert_eq!(sentence(1, 2, Some(4)), "You have 1 seat for this event and wait for 2 more. You can book 1 more.");
    }
}
