//! Sentences that explain the waitlist to a person: their position, what is ahead of them, and why their position
//! changed.

use happening_api::{Booking, HistoryAction, HistoryEntry, WaitlistMove};

use crate::format;

/// Says what is ahead of a booking on the waitlist.
pub(crate) fn ahead(booking: &Booking) -> String {
    match (booking.bookings_ahead.unwrap_or(0), booking.seats_ahead.unwrap_or(0)) {
        (0, _) => "Nobody is ahead of you. The next seat that is given back is yours.".to_owned(),
        (1, seats) => format!(
            "Ahead of you: 1 booking that waits for {}. Every seat that is given back goes there first, then to you.",
            format::seats(seats)
        ),
        (bookings, seats) => format!(
            "Ahead of you: {} bookings that wait for {} together. Every seat that is given back goes there first, then to you.",
            format::number(bookings),
            format::seats(seats)
        ),
    }
}

/// Says the booking's position; `None` for a booking that does not wait.
pub(crate) fn place(booking: &Booking) -> Option<String> {
    booking.position.map(|place| format!("You are {} on the waitlist", format::ordinal(place)))
}

/// A title and a sentence about a change ahead of the booking.
pub(crate) fn moved(change: &WaitlistMove) -> (String, String) {
    let (from, to) = (format::ordinal(change.from), format::ordinal(change.to));
    let title = if change.to < change.from {
        format!("You moved up from {from} to {to}")
    } else {
        format!("You were still {to}")
    };
    let rest = match change.still_waits_for {
        0 => "It has all its seats now and left the waitlist.".to_owned(),
        more => format!("It waits for {} more.", format::seats(i64::from(more))),
    };
    let seats = format::seat_list(&change.seat_numbers);
    let text = match change.action {
        HistoryAction::Cancelled => "A booking ahead of you was cancelled and left the waitlist.".to_owned(),
        HistoryAction::Claimed => format!("A booking ahead of you took {seats}: free for everybody until then. {rest}"),
        _ => format!("{} went to a booking ahead of you. {rest}", format::capitalized(&seats)),
    };
    (title, text)
}

/// Says how many seats are free, and what happens when the person claims them.
pub(crate) fn offer(free: i32, wanted: i32, rest: i32) -> String {
    let why = if free < wanted {
        format!(
            "That is fewer than the {} you wait for, so they stay open to everyone.",
            format::number(i64::from(wanted))
        )
    } else {
        "They stay open to everyone until you take them.".to_owned()
    };
    match rest {
        0 => format!("{why} Take them, and you have all that you wanted."),
        more => format!("{why} Take them and you keep your place for the other {more}."),
    }
}

/// A title and a sentence about an entry of the booking's history.
pub(crate) fn told(entry: &HistoryEntry, booking: &Booking, total: i32) -> (String, String) {
    let seats = format::seat_list(&entry.seat_numbers);
    // only staff give a reason when they book
    let by_staff = entry.reason.is_some();
    match entry.action {
        HistoryAction::Created if by_staff && entry.seat_numbers.is_empty() => {
            ("The organizers put you on the waitlist".to_owned(), String::new())
        }
        HistoryAction::Created if by_staff => (format!("The organizers booked {seats} for you"), String::new()),
        HistoryAction::Created if entry.seat_numbers.is_empty() => (
            booking.waiting_number.map_or_else(
                || "You joined the waitlist".to_owned(),
                |number| format!("You joined the waitlist as {}", format::ordinal(i64::from(number))),
            ),
            format!(
                "You asked for {} when too few of {} were free.",
                format::seats(i64::from(entry.seats)),
                format::seats(i64::from(total))
            ),
        ),
        HistoryAction::Created => (
            format!("You booked {seats}"),
            if booking.reassigned { "Other seats than the ones you asked for.".to_owned() } else { String::new() },
        ),
        HistoryAction::Promoted => (
            format!("You got {seats}"),
            format!("{} came free, and you were next.", if entry.seat_numbers.len() == 1 { "It" } else { "They" }),
        ),
        HistoryAction::Claimed => {
            (format!("You took {seats}"), "Free seats that you took while you waited.".to_owned())
        }
        HistoryAction::SeatsCancelled => (format!("Given up: {seats}"), String::new()),
        HistoryAction::WaitlistEnded => (
            "The wait has ended".to_owned(),
            format!("The event started before {} came free.", format::seats(i64::from(entry.seats))),
        ),
        HistoryAction::Cancelled if entry.seat_numbers.is_empty() => {
            ("The booking was cancelled".to_owned(), "It held no seat then.".to_owned())
        }
        HistoryAction::Cancelled => ("The booking was cancelled".to_owned(), format!("It held {seats}.")),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use happening_api::BookingStatus;
    use uuid::Uuid;

    use super::*;

    fn waiting(joined: i32, now: i64, ahead: i64) -> Booking {
        Booking {
            id: Uuid::nil().into(),
            event_id: Uuid::nil().into(),
            user_id: Uuid::nil().into(),
            seats: 10,
            seat_numbers: Vec::new(),
            waiting_seats: 10,
            status: BookingStatus::Waiting,
            waiting_number: Some(joined),
            position: Some(now),
            bookings_ahead: Some(now - 1),
            seats_ahead: Some(ahead),
            reassigned: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            user: None,
            event: None,
        }
    }

    #[test]
    fn a_position_is_explained_by_what_is_ahead() {
        let second = waiting(3, 2, 11);
        assert!(ahead(&second).starts_with("Ahead of you: 1 booking that waits for 11 seats."));
        assert_eq!(place(&second).as_deref(), Some("You are 2nd on the waitlist"));
        assert!(ahead(&waiting(1, 1, 0)).starts_with("Nobody is ahead of you."));
        assert!(offer(8, 10, 2).ends_with("keep your place for the other 2."));
    }

    #[test]
    fn a_booking_by_staff_says_so() {
        let mut entry = HistoryEntry {
            id: Uuid::nil().into(),
            action: HistoryAction::Created,
            seats: 1,
            seat_numbers: vec![2],
            actor_id: None,
            reason: Some("At the door".to_owned()),
            created_at: DateTime::UNIX_EPOCH,
        };
        let booking = waiting(1, 1, 0);
        assert_eq!(told(&entry, &booking, 9).0, "The organizers booked seat 2 for you");
        entry.seat_numbers.clear();
        assert_eq!(told(&entry, &booking, 9).0, "The organizers put you on the waitlist");
        entry.reason = None;
        assert!(told(&entry, &booking, 9).0.starts_with("You joined the waitlist"));
    }

    #[test]
    fn a_move_is_explained() {
        let change = |action, seat_numbers: &[i32], still_waits_for, from, to| WaitlistMove {
            action,
            seat_numbers: seat_numbers.to_vec(),
            still_waits_for,
            from,
            to,
            created_at: DateTime::UNIX_EPOCH,
        };
        let (title, text) = moved(&change(HistoryAction::Promoted, &[17, 18], 0, 3, 2));
        assert_eq!(title, "You moved up from 3rd to 2nd");
        assert_eq!(
            text,
            "Seats 17 and 18 went to a booking ahead of you. It has all its seats now and left the waitlist."
        );
        let (title, text) = moved(&change(HistoryAction::Promoted, &[64], 11, 2, 2));
        assert_eq!(title, "You were still 2nd");
        assert_eq!(text, "Seat 64 went to a booking ahead of you. It waits for 11 seats more.");
        let (_, text) = moved(&change(HistoryAction::Cancelled, &[], 0, 2, 1));
        assert_eq!(text, "A booking ahead of you was cancelled and left the waitlist.");
    }

    #[test]
    fn history_entries_become_sentences() {
        let entry = |action, seat_numbers: &[i32]| HistoryEntry {
            id: Uuid::nil().into(),
            action,
            seats: 10,
            seat_numbers: seat_numbers.to_vec(),
            actor_id: None,
            reason: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let booking = waiting(3, 2, 11);
        assert_eq!(told(&entry(HistoryAction::Created, &[]), &booking, 9).0, "You joined the waitlist as 3rd");
        assert_eq!(
            told(&entry(HistoryAction::Promoted, &[1]), &booking, 9),
            ("You got seat 1".into(), "It came free, and you were next.".into())
        );
        assert!(told(&entry(HistoryAction::Promoted, &[1, 2]), &booking, 9).1.starts_with("They came"));
    }
}
