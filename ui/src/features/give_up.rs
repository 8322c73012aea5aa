//! Giving back seats of a booking: says what will happen to the ticked seats.

use std::collections::BTreeSet;

use happening_api::Booking;

use crate::format;

/// Sentences that say what happens when the ticked seats are given back.
pub(crate) fn preview(booking: &Booking, ticked: &BTreeSet<i32>, others_wait: bool) -> Vec<String> {
    let kept: Vec<i32> = booking.seat_numbers.iter().copied().filter(|seat| !ticked.contains(seat)).collect();
    let given: Vec<i32> = ticked.iter().copied().collect();
    if given.is_empty() {
        return vec!["Nothing yet: tick the seats that you no longer need.".to_owned()];
    }
    let mut lines = Vec::new();
    match (kept.is_empty(), booking.waiting_seats) {
        (false, _) => lines.push(format!("You keep {}.", format::seat_list(&kept))),
        (true, 0) => lines.push("The booking is cancelled.".to_owned()),
        (true, more) => {
            lines.push(format!("You hold no seat then, and still wait for {}.", format::seats(i64::from(more))));
        }
    }
    let seats = format::capitalized(&format::seat_list(&given));
    let go = if given.len() == 1 { "goes" } else { "go" };
    lines.push(if others_wait {
        format!("{seats} {go} to the waitlist first.")
    } else {
        format!("{seats} {go} back to everybody.")
    });
    lines.push("You cannot undo this.".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use happening_api::BookingStatus;
    use uuid::Uuid;

    use super::*;

    fn booking(seats: &[i32], waiting: i32) -> Booking {
        Booking {
            id: Uuid::nil().into(),
            event_id: Uuid::nil().into(),
            user_id: Uuid::nil().into(),
            seats: seats.len() as i32 + waiting,
            seat_numbers: seats.to_vec(),
            waiting_seats: waiting,
            status: BookingStatus::Confirmed,
            waiting_number: None,
            position: None,
            bookings_ahead: None,
            seats_ahead: None,
            reassigned: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            user: None,
            event: None,
        }
    }

    #[test]
    fn the_preview_names_kept_and_given_seats() {
        let lines = preview(&booking(&[41, 42, 43], 0), &BTreeSet::from([43]), true);
        assert_eq!(lines[..2], ["You keep seats 41 and 42.", "Seat 43 goes to the waitlist first."]);
        let lines = preview(&booking(&[41], 0), &BTreeSet::from([41]), false);
        assert_eq!(lines[..2], ["The booking is cancelled.", "Seat 41 goes back to everybody."]);
        let lines = preview(&booking(&[41], 2), &BTreeSet::from([41]), false);
        assert_eq!(lines[0], "You hold no seat then, and still wait for 2 seats.");
    }
}
