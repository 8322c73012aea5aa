//! Choosing seats of one event and booking them. The app never changes a choice silently: it names a seat that another
//! person took, keeps the other seats, and keeps the number of seats wanted.

use std::collections::BTreeSet;
use std::rc::Rc;

use happening_api::{
    ApiFailure, Booking, CreateBooking, ErrorCode, EventId, OnConflict, SEATS_PER_BOOKING_MAX, SeatMap,
};
use yew::Reducible;

use super::failure::is_unsure;

/// The state of a seat for the person who chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatState {
    Free,
    Chosen,
    /// Held by the person through an earlier booking.
    Own,
    Taken,
    /// Chosen, but another person booked it first.
    Lost,
}

impl SeatState {
    /// The state in words, for tips and the screen reader.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Chosen => "chosen by you",
            Self::Own => "yours already",
            Self::Taken => "taken",
            Self::Lost => "just taken",
        }
    }
}

/// The person's last request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// Exactly the chosen seats.
    Chosen(Vec<i32>),
    /// This many of the lowest free seats; none if fewer are free.
    Free(i32),
    /// This many seats; if too few are free, the booking waits for all of them.
    Wait(i32),
    /// As `Wait`, and if the booking waits, a claim takes the seats that are free.
    WaitAndTake(i32),
}

/// The progress of booking.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Choosing,
    /// The request was sent with this key, and the answer has not come yet.
    Booking {
        wish: Wish,
        key: String,
        /// An earlier try with this key may have succeeded.
        unsure: bool,
    },
    /// The request failed; a retry uses the same key.
    Failed {
        wish: Wish,
        key: String,
        failure: ApiFailure,
        unsure: bool,
    },
    Done(Box<Booking>),
}

/// The state of the screen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selection {
    total: i32,
    taken: Vec<bool>,
    own: BTreeSet<i32>,
    chosen: BTreeSet<i32>,
    lost: BTreeSet<i32>,
    /// How many seats are wanted.
    party: i32,
    /// Most seats that can be wanted.
    party_max: i32,
    step: Step,
    /// The number of failed tries, so that a second failure counts even if it equals the first.
    failures: u32,
    /// Every seat as the map shows it; seat n is `states[n - 1]`.
    states: Rc<Vec<SeatState>>,
}

/// An input of the state machine.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A new map came from the server.
    Map(SeatMap),
    /// The most seats that this person can still have.
    Limit(i32),
    Toggle(i32),
    Party(i32),
    /// Replace the choice.
    Choose(Vec<i32>),
    /// Choose these seats, too, up to the most that the person can choose.
    Add(Vec<i32>),
    Send {
        wish: Wish,
        key: String,
    },
    Answer(Box<Result<Booking, ApiFailure>>),
}

impl Selection {
    /// The state before the server's map has come.
    pub(crate) fn new(party: i32) -> Self {
        Self {
            total: 0,
            taken: Vec::new(),
            own: BTreeSet::new(),
            chosen: BTreeSet::new(),
            lost: BTreeSet::new(),
            party,
            party_max: SEATS_PER_BOOKING_MAX,
            step: Step::Choosing,
            failures: 0,
            states: Rc::default(),
        }
    }

    /// Every seat as the map shows it.
    pub(crate) fn states(&self) -> &Rc<Vec<SeatState>> {
        &self.states
    }

    pub(crate) fn state_of(&self, seat: i32) -> SeatState {
        let at = usize::try_from(seat - 1).ok();
        at.and_then(|at| self.states.get(at)).copied().unwrap_or(SeatState::Taken)
    }

    fn find_state(&self, seat: i32) -> SeatState {
        if self.lost.contains(&seat) {
            SeatState::Lost
        } else if self.chosen.contains(&seat) {
            SeatState::Chosen
        } else if self.own.contains(&seat) {
            SeatState::Own
        } else if self.is_taken(seat) {
            SeatState::Taken
        } else {
            SeatState::Free
        }
    }

    fn is_taken(&self, seat: i32) -> bool {
        usize::try_from(seat - 1).ok().and_then(|at| self.taken.get(at)).copied().unwrap_or(true)
    }

    /// Whether a seat is free or already chosen.
    pub(crate) fn can_choose(&self, seat: i32) -> bool {
        matches!(self.state_of(seat), SeatState::Free | SeatState::Chosen)
    }

    pub(crate) fn chosen(&self) -> Vec<i32> {
        self.chosen.iter().copied().collect()
    }

    pub(crate) fn lost(&self) -> Vec<i32> {
        self.lost.iter().copied().collect()
    }

    pub(crate) fn party(&self) -> i32 {
        self.party
    }

    pub(crate) fn party_max(&self) -> i32 {
        self.party_max
    }

    pub(crate) fn step(&self) -> &Step {
        &self.step
    }

    /// The number of failed tries.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether a request waits for its answer.
    pub(crate) fn busy(&self) -> bool {
        matches!(self.step, Step::Booking { .. })
    }

    /// Whether the choice is locked: while an answer has not come, and while it is unknown whether the booking
    /// succeeded. Another choice would be a second booking; repeating the same request tells the result.
    pub(crate) fn fixed(&self) -> bool {
        self.busy() || matches!(self.step, Step::Failed { unsure: true, .. })
    }

    /// Whether a request with this key may be sent now.
    fn may_send(&self, key: &str) -> bool {
        match &self.step {
            Step::Booking { .. } => false,
            Step::Failed { key: before, unsure: true, .. } => before == key,
            _ => true,
        }
    }

    /// The number of free seats, including the chosen ones.
    pub(crate) fn free(&self) -> i32 {
        self.taken.iter().filter(|taken| !**taken).count() as i32
    }

    /// Whether the server's map has come.
    pub(crate) fn is_known(&self) -> bool {
        self.total > 0
    }

    /// Whether fewer seats are free than wanted, so that the person has to decide what to do.
    pub(crate) fn too_few(&self) -> bool {
        self.is_known() && self.free() < self.party
    }

    fn take_map(&mut self, map: &SeatMap) {
        self.total = map.total;
        self.taken = vec![false; usize::try_from(map.total).unwrap_or_default()];
        for seat in &map.taken {
            if let Some(taken) = usize::try_from(seat - 1).ok().and_then(|at| self.taken.get_mut(at)) {
                *taken = true;
            }
        }
        self.own = map.mine.iter().copied().collect();
        let taken = |seat: &i32| self.is_taken(*seat) && !self.own.contains(seat);
        let gone: Vec<i32> = self.chosen.iter().copied().filter(taken).collect();
        // chosen seats that are taken now may be this person's own, while an answer has not come, or after a failure
        // that leaves the result unknown
        let ours = matches!(self.step, Step::Booking { .. } | Step::Done(_) | Step::Failed { unsure: true, .. });
        if !ours {
            self.lose(&gone);
        }
    }

    fn lose(&mut self, gone: &[i32]) {
        for seat in gone {
            self.chosen.remove(seat);
            self.lost.insert(*seat);
            if let Some(taken) = usize::try_from(seat - 1).ok().and_then(|at| self.taken.get_mut(at)) {
                *taken = true;
            }
        }
    }

    fn toggle(&mut self, seat: i32) {
        if self.fixed() || !self.can_choose(seat) {
            return;
        }
        if !self.chosen.remove(&seat) && (self.chosen.len() as i32) < self.party_max {
            self.chosen.insert(seat);
            self.lost.clear();
        }
        self.party = self.party.max(self.chosen.len() as i32);
        self.step = Step::Choosing;
    }

    fn add(&mut self, seats: &[i32]) {
        let open = usize::try_from(self.party_max - self.chosen.len() as i32).unwrap_or_default();
        let more: Vec<i32> =
            seats.iter().copied().filter(|seat| self.state_of(*seat) == SeatState::Free).take(open).collect();
        if !more.is_empty() {
            self.chosen.extend(more);
            self.lost.clear();
            self.party = self.party.max(self.chosen.len() as i32);
            self.step = Step::Choosing;
        }
    }

    fn answer(&mut self, result: Result<Booking, ApiFailure>) {
        let Step::Booking { wish, key, unsure } = self.step.clone() else { return };
        self.step = match result {
            Ok(booking) => Step::Done(Box::new(booking)),
            Err(ApiFailure::Refused { body, .. }) if body.code == ErrorCode::SeatsTaken => {
                self.lose(&body.details.seats.unwrap_or_default());
                Step::Choosing
            }
            Err(failure) => {
                // a refusal means that no earlier try succeeded: the server looks for the key's booking before it
                // refuses
                let refused = matches!(&failure, ApiFailure::Refused { body, .. } if body.code != ErrorCode::Internal);
                let unsure = is_unsure(&failure) || (unsure && !refused);
                self.failures += 1;
                Step::Failed { wish, key, failure, unsure }
            }
        };
    }
}

impl Reducible for Selection {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Map(map) => next.take_map(&map),
            Action::Limit(max) => {
                next.party_max = max.clamp(1, SEATS_PER_BOOKING_MAX);
                next.party = next.party.min(next.party_max);
            }
            Action::Toggle(seat) => next.toggle(seat),
            Action::Party(party) if !next.fixed() => next.party = party.clamp(1, next.party_max),
            Action::Choose(seats) if !next.fixed() => {
                next.chosen = seats.into_iter().filter(|seat| self.can_choose(*seat)).collect();
                next.lost.clear();
                next.step = Step::Choosing;
            }
            Action::Add(seats) if !next.fixed() => next.add(&seats),
            Action::Send { wish, key } if next.may_send(&key) => {
                let unsure = matches!(&next.step, Step::Failed { key: before, unsure: true, .. } if *before == key);
                next.step = Step::Booking { wish, key, unsure };
            }
            Action::Answer(result) => next.answer(*result),
            Action::Party(_) | Action::Choose(_) | Action::Add(_) | Action::Send { .. } => {}
        }
        next.states = Rc::new((1..=next.total).map(|seat| next.find_state(seat)).collect());
        Rc::new(next)
    }
}

impl Wish {
    /// The request's body. Chosen seats are booked exactly, never replaced by others.
    pub(crate) fn body(&self, event_id: EventId) -> CreateBooking {
        let (seats, seat_numbers, waitlist) = match self {
            Self::Chosen(seats) => (seats.len() as i32, Some(seats.clone()), false),
            Self::Free(seats) => (*seats, None, false),
            Self::Wait(seats) | Self::WaitAndTake(seats) => (*seats, None, true),
        };
        CreateBooking {
            event_id,
            seats,
            seat_numbers,
            on_conflict: OnConflict::Reject,
            waitlist,
            user_id: None,
            reason: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use happening_api::{ErrorBody, ErrorDetails};
    use proptest::prelude::*;

    use super::*;

    fn map(total: i32, taken: &[i32]) -> Action {
        Action::Map(SeatMap { total, taken: taken.to_vec(), mine: Vec::new(), version: 1 })
    }

    fn after(actions: Vec<Action>) -> Rc<Selection> {
        actions.into_iter().fold(Rc::new(Selection::new(2)), |state, action| state.reduce(action))
    }

    fn taken(seats: &[i32]) -> Action {
        let details = ErrorDetails { seats: Some(seats.to_vec()), ..ErrorDetails::default() };
        let body = ErrorBody { error: String::new(), code: ErrorCode::SeatsTaken, details, request_id: String::new() };
        Action::Answer(Box::new(Err(ApiFailure::Refused { status: 409, body: Box::new(body) })))
    }

    fn silence() -> Action {
        Action::Answer(Box::new(Err(ApiFailure::NoAnswer)))
    }

    #[test]
    fn an_unsure_booking_allows_only_the_same_request() {
        let unsure = after(vec![map(9, &[]), Action::Toggle(2), send(&[2]), silence()]);
        let other = Action::Send { wish: Wish::Wait(2), key: "other".to_owned() };
        for change in [Action::Toggle(3), Action::Party(5), Action::Choose(vec![4]), Action::Add(vec![4]), other] {
            assert_eq!(unsure.clone().reduce(change.clone()), unsure, "{change:?}");
        }
        let again = unsure.clone().reduce(send(&[2]));
        assert!(again.busy());
        // taken seats may be the person's own
        assert!(unsure.reduce(map(9, &[2])).lost().is_empty());
        // after a refusal it is certain that nothing is booked
        let settled = again.reduce(taken(&[2]));
        assert!(!settled.fixed() && settled.lost() == [2]);
    }

    fn send(seats: &[i32]) -> Action {
        Action::Send { wish: Wish::Chosen(seats.to_vec()), key: "k".to_owned() }
    }

    #[test]
    fn a_conflict_keeps_free_seats_and_names_lost_ones() {
        let state =
            after(vec![map(20, &[1]), Action::Choose(vec![14, 15, 16, 17]), send(&[14, 15, 16, 17]), taken(&[14, 15])]);
        assert_eq!((state.chosen(), state.lost()), (vec![16, 17], vec![14, 15]));
        assert_eq!((state.state_of(14), state.step()), (SeatState::Lost, &Step::Choosing));
        let state = state.reduce(Action::Toggle(3));
        assert_eq!((state.chosen(), state.lost()), (vec![3, 16, 17], vec![]));
        assert_eq!(state.state_of(14), SeatState::Taken);
    }

    #[test]
    fn a_chosen_seat_that_is_taken_is_not_replaced() {
        let state = after(vec![map(9, &[]), Action::Choose(vec![4, 5]), map(9, &[5])]);
        assert_eq!((state.chosen(), state.lost(), state.party()), (vec![4], vec![5], 2));
        // the lost seat stays named until the next choice, even if a newer map shows it as free
        let state = state.reduce(map(9, &[]));
        assert_eq!(state.lost(), [5]);
        let state = state.reduce(Action::Toggle(2));
        assert_eq!(state.state_of(5), SeatState::Free, "the seat is free again, but not shown as free");
    }

    #[test]
    fn a_range_chooses_free_seats_up_to_the_limit() {
        let state = after(vec![map(20, &[3]), Action::Limit(4), Action::Toggle(1), Action::Add((1..=9).collect())]);
        assert_eq!((state.chosen(), state.party()), (vec![1, 2, 4, 5], 4));
        assert_eq!(state.states()[..4], [SeatState::Chosen, SeatState::Chosen, SeatState::Taken, SeatState::Chosen]);
    }

    #[test]
    fn a_failure_keeps_key_and_wish_for_the_retry() {
        let state = after(vec![
            map(9, &[]),
            Action::Choose(vec![4]),
            send(&[4]),
            Action::Answer(Box::new(Err(ApiFailure::NoAnswer))),
        ]);
        let expected = Step::Failed {
            wish: Wish::Chosen(vec![4]),
            key: "k".to_owned(),
            failure: ApiFailure::NoAnswer,
            unsure: true,
        };
        assert_eq!((state.step(), state.chosen()), (&expected, vec![4]));
        // the new map shows that the booking succeeded
        let booked = Action::Map(SeatMap { total: 9, taken: vec![4], mine: vec![4], version: 2 });
        let state = state.reduce(booked);
        assert_eq!((state.chosen(), state.lost()), (vec![4], vec![]));
        // a later try that certainly did nothing does not tell whether the first one succeeded
        let before = state.failures();
        let state = state.reduce(send(&[4])).reduce(Action::Answer(Box::new(Err(ApiFailure::Offline))));
        assert!(matches!(state.step(), Step::Failed { unsure: true, .. }));
        assert_eq!(state.failures(), before + 1, "the second failure was not counted");
    }

    #[test]
    fn a_seat_being_booked_is_not_lost() {
        let state = after(vec![map(9, &[]), Action::Choose(vec![4]), send(&[4]), map(9, &[4])]);
        assert_eq!((state.chosen(), state.lost()), (vec![4], vec![]));
    }

    #[test]
    fn too_few_compares_free_seats_with_wanted_ones() {
        assert!(after(vec![map(9, &[1, 2, 3, 4, 5, 6, 7, 8])]).too_few());
        assert!(!after(vec![map(9, &[1, 2, 3, 4, 5, 6, 7])]).too_few());
    }

    proptest! {
        #[test]
        fn only_free_seats_are_ever_chosen(
            picks in proptest::collection::vec(-2..60i32, 0..80),
            gone in proptest::collection::btree_set(1..40i32, 0..30),
        ) {
            let gone: Vec<i32> = gone.into_iter().collect();
            let mut actions = vec![map(40, &gone[..gone.len() / 2])];
            actions.extend(picks.into_iter().map(Action::Toggle));
            actions.push(map(40, &gone));
            let state = after(actions);
            prop_assert!(state.chosen().iter().all(|seat| (1..=40).contains(seat) && !gone.contains(seat)));
            prop_assert!(state.chosen().len() as i32 <= state.party_max());
            prop_assert!(state.lost().iter().all(|seat| !state.chosen().contains(seat)));
        }
    }
}
