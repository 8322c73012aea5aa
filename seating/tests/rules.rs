//! The product's named examples (`happy_path` and the like), which integration tests also run on real services, and the documented
//! order of refusals.

use happening_api::{BookingId, UserId};
use happening_seating::{Choice, Command, Decision, EventSeats, Given, Limits, Outcome, Promotion, Refusal};
use uuid::Uuid;

const OPEN: Given = Given { limits: Limits { seats_per_person_max: None, is_upcoming: true }, by_staff: false };
const OVER: Given = Given { limits: Limits { seats_per_person_max: None, is_upcoming: false }, by_staff: false };

fn booking(n: u128) -> BookingId {
    BookingId(Uuid::from_u128(n))
}

fn person(n: u128) -> UserId {
    UserId(Uuid::from_u128(1_000 + n))
}

/// A command that creates booking `n` for person `n`.
fn create(n: u128, seats: u32) -> Command {
    Command::Create { booking: booking(n), person: person(n), seats, choice: Choice::Any, waitlist: true }
}

fn choose(n: u128, choice: Choice, waitlist: bool) -> Command {
    let seats = match &choice {
        Choice::Any => 1,
        Choice::Rather(seats) | Choice::Only(seats) => seats.len() as u32,
    };
    Command::Create { booking: booking(n), person: person(n), seats, choice, waitlist }
}

fn done(state: &mut EventSeats, command: &Command) -> Decision {
    let decision = state.decide(command, OPEN).expect("the command is allowed");
    state.check().expect("the invariants hold");
    decision
}

fn promoted(decision: &Decision) -> Vec<(u128, Vec<u32>)> {
    let one = |promotion: &Promotion| (promotion.booking.0.as_u128(), promotion.seats.clone());
    decision.promotions.iter().map(one).collect()
}

#[test]
fn happy_path() {
    let mut state = EventSeats::new(10);
    let first = done(&mut state, &choose(1, Choice::Only(vec![1, 2]), true));
    assert_eq!(first.outcome, Outcome::Booked { seats: vec![1, 2], reassigned: false });
    assert_eq!(done(&mut state, &create(2, 9)).outcome, Outcome::Waits { order: 1, position: 1 });
    let given = done(&mut state, &Command::CancelSeats { booking: booking(1), seats: vec![1] });
    assert_eq!(promoted(&given), [(2, vec![1])]);
    assert_eq!(state.booking(booking(2)).map(|one| (one.seats, one.wanted)), Some((vec![1], 8)));
}

#[test]
fn two_of_three() {
    let mut state = EventSeats::new(5);
    done(&mut state, &create(1, 3));
    assert_eq!(done(&mut state, &create(2, 3)).outcome, Outcome::Waits { order: 1, position: 1 });
    let given = done(&mut state, &Command::CancelSeats { booking: booking(1), seats: vec![2, 1] });
    assert_eq!(promoted(&given), [(2, vec![1, 2])]);
}

#[test]
fn last_seat_race() {
    let mut state = EventSeats::new(1);
    assert_eq!(done(&mut state, &create(1, 1)).outcome, Outcome::Booked { seats: vec![1], reassigned: false });
    assert_eq!(done(&mut state, &create(2, 1)).outcome, Outcome::Waits { order: 1, position: 1 });
}

#[test]
fn resize_promotes() {
    let mut state = EventSeats::new(2);
    done(&mut state, &create(1, 2));
    done(&mut state, &create(2, 2));
    done(&mut state, &create(3, 2));
    let grown = done(&mut state, &Command::Resize { total: 5 });
    assert_eq!(promoted(&grown), [(2, vec![3, 4]), (3, vec![5])]);
    assert_eq!((state.free(), state.waiting().seats), (0, 1));
}

#[test]
fn overbook_demo() {
    let mut state = EventSeats::new(4);
    done(&mut state, &create(1, 2));
    assert!(matches!(done(&mut state, &create(2, 4)).outcome, Outcome::Waits { .. }));
    let given = done(&mut state, &Command::CancelSeats { booking: booking(1), seats: vec![2] });
    assert_eq!(promoted(&given), [(2, vec![2])]);
}

#[test]
fn a_booking_does_not_get_its_own_seat_back() {
    let mut state = EventSeats::new(3);
    done(&mut state, &create(1, 2));
    done(&mut state, &create(2, 3)); // waits for three seats
    done(&mut state, &Command::Claim { booking: booking(2), seats: None }); // takes seat 3, waits for two more
    done(&mut state, &create(3, 1)); // waits behind booking 2
    let given = done(&mut state, &Command::CancelSeats { booking: booking(2), seats: vec![3] });
    assert_eq!(promoted(&given), [(3, vec![3])], "the seat did not go to the next booking");
    let given = done(&mut state, &Command::CancelSeats { booking: booking(1), seats: vec![1] });
    assert_eq!(promoted(&given), [(2, vec![1])], "booking 2 lost its place on the waitlist");
}

#[test]
fn refusals_come_in_the_documented_order() {
    let limit = Given { limits: Limits { seats_per_person_max: Some(2), is_upcoming: true }, by_staff: false };
    let mut state = EventSeats::new(2);
    let too_many =
        Command::Create { booking: booking(9), person: person(1), seats: 3, choice: Choice::Any, waitlist: false };
    let closed = Given { limits: Limits { is_upcoming: false, ..limit.limits }, ..limit };
    assert_eq!(state.decide(&too_many, closed), Err(Refusal::EventNotOpen));
    assert_eq!(state.decide(&too_many, limit), Err(Refusal::MoreThanTotal { total: 2 }));
    let mine = Command::Create {
        booking: booking(1),
        person: person(1),
        seats: 1,
        choice: Choice::Only(vec![1]),
        waitlist: true,
    };
    state.decide(&mine, limit).expect("the command is allowed");
    // one of these seats is taken, and the booking would exceed the person's limit
    let both = Command::Create {
        booking: booking(2),
        person: person(1),
        seats: 2,
        choice: Choice::Only(vec![1, 2]),
        waitlist: false,
    };
    assert_eq!(state.decide(&both, limit), Err(Refusal::LimitReached { limit: 2, have: 1 }));
    assert_eq!(state.decide(&both, OPEN), Err(Refusal::SeatsTaken { seats: vec![1] }));
    let any =
        Command::Create { booking: booking(2), person: person(2), seats: 2, choice: Choice::Any, waitlist: false };
    assert_eq!(state.decide(&any, OPEN), Err(Refusal::SoldOut));
    // an ended booking is refused before a started event, and both before the seats are checked
    state.decide(&Command::Cancel { booking: booking(1) }, OPEN).expect("the command is allowed");
    let seats = Command::CancelSeats { booking: booking(1), seats: vec![9] };
    assert_eq!(state.decide(&seats, OVER), Err(Refusal::AlreadyCancelled));
    state.decide(&create(3, 1), OPEN).expect("the command is allowed");
    let seats = Command::CancelSeats { booking: booking(3), seats: vec![9] };
    assert_eq!(state.decide(&seats, OVER), Err(Refusal::EventStarted));
    assert_eq!(state.decide(&seats, OPEN), Err(Refusal::NotTheirs { seats: vec![9] }));
}

#[test]
fn a_claim_takes_all_or_the_exact_number() {
    let mut state = EventSeats::new(4);
    done(&mut state, &create(1, 1));
    done(&mut state, &create(2, 4)); // waits for four seats while three are free
    let claim = |seats| Command::Claim { booking: booking(2), seats };
    assert_eq!(state.decide(&claim(Some(5)), OPEN), Err(Refusal::WantsFewer { wanted: 4 }));
    assert_eq!(state.decide(&claim(Some(4)), OPEN), Err(Refusal::NotEnoughFree { free: 3 }));
    assert_eq!(done(&mut state, &claim(Some(2))).outcome, Outcome::Claimed { seats: vec![2, 3] });
    assert_eq!(done(&mut state, &claim(None)).outcome, Outcome::Claimed { seats: vec![4] });
    assert_eq!(state.decide(&claim(None), OPEN), Err(Refusal::NothingToClaim));
}

#[test]
fn seats_freed_after_the_start_are_not_promoted() {
    let mut state = EventSeats::new(1);
    done(&mut state, &create(1, 1));
    done(&mut state, &create(2, 1));
    let cancel = Command::Cancel { booking: booking(1) };
    assert_eq!(state.decide(&cancel, OVER), Err(Refusal::EventStarted));
    let given = state.decide(&cancel, Given { by_staff: true, ..OVER }).expect("staff may cancel");
    assert!(given.promotions.is_empty());
    assert_eq!(state.free(), 1);
}

#[test]
fn staff_book_only_free_seats_after_the_start() {
    let mut state = EventSeats::new(2);
    done(&mut state, &create(1, 1));
    let (one, two) = (create(2, 1), create(3, 1));
    assert_eq!(state.decide(&one, OVER), Err(Refusal::EventNotOpen));
    let staff = Given { by_staff: true, ..OVER };
    let given = state.decide(&one, staff).expect("staff may book");
    assert_eq!(given.outcome, Outcome::Booked { seats: vec![2], reassigned: false });
    assert_eq!(state.decide(&two, staff), Err(Refusal::SoldOut));
    assert_eq!(state.waiting().bookings, 0);
}

#[test]
fn an_event_shrinks_to_its_highest_held_seat() {
    let mut state = EventSeats::new(10);
    done(&mut state, &choose(1, Choice::Only(vec![7]), true));
    assert_eq!(
        state.decide(&Command::Resize { total: 6 }, OPEN),
        Err(Refusal::SeatsBooked { seats: vec![7], total: 6 })
    );
    done(&mut state, &Command::Resize { total: 7 });
    assert_eq!((state.total(), state.free()), (7, 6));
    assert_eq!(
        state.decide(&choose(2, Choice::Only(vec![8]), true), OPEN),
        Err(Refusal::NoSuchSeat { seat: 8, total: 7 })
    );
}
