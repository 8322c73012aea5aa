//! A naive model of the same rules: a list of seats and a list of bookings, written for clarity. Random commands must give the same
//! results in the model and in the crate.

use happening_api::{BookingId, UserId};
use happening_seating::{
    Booking, Choice, Command, Decision, EventSeats, Given, Left, Limits, Loaded, Outcome, Promotion, Refusal,
};
use proptest::prelude::*;
use uuid::Uuid;

#[derive(Clone, Debug)]
struct Row {
    id: BookingId,
    person: UserId,
    wanted: u32,
    order: u64,
    ended: bool,
}

#[derive(Clone, Debug, Default)]
struct Model {
    /// `seats[n - 1]` is the booking that holds seat `n`.
    seats: Vec<Option<BookingId>>,
    rows: Vec<Row>,
    last_order: u64,
}

/// A booking's id, its seats, how many seats it wants, and the bookings and seats ahead of it.
type Shown = (BookingId, Vec<u32>, u32, Option<(u32, u32)>);

type Done = Result<(Outcome, Vec<Promotion>), Refusal>;

impl Model {
    fn held(&self, id: BookingId) -> Vec<u32> {
        (1..).zip(&self.seats).filter(|(_, holder)| **holder == Some(id)).map(|(seat, _)| seat).collect()
    }

    fn free(&self) -> Vec<u32> {
        (1..).zip(&self.seats).filter(|(_, holder)| holder.is_none()).map(|(seat, _)| seat).collect()
    }

    fn row(&self, id: BookingId) -> Result<Row, Refusal> {
        let row = self.rows.iter().find(|row| row.id == id).ok_or(Refusal::NoSuchBooking)?;
        if row.ended { Err(Refusal::AlreadyCancelled) } else { Ok(row.clone()) }
    }

    fn row_mut(&mut self, id: BookingId) -> &mut Row {
        self.rows.iter_mut().find(|row| row.id == id).expect("the model has this booking")
    }

    fn put(&mut self, seats: &[u32], holder: Option<BookingId>) {
        seats.iter().for_each(|seat| self.seats[*seat as usize - 1] = holder);
    }

    /// Gives freed seats to the waitlist, one seat at a time, as the rule says.
    fn hand_out(&mut self, seats: &[u32], giver: Option<BookingId>, upcoming: bool) -> Vec<Promotion> {
        let mut promotions: Vec<Promotion> = Vec::new();
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        for seat in seats.into_iter().filter(|_| upcoming) {
            let waiting = self.rows.iter_mut().filter(|row| row.wanted > 0 && Some(row.id) != giver);
            let Some(first) = waiting.min_by_key(|row| row.order) else { break };
            first.wanted -= 1;
            let (booking, person) = (first.id, first.person);
            self.seats[seat as usize - 1] = Some(booking);
            match promotions.iter_mut().find(|one| one.booking == booking) {
                Some(one) => one.seats.push(seat),
                None => promotions.push(Promotion { booking, person, seats: vec![seat] }),
            }
        }
        promotions
    }

    fn decide(&mut self, command: &Command, given: Given) -> Done {
        let upcoming = given.limits.is_upcoming;
        match command {
            Command::Create { .. } if !upcoming && !given.by_staff => Err(Refusal::EventNotOpen),
            Command::Create { booking, person, seats, choice, waitlist } => {
                let asked = match choice {
                    Choice::Any => Vec::new(),
                    Choice::Rather(asked) | Choice::Only(asked) => asked.clone(),
                };
                let only = matches!(choice, Choice::Only(_));
                self.may_create(
                    *person,
                    *seats,
                    &asked,
                    (only, *waitlist && upcoming),
                    given.limits.seats_per_person_max,
                )?;
                Ok((self.create(*booking, *person, *seats, asked), Vec::new()))
            }
            Command::Claim { booking, seats } => {
                self.claim(*booking, *seats, upcoming).map(|outcome| (outcome, Vec::new()))
            }
            Command::Cancel { booking } => {
                self.row(*booking)?;
                let seats = self.held(*booking);
                self.may_give_back(given)?;
                self.put(&seats, None);
                let row = self.row_mut(*booking);
                (row.wanted, row.ended) = (0, true);
                let promotions = self.hand_out(&seats, Some(*booking), given.limits.is_upcoming);
                Ok((Outcome::GaveBack { seats, ended: true }, promotions))
            }
            Command::CancelSeats { booking, seats } => {
                let row = self.row(*booking)?;
                self.may_give_back(given)?;
                let held = self.held(*booking);
                let foreign: Vec<u32> = seats.iter().copied().filter(|seat| !held.contains(seat)).collect();
                if !foreign.is_empty() {
                    return Err(Refusal::NotTheirs { seats: foreign });
                }
                self.put(seats, None);
                let ended = seats.len() == held.len() && row.wanted == 0;
                self.row_mut(*booking).ended = ended;
                let promotions = self.hand_out(seats, Some(*booking), given.limits.is_upcoming);
                let mut seats = seats.clone();
                seats.sort_unstable();
                Ok((Outcome::GaveBack { seats, ended }, promotions))
            }
            Command::Resize { .. } if !upcoming && !given.by_staff => Err(Refusal::EventNotOpen),
            Command::Resize { total } => self.resize(*total, upcoming),
            Command::EndWaiting { .. } if upcoming => Err(Refusal::NotStarted),
            Command::EndWaiting { at_most } => Ok((self.end_waiting(*at_most as usize), Vec::new())),
            Command::EndBookings { at_most } => Ok((self.end_bookings(*at_most as usize), Vec::new())),
        }
    }

    fn end_bookings(&mut self, at_most: usize) -> Outcome {
        let mut active: Vec<Row> = self.rows.iter().filter(|row| !row.ended).cloned().collect();
        active.sort_by_key(|row| (self.held(row.id).first().copied().unwrap_or(u32::MAX), row.order));
        let mut seats = 0;
        let fits = active.iter().take_while(|row| {
            seats += self.held(row.id).len().max(1);
            seats <= at_most
        });
        active.truncate(fits.count().max(1));
        let ended = active.into_iter().map(|Row { id, person, wanted, .. }| {
            let seats = self.held(id);
            self.put(&seats, None);
            let row = self.row_mut(id);
            (row.wanted, row.ended) = (0, true);
            Left { booking: id, person, wanted, seats }
        });
        Outcome::BookingsEnded { ended: ended.collect() }
    }

    fn end_waiting(&mut self, at_most: usize) -> Outcome {
        let mut waiting: Vec<Row> = self.rows.iter().filter(|row| row.wanted > 0).cloned().collect();
        waiting.sort_by_key(|row| row.order);
        waiting.truncate(at_most);
        let left = waiting.into_iter().map(|Row { id, person, wanted, .. }| {
            let seats = self.held(id);
            let row = self.row_mut(id);
            (row.wanted, row.ended) = (0, seats.is_empty());
            Left { booking: id, person, wanted, seats }
        });
        Outcome::WaitingEnded { left: left.collect() }
    }

    fn may_create(
        &self,
        person: UserId,
        seats: u32,
        asked: &[u32],
        (only, waitlist): (bool, bool),
        max: Option<u32>,
    ) -> Result<(), Refusal> {
        let (total, free) = (self.seats.len() as u32, self.free());
        let own = self.rows.iter().filter(|row| row.person == person);
        let have: u32 = own.map(|row| row.wanted + self.held(row.id).len() as u32).sum();
        if seats > total {
            return Err(Refusal::MoreThanTotal { total });
        }
        if let Some(beyond) = asked.iter().find(|seat| !(1..=total).contains(*seat)) {
            return Err(Refusal::NoSuchSeat { seat: *beyond, total });
        }
        if let Some(limit) = max.filter(|limit| have + seats > *limit) {
            return Err(Refusal::LimitReached { limit, have });
        }
        let gone: Vec<u32> = asked.iter().copied().filter(|seat| !free.contains(seat)).collect();
        if only && !gone.is_empty() {
            return Err(Refusal::SeatsTaken { seats: gone });
        }
        if free.len() < seats as usize && !waitlist { Err(Refusal::SoldOut) } else { Ok(()) }
    }

    fn create(&mut self, id: BookingId, person: UserId, seats: u32, asked: Vec<u32>) -> Outcome {
        let free = self.free();
        let mut row = Row { id, person, wanted: 0, order: 0, ended: false };
        if free.len() < seats as usize {
            self.last_order += 1;
            (row.wanted, row.order) = (seats, self.last_order);
            self.rows.push(row);
            let position = self.rows.iter().filter(|row| row.wanted > 0).count() as u32;
            return Outcome::Waits { order: self.last_order, position };
        }
        let reassigned = asked.iter().any(|seat| !free.contains(seat));
        let mut taken = if asked.is_empty() || reassigned { free[..seats as usize].to_vec() } else { asked };
        taken.sort_unstable();
        self.put(&taken, Some(id));
        self.rows.push(row);
        Outcome::Booked { seats: taken, reassigned }
    }

    fn claim(&mut self, booking: BookingId, seats: Option<u32>, upcoming: bool) -> Result<Outcome, Refusal> {
        let (row, free) = (self.row(booking)?, self.free());
        let count = match seats {
            _ if !upcoming => return Err(Refusal::EventStarted),
            Some(count) if count > row.wanted => return Err(Refusal::WantsFewer { wanted: row.wanted }),
            Some(count) if count as usize > free.len() => {
                return Err(Refusal::NotEnoughFree { free: free.len() as u32 });
            }
            Some(count) => count,
            None => row.wanted.min(free.len() as u32),
        };
        if count == 0 && seats.is_none() {
            return Err(Refusal::NothingToClaim);
        }
        let seats = free[..count as usize].to_vec();
        self.put(&seats, Some(booking));
        self.row_mut(booking).wanted -= count;
        Ok(Outcome::Claimed { seats })
    }

    fn resize(&mut self, total: u32, upcoming: bool) -> Done {
        let from = self.seats.len() as u32;
        let held: Vec<u32> = (total + 1..=from).filter(|seat| self.seats[*seat as usize - 1].is_some()).collect();
        if !held.is_empty() {
            return Err(Refusal::SeatsBooked { seats: held, total });
        }
        self.seats.resize(total as usize, None);
        let new: Vec<u32> = (from + 1..=total).collect();
        Ok((Outcome::Resized, self.hand_out(&new, None, upcoming)))
    }

    fn may_give_back(&self, given: Given) -> Result<(), Refusal> {
        let may = given.limits.is_upcoming || given.by_staff;
        if may { Ok(()) } else { Err(Refusal::EventStarted) }
    }

    /// The active bookings as the state shows them.
    fn shown(&self) -> Vec<Shown> {
        let ahead = |row: &Row| {
            let before = self.rows.iter().filter(|one| one.wanted > 0 && one.order < row.order);
            before.fold((0, 0), |(bookings, seats), one| (bookings + 1, seats + one.wanted))
        };
        let active = self.rows.iter().filter(|row| !row.ended);
        active.map(|row| (row.id, self.held(row.id), row.wanted, (row.wanted > 0).then(|| ahead(row)))).collect()
    }
}

fn shown(state: &EventSeats) -> Vec<Shown> {
    let one = |one: Booking| (one.id, one.seats, one.wanted, one.ahead.map(|ahead| (ahead.bookings, ahead.seats)));
    state.active().map(one).collect()
}

/// A random command, about an existing booking or a new one.
#[derive(Clone, Debug)]
enum Step {
    Create {
        person: u128,
        seats: u32,
        first: u32,
        kind: u8,
        waitlist: bool,
    },
    Claim {
        of: prop::sample::Index,
        seats: Option<u32>,
    },
    Cancel {
        of: prop::sample::Index,
    },
    /// `which` selects some of the seats that the booking holds; `foreign` adds one that it does not hold.
    CancelSeats {
        of: prop::sample::Index,
        which: u8,
        foreign: bool,
    },
    Resize {
        total: u32,
    },
    EndWaiting {
        at_most: u32,
    },
    EndBookings {
        at_most: u32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        8 => (0..5_u128, 1..6_u32, 1..14_u32, 0..4_u8, prop::bool::weighted(0.9)).prop_map(|(person, seats, first, kind, waitlist)| {
            Step::Create { person, seats, first, kind, waitlist }
        }),
        2 => (any(), prop::option::of(1..5_u32)).prop_map(|(of, seats)| Step::Claim { of, seats }),
        3 => any().prop_map(|of| Step::Cancel { of }),
        3 => (any(), 1..32_u8, prop::bool::weighted(0.1)).prop_map(|(of, which, foreign)| Step::CancelSeats { of, which, foreign }),
        1 => (1..16_u32).prop_map(|total| Step::Resize { total }),
        1 => (1..4_u32).prop_map(|at_most| Step::EndWaiting { at_most }),
        1 => (1..6_u32).prop_map(|at_most| Step::EndBookings { at_most }),
    ]
}

fn command(step: &Step, n: usize, model: &Model) -> Option<Command> {
    let of = |index: &prop::sample::Index| (!model.rows.is_empty()).then(|| index.get(&model.rows).id);
    Some(match step {
        Step::Create { person, seats, first, kind, waitlist } => {
            let list: Vec<u32> = (*first..first + seats).collect();
            let choice = match kind {
                0 => Choice::Only(list),
                1 => Choice::Rather(list),
                _ => Choice::Any,
            };
            let (booking, person) =
                (BookingId(Uuid::from_u128(n as u128 + 1)), UserId(Uuid::from_u128(person + 1_000)));
            Command::Create { booking, person, seats: *seats, choice, waitlist: *waitlist }
        }
        Step::Claim { of: index, seats } => Command::Claim { booking: of(index)?, seats: *seats },
        Step::Cancel { of: index } => Command::Cancel { booking: of(index)? },
        Step::CancelSeats { of: index, which, foreign } => {
            let booking = of(index)?;
            let held = model.held(booking).into_iter().zip(0..);
            let mut seats: Vec<u32> = held.filter(|(_, at)| which >> (at % 8) & 1 == 1).map(|(seat, _)| seat).collect();
            seats.extend(foreign.then_some(99));
            (!seats.is_empty()).then_some(Command::CancelSeats { booking, seats })?
        }
        Step::Resize { total } => Command::Resize { total: *total },
        Step::EndWaiting { at_most } => Command::EndWaiting { at_most: *at_most },
        Step::EndBookings { at_most } => Command::EndBookings { at_most: *at_most },
    })
}

/// The state that is loaded from the model's rows.
fn loaded(model: &Model) -> EventSeats {
    let active = model.rows.iter().filter(|row| !row.ended);
    let rows: Vec<Loaded> = active
        .map(|row| Loaded {
            id: row.id,
            person: row.person,
            seats: model.held(row.id),
            wanted: row.wanted,
            order: (row.wanted > 0).then_some(row.order),
        })
        .collect();
    EventSeats::load(model.seats.len() as u32, model.last_order, &rows).expect("rows without contradiction")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decisions_equal_those_of_the_model(
        total in 1..12_u32, max in prop::option::of(2..8_u32), steps in prop::collection::vec(step(), 1..40),
        started_at in prop::option::weighted(0.2, 0..40_usize), staff in any::<bool>(),
    ) {
        let mut state = EventSeats::new(total);
        let mut model = Model { seats: vec![None; total as usize], ..Model::default() };
        let mut copy = state.clone();
        for (n, step) in steps.iter().enumerate() {
            let is_upcoming = started_at.is_none_or(|at| n < at);
            let given = Given { limits: Limits { seats_per_person_max: max, is_upcoming }, by_staff: staff };
            let Some(command) = command(step, n, &model) else { continue };
            // a decision that is undone must not influence later decisions
            let person = UserId(Uuid::from_u128(7));
            let other = BookingId(Uuid::from_u128(1_000_000 + n as u128));
            let vain = Command::Create { booking: other, person, seats: 1, choice: Choice::Any, waitlist: true };
            if let Ok(decision) = state.decide(&vain, given) {
                state.undo(&decision.changes);
            }
            let before = state.clone();
            let decided = state.decide(&command, given);
            let expected = model.decide(&command, given);
            let said = decided.clone().map(|Decision { outcome, promotions, .. }| (outcome, promotions));
            prop_assert_eq!(&said, &expected, "{:?}", command);
            prop_assert_eq!(state.check(), Ok(()));
            prop_assert_eq!(shown(&state), model.shown());
            prop_assert_eq!((state.free() as usize, state.last_order()), (model.free().len(), model.last_order));
            match decided {
                Ok(decision) => {
                    // applying the changes to a copy gives an equal state, and undoing them restores the state before
                    copy.apply(&decision.changes);
                    prop_assert_eq!(&copy, &state);
                    let mut back = state.clone();
                    back.undo(&decision.changes);
                    prop_assert_eq!(back.check(), Ok(()));
                    prop_assert_eq!(&back, &before);
                }
                Err(_) => prop_assert_eq!(&state, &before, "a refusal changed something"),
            }
            state.settle();
            prop_assert_eq!(&loaded(&model), &state);
        }
    }
}
