//! Measures one decision at an event with 100,000 seats and 20,000 waiting bookings, and the memory that a state takes.

use happening_api::{BookingId, UserId};
use happening_seating::{Choice, Command, EventSeats, Given, Limits};
use uuid::Uuid;

const TOTAL: u32 = 100_000;
const WAITING: u32 = 20_000;
const OPEN: Given = Given { limits: Limits { seats_per_person_max: Some(50), is_upcoming: true }, by_staff: false };

fn main() {
    let single = full();
    println!("{TOTAL} single bookings take {:.1} MB", single.bytes() as f64 / 1e6);
    divan::main();
}

/// An id that is spread over the whole range, as random ids are.
fn id(n: u32) -> Uuid {
    Uuid::from_u128(u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn create(n: u32) -> Command {
    let (booking, person) = (BookingId(id(n)), UserId(id(n ^ 0x8000_0000)));
    Command::Create { booking, person, seats: 1, choice: Choice::Any, waitlist: true }
}

/// An event whose seats are all held, each by a booking of its own.
fn full() -> EventSeats {
    let mut state = EventSeats::new(TOTAL);
    for n in 1..=TOTAL {
        state.decide(&create(n), OPEN).expect("the seat is free");
    }
    state
}

/// A full event with bookings that wait.
fn crowded() -> EventSeats {
    let mut state = full();
    for n in TOTAL + 1..=TOTAL + WAITING {
        state.decide(&create(n), OPEN).expect("the booking may wait");
    }
    state
}

/// Measures a command together with undoing it, so that every run starts with the same state.
fn there_and_back(bencher: divan::Bencher<'_, '_>, mut state: EventSeats, command: impl Fn(u32) -> Command) {
    let mut n = 0;
    bencher.bench_local(move || {
        n = n % TOTAL + 1;
        let decision = state.decide(&command(n), OPEN).expect("the command is allowed");
        state.undo(&decision.changes);
    });
}

#[divan::bench]
fn join_the_waitlist(bencher: divan::Bencher<'_, '_>) {
    there_and_back(bencher, crowded(), |_| create(u32::MAX));
}

#[divan::bench]
fn cancel_and_promote(bencher: divan::Bencher<'_, '_>) {
    there_and_back(bencher, crowded(), |n| Command::Cancel { booking: BookingId(id(n)) });
}

#[divan::bench]
fn take_the_lowest_free_seat(bencher: divan::Bencher<'_, '_>) {
    let mut state = full();
    state.decide(&Command::Cancel { booking: BookingId(id(TOTAL - 1)) }, OPEN).expect("the command is allowed");
    there_and_back(bencher, state, |_| create(u32::MAX));
}
