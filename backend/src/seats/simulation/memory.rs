//! States in memory that are not what the rows hold, as an unknown mistake would leave them. The writer compares what both count, and
//! how many rows it changed; so it may refuse something that could be done, but writes nothing wrong.

use happening_api::{BookingId, EventId};
use happening_seating::{Change, EventSeats, Seat};

use super::callers::Processes;
use super::database::Database;
use crate::seats::states::Known;

/// Now and then spoils a state of a process. Answers whose it is.
pub(super) fn spoil(events: &[EventId], processes: &Processes, database: &Database) -> Option<(usize, EventId)> {
    let mut world = database.lock_world();
    if !world.faults || !world.chance.one_in(40) {
        return None;
    }
    let (process, event) = (world.chance.below(processes.count()), events[world.chance.below(events.len())]);
    let add = world.chance.one_in(2);
    drop(world);
    let spoiled = processes.get(process).1.misremember(event, |known| if add { add_seat(known) } else { swap(known) });
    spoiled.then_some((process, event))
}

/// A booking holds a seat more, which is free.
fn add_seat(known: &mut Known) -> bool {
    let seats = &mut known.seats;
    let (Some(booking), Some(seat)) = (seats.active().next(), seats.lowest_free(1).first().copied()) else {
        return false;
    };
    seats.apply(&[Change::Took { booking: booking.id, seats: vec![seat] }]);
    true
}

/// Two bookings hold each other's only seat. All that is counted is as it was.
fn swap(known: &mut Known) -> bool {
    // the first entry of a log has the whole state, so it must not be made from this one
    let mut holders = single_seats(&known.seats).into_iter().filter(|_| known.in_log);
    let (Some((one, its)), Some((other, others))) = (holders.next(), holders.next()) else { return false };
    known.seats.apply(&[
        Change::GaveBack { booking: one, seats: vec![its] },
        Change::GaveBack { booking: other, seats: vec![others] },
        Change::Took { booking: one, seats: vec![others] },
        Change::Took { booking: other, seats: vec![its] },
    ]);
    true
}

fn single_seats(seats: &EventSeats) -> Vec<(BookingId, Seat)> {
    let single = seats.active().filter(|booking| booking.wanted == 0 && booking.seats.len() == 1);
    single.filter_map(|booking| Some((booking.id, *booking.seats.first()?))).collect()
}
