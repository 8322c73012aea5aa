//! The state of an event's seats and its invariants.

use std::collections::HashSet;

use happening_api::{BookingId, UserId};
use serde::{Deserialize, Serialize};

use crate::free::FreeSeats;
use crate::people::{Indexed, Kept, Person};
use crate::waitlist::{Ahead, Waitlist};
use crate::{Order, Seat};

/// In `holders`: no booking holds the seat.
const FREE: u32 = 0;

/// `settle` keeps at least this many ended bookings, since rebuilding the state costs more than they do.
const ENDED_KEPT: u32 = 1_000;

/// The limits of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many seats one person may hold and wait for.
    pub seats_per_person_max: Option<u32>,
    /// Whether the event takes bookings, claims and cancellations at this moment, by the database's clock.
    pub is_upcoming: bool,
}

/// A booking as its rows describe it, to build a state from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    pub id: BookingId,
    pub person: UserId,
    pub seats: Vec<Seat>,
    /// How many seats it still wants.
    pub wanted: u32,
    /// Its order on the waitlist; required while it wants seats.
    pub order: Option<Order>,
}

impl From<Booking> for Loaded {
    fn from(booking: Booking) -> Self {
        let Booking { id, person, seats, wanted, order, .. } = booking;
        Self { id, person, seats, wanted, order: (wanted > 0).then_some(order) }
    }
}

/// A whole state as the rows describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub total: u32,
    pub last_order: Order,
    pub bookings: Vec<Loaded>,
}

/// A booking as callers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    pub person: UserId,
    /// The seats it holds, in ascending order.
    pub seats: Vec<Seat>,
    /// How many seats it still wants.
    pub wanted: u32,
    /// Its order on the waitlist while it wants seats; otherwise 0.
    pub order: Order,
    /// What is ahead of it on the waitlist, while it wants seats.
    pub ahead: Option<Ahead>,
    pub ended: bool,
}

/// The seats, active bookings and waitlist of one event.
#[derive(Clone, Debug, Default)]
pub struct EventSeats {
    total: u32,
    /// `holders[n - 1]` belongs to seat `n`: one more than the slot of the booking that holds it, or [`FREE`].
    holders: Vec<u32>,
    /// `next[n - 1]` belongs to seat `n`: another seat of the same booking, or 0 after its last seat.
    next: Vec<Seat>,
    free: FreeSeats,
    bookings: Indexed<Kept>,
    people: Indexed<Person>,
    waitlist: Waitlist,
    /// The order of the booking that joined the waitlist last.
    last_order: Order,
    /// How many ended bookings are still in `bookings`.
    ended: u32,
    /// How many people hold or want seats.
    active_people: u32,
}

impl EventSeats {
    /// An event whose seats are all free.
    pub fn new(total: u32) -> Self {
        let mut state = Self::default();
        state.set_total(0, total);
        state
    }

    /// Builds the state from its rows, which contain active bookings only. `last_order` is the order of the booking that joined the
    /// waitlist last, even if it has left.
    ///
    /// # Errors
    /// A sentence about the first row that contradicts another one.
    pub fn load(total: u32, last_order: Order, bookings: &[Loaded]) -> Result<Self, String> {
        let mut state = Self::new(total);
        let mut waiting: Vec<(Order, u32, u32)> = Vec::new();
        for row in bookings {
            if state.bookings.position(row.id).is_some() {
                return Err(format!("booking {} is there twice", row.id));
            }
            let slot = state.enter(row.id, row.person);
            for seat in &row.seats {
                if !state.is_free(*seat) {
                    return Err(format!("seat {seat} of booking {} is not free", row.id));
                }
                state.take(slot, *seat);
            }
            match row.order {
                Some(order) if row.wanted > 0 && order <= last_order => waiting.push((order, slot, row.wanted)),
                _ if row.wanted == 0 => {}
                _ => return Err(format!("booking {} waits without a place", row.id)),
            }
        }
        waiting.sort_unstable();
        for (order, slot, wanted) in waiting {
            if order <= state.last_order {
                return Err(format!("two bookings joined at {order}"));
            }
            state.set_wanted(slot, order, wanted);
            state.last_order = order;
        }
        state.last_order = last_order;
        Ok(state)
    }

    /// The total number of seats; they are numbered from 1 to this.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// How many seats are free.
    pub fn free(&self) -> u32 {
        self.free.count()
    }

    /// The lowest free seats, at most `count`.
    pub fn lowest_free(&self, count: u32) -> Vec<Seat> {
        self.free.lowest(count)
    }

    /// Whether the seat exists and is free.
    pub fn is_free(&self, seat: Seat) -> bool {
        (1..=self.total).contains(&seat) && self.free.contains(seat)
    }

    /// All held seats with a number above `total`, ascending.
    pub fn held_beyond(&self, total: u32) -> Vec<Seat> {
        (total + 1..=self.total).filter(|seat| !self.free.contains(*seat)).collect()
    }

    /// How many bookings are on the waitlist, and how many seats they want together.
    pub fn waiting(&self) -> Ahead {
        Ahead { bookings: self.waitlist.bookings(), seats: self.waitlist.seats() }
    }

    /// The order of the booking that joined the waitlist last.
    pub fn last_order(&self) -> Order {
        self.last_order
    }

    /// How many seats a person holds and waits for.
    pub fn seats_of(&self, person: UserId) -> u32 {
        self.people.position(person).map_or(0, |at| self.people.at(at).seats)
    }

    /// A booking that the state contains: any active one, and those that ended since the state was loaded.
    pub fn booking(&self, id: BookingId) -> Option<Booking> {
        self.bookings.position(id).map(|slot| self.shown(slot))
    }

    /// Every active booking.
    pub fn active(&self) -> impl Iterator<Item = Booking> {
        let slots = self.bookings.iter().enumerate().filter(|(_, kept)| !kept.ended);
        slots.map(|(slot, _)| self.shown(slot as u32))
    }

    /// How many people hold or want seats.
    pub fn active_people(&self) -> u32 {
        self.active_people
    }

    /// The bookings that hold seats, each with its lowest seat, ordered by it; only those whose lowest seat is above `after`.
    pub fn holding(&self, after: Seat) -> impl Iterator<Item = (Seat, Booking)> {
        (after + 1..=self.total).filter_map(|seat| {
            let slot = self.holders[seat as usize - 1].checked_sub(1)?;
            let is_lowest = self.seats(slot).first() == Some(&seat);
            is_lowest.then(|| (seat, self.shown(slot)))
        })
    }

    /// The bookings that want seats, in the order of joining; only those that joined after `after`.
    pub fn waiting_after(&self, after: Order) -> impl Iterator<Item = Booking> {
        self.waitlist.after(after).map(|entry| self.shown(entry.slot))
    }

    /// How many bookings are active.
    pub fn active_count(&self) -> u32 {
        self.bookings.iter().len() as u32 - self.ended
    }

    /// The slots of the first active bookings that hold at most `at_most` seats together, where a booking that only waits counts as
    /// one seat; at least one booking. They are ordered by lowest seat, and then come those that only wait, in the order of joining.
    pub(crate) fn first_active(&self, at_most: usize) -> Vec<u32> {
        let holding = self.holders.iter().copied().filter(|holder| *holder != FREE).map(|holder| holder - 1);
        let waiting = self.waitlist.iter().map(|entry| entry.slot);
        let mut seen = HashSet::new();
        let mut seats = 0;
        let fits = |slot: &u32| {
            let first = seats == 0;
            seats += usize::from(self.kept(*slot).held.max(1));
            first || seats <= at_most
        };
        holding.chain(waiting).filter(|slot| seen.insert(*slot)).take_while(fits).collect()
    }

    pub(crate) fn shown(&self, slot: u32) -> Booking {
        let kept = self.bookings.at(slot);
        Booking {
            id: kept.id,
            person: self.people.at(kept.person).id,
            seats: self.seats(slot),
            wanted: u32::from(kept.wanted),
            order: if kept.wanted > 0 { kept.order } else { 0 },
            ahead: (kept.wanted > 0).then(|| self.waitlist.ahead(kept.order)),
            ended: kept.ended,
        }
    }

    /// How many bytes the state takes on the heap.
    pub fn bytes(&self) -> usize {
        let seats = (self.holders.capacity() + self.next.capacity()) * size_of::<u32>() + self.free.bytes();
        seats + self.bookings.bytes() + self.people.bytes() + self.waitlist.bytes()
    }

    /// Drops what only `undo` would need; called after a commit. When most of the bookings have ended, they are dropped, too.
    pub fn settle(&mut self) {
        self.waitlist.pack();
        if self.ended > ENDED_KEPT + self.bookings.iter().len() as u32 / 2 {
            let rows: Vec<Loaded> = self.active().map(Loaded::from).collect();
            *self = Self::load(self.total, self.last_order, &rows).expect("a state holds no contradiction");
        }
    }

    /// The whole state as rows describe it, from which [`EventSeats::load`] builds an equal state.
    pub fn image(&self) -> Image {
        Image { total: self.total, last_order: self.last_order, bookings: self.active().map(Loaded::from).collect() }
    }

    pub(crate) fn slot(&self, id: BookingId) -> Option<u32> {
        self.bookings.position(id)
    }

    pub(crate) fn kept(&self, slot: u32) -> &Kept {
        self.bookings.at(slot)
    }

    pub(crate) fn person_of(&self, slot: u32) -> UserId {
        self.people.at(self.bookings.at(slot).person).id
    }

    pub(crate) fn first_waiting(&self, except: Option<u32>) -> Option<u32> {
        self.waitlist.first(except).map(|entry| entry.slot)
    }

    /// The seats that a booking holds, in ascending order.
    pub(crate) fn seats(&self, slot: u32) -> Vec<Seat> {
        let kept = self.bookings.at(slot);
        let mut seats = Vec::with_capacity(usize::from(kept.held));
        let mut seat = kept.first_seat;
        while seat != 0 {
            seats.push(seat);
            seat = self.next[seat as usize - 1];
        }
        seats.sort_unstable();
        seats
    }

    pub(crate) fn holds(&self, slot: u32, seat: Seat) -> bool {
        (1..=self.total).contains(&seat) && self.holders[seat as usize - 1] == slot + 1
    }

    // The functions below change the state. Every `Change` is made of them.

    /// Adds a booking that neither holds nor wants seats yet. Returns its slot.
    pub(crate) fn enter(&mut self, id: BookingId, person: UserId) -> u32 {
        let person = match self.people.position(person) {
            Some(at) => at,
            None => self.people.push(Person { id: person, seats: 0 }),
        };
        self.bookings.push(Kept { id, order: 0, person, first_seat: 0, held: 0, wanted: 0, ended: false })
    }

    /// Removes the booking that was added last; undoes `enter`.
    pub(crate) fn leave(&mut self) {
        let kept = self.bookings.pop();
        debug_assert!(kept.is_some_and(|kept| kept.held == 0 && kept.wanted == 0), "the booking holds or wants seats");
    }

    /// Gives a free seat to a booking.
    pub(crate) fn take(&mut self, slot: u32, seat: Seat) {
        assert!(self.is_free(seat), "seat {seat} is not free");
        self.free.remove(seat);
        self.holders[seat as usize - 1] = slot + 1;
        let kept = self.bookings.at_mut(slot);
        self.next[seat as usize - 1] = std::mem::replace(&mut kept.first_seat, seat);
        kept.held += 1;
        let person = kept.person;
        self.count_person(person, |seats| seats + 1);
    }

    /// Frees a seat of a booking.
    pub(crate) fn give_back(&mut self, slot: u32, seat: Seat) {
        assert!(self.holds(slot, seat), "the booking does not hold seat {seat}");
        self.holders[seat as usize - 1] = FREE;
        self.free.insert(seat);
        let after = std::mem::take(&mut self.next[seat as usize - 1]);
        let kept = self.bookings.at_mut(slot);
        kept.held -= 1;
        let (person, first) = (kept.person, kept.first_seat);
        if first == seat {
            kept.first_seat = after;
        }
        self.count_person(person, |seats| seats - 1);
        if first == seat {
            return;
        }
        let mut before = first;
        while self.next[before as usize - 1] != seat {
            before = self.next[before as usize - 1];
        }
        self.next[before as usize - 1] = after;
    }

    /// Sets how many seats the booking wants; its order on the waitlist is `order`.
    pub(crate) fn set_wanted(&mut self, slot: u32, order: Order, wanted: u32) {
        let kept = self.bookings.at_mut(slot);
        kept.order = order;
        let now = u16::try_from(wanted).expect("one booking wants at most 50 seats");
        let before = u32::from(std::mem::replace(&mut kept.wanted, now));
        let person = kept.person;
        self.count_person(person, |seats| seats + wanted - before);
        self.waitlist.set(order, slot, wanted);
    }

    fn count_person(&mut self, person: u32, count: impl FnOnce(u32) -> u32) {
        let person = self.people.at_mut(person);
        let now = count(person.seats);
        let before = std::mem::replace(&mut person.seats, now);
        self.active_people = self.active_people + u32::from(person.seats > 0) - u32::from(before > 0);
    }

    pub(crate) fn set_last_order(&mut self, order: Order) {
        self.last_order = order;
    }

    pub(crate) fn set_ended(&mut self, slot: u32, ended: bool) {
        let was = std::mem::replace(&mut self.bookings.at_mut(slot).ended, ended);
        self.ended = self.ended + u32::from(ended) - u32::from(was);
    }

    /// Sets the total number of seats. Seats that are added or removed are free.
    pub(crate) fn set_total(&mut self, from: u32, to: u32) {
        debug_assert_eq!(self.total, from);
        for seat in to + 1..=from {
            self.free.remove(seat);
        }
        self.free.grow(to.max(from));
        self.holders.resize(to as usize, FREE);
        self.next.resize(to as usize, 0);
        self.total = to;
        for seat in from + 1..=to {
            self.free.insert(seat);
        }
        self.free.grow(to);
    }

    /// Checks the invariants by recounting everything; for tests and audits.
    ///
    /// # Errors
    /// A sentence that names the violated invariant.
    pub fn check(&self) -> Result<(), String> {
        let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        let held: u32 = self.bookings.iter().map(|kept| u32::from(kept.held)).sum();
        ensure(held + self.free.count() == self.total, "every seat is free or held")?;
        let mut per_person = vec![0; self.people.iter().count()];
        for (slot, kept) in self.bookings.iter().enumerate() {
            let seats = self.seats(slot as u32);
            ensure(seats.len() == usize::from(kept.held), "a booking lists the seats that it counts")?;
            ensure(seats.iter().all(|seat| self.holds(slot as u32, *seat)), "a seat names its booking")?;
            ensure(seats.iter().all(|seat| !self.free.contains(*seat)), "no held seat is free")?;
            ensure(!kept.ended || (kept.held == 0 && kept.wanted == 0), "an ended booking has nothing")?;
            let waits = if kept.order == 0 { 0 } else { self.waitlist.wanted(kept.order) };
            ensure(waits == u32::from(kept.wanted), "the waitlist has what bookings want")?;
            per_person[kept.person as usize] += u32::from(kept.held) + u32::from(kept.wanted);
        }
        ensure(self.people.iter().map(|person| person.seats).eq(per_person), "people have what their bookings have")?;
        let active = self.people.iter().filter(|person| person.seats > 0).count();
        ensure(active == self.active_people as usize, "active people are counted")?;
        ensure(self.waitlist.iter().all(|entry| entry.order <= self.last_order), "no place is after the last one")
    }
}

/// States are equal when a caller could not tell them apart; their layout in memory may differ.
impl PartialEq for EventSeats {
    fn eq(&self, other: &Self) -> bool {
        let content = |state: &Self| {
            let mut active: Vec<Booking> = state.active().collect();
            active.sort_unstable_by_key(|booking| booking.id.0);
            active
        };
        (self.total, self.last_order) == (other.total, other.last_order)
            && self.free == other.free
            && content(self) == content(other)
    }
}
