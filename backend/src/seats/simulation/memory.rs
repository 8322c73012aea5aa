//! Corrupts states in memory, as an unknown bug might. The writer compares the counts of state and row, and checks how many rows it
//! changed. So a corrupted state may make it refuse a valid command, but it must never write something wrong.

use happening_api::{BookingId, EventId};
use happening_seating::{Change, EventSeats, Seat};

use super::callers::Processes;
use super::database::Database;
use crate::seats::states::Known;

/// Sometimes corrupts a state of a process. Returns the process and the event.
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

/// Gives a booking a seat that is free according to the rows.
fn add_seat(known: &mut Known) -> bool {
    let seats = &mut known.seats;
    let (Some(booking), Some(seat)) = (seats.active().next(), seats.lowest_free(1).first().copied()) else {
        return false;
    };
    seats.apply(&[Change::Took { booking: booking.id, seats: vec![seat] }]);
    true
}

/// Exchanges the only seats of two bookings, which leaves all counts unchanged.
fn swap(known: &mut Known) -> bool {
    // an event that is not in the log yet gets the whole state as its first entry, and that must not be a corrupted one
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
