//! The rules: how a command changes an event's seats, or why it is refused.

use happening_api::{BookingId, SEATS_PER_BOOKING_MAX, UserId};

use crate::state::Limits;
use crate::{Booking, Change, EventSeats, Order, Seat};

/// A change of an event's seats that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Creates a booking. The booking's id is that of the command, so a copy of the command can be recognized.
    Create { booking: BookingId, person: UserId, seats: u32, choice: Choice, waitlist: bool },
    /// Takes free seats for a waiting booking: exactly `seats`, or as many as are both free and wanted.
    Claim { booking: BookingId, seats: Option<u32> },
    /// Gives all seats of a booking back and removes it from the waitlist.
    Cancel { booking: BookingId },
    /// Gives some seats of a booking back.
    CancelSeats { booking: BookingId, seats: Vec<Seat> },
    /// Sets the event's total number of seats.
    Resize { total: u32 },
    /// The event has started: removes the first bookings of the waitlist, `at_most` of them. Those that hold no seat end.
    EndWaiting { at_most: u32 },
    /// The event was cancelled: ends bookings that hold at most `at_most` seats together, where a booking that only waits counts as
    /// one seat. They end in the order of their lowest seats, and bookings that only wait come last. The seats are not given to the
    /// waitlist.
    EndBookings { at_most: u32 },
}

/// Which seats a new booking wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The lowest free seats.
    Any,
    /// These seats, or the lowest free seats when one of these is taken.
    Rather(Vec<Seat>),
    /// These seats; the command is refused when one of them is taken.
    Only(Vec<Seat>),
}

/// The circumstances of a command that the state does not have. They are read while the event's row is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub limits: Limits,
    /// The caller is staff, who may act after the event has started.
    pub by_staff: bool,
}

/// The result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The booking holds these seats; `reassigned` says that they are not the ones it asked for.
    Booked {
        seats: Vec<Seat>,
        reassigned: bool,
    },
    /// The booking is on the waitlist; `position` is counted from 1.
    Waits {
        order: Order,
        position: u32,
    },
    /// The booking took these seats.
    Claimed {
        seats: Vec<Seat>,
    },
    /// The booking gave these seats back; `ended` says that it neither holds nor wants any more.
    GaveBack {
        seats: Vec<Seat>,
        ended: bool,
    },
    Resized,
    /// These bookings left the waitlist.
    WaitingEnded {
        left: Vec<Left>,
    },
    /// These bookings ended.
    BookingsEnded {
        ended: Vec<Left>,
    },
}

/// Why a command was refused; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the event takes no bookings")]
    EventNotOpen,
    #[error("the event has begun")]
    EventStarted,
    #[error("the event has not begun")]
    NotStarted,
    #[error("the hall has {total} seats")]
    MoreThanTotal { total: u32 },
    #[error("seat {seat} does not exist: there are {total}")]
    NoSuchSeat { seat: Seat, total: u32 },
    #[error("one person can have {limit} seats and has {have}")]
    LimitReached { limit: u32, have: u32 },
    #[error("seats are taken")]
    SeatsTaken { seats: Vec<Seat> },
    #[error("too few seats are free")]
    SoldOut,
    #[error("no such booking")]
    NoSuchBooking,
    #[error("the booking was cancelled already")]
    AlreadyCancelled,
    #[error("the booking does not hold these seats")]
    NotTheirs { seats: Vec<Seat> },
    #[error("the booking wants {wanted} seats")]
    WantsFewer { wanted: u32 },
    #[error("nothing is free or wanted")]
    NothingToClaim,
    #[error("{free} seats are free")]
    NotEnoughFree { free: u32 },
    #[error("seats above {total} are held")]
    SeatsBooked { seats: Vec<Seat>, total: u32 },
}

/// The seats that a booking on the waitlist got in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    pub booking: BookingId,
    pub person: UserId,
    /// In ascending order.
    pub seats: Vec<Seat>,
}

/// A booking that left the waitlist before it got all the seats it wanted, or that ended with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub booking: BookingId,
    pub person: UserId,
    /// How many seats it still wanted.
    pub wanted: u32,
    /// The seats that it holds, or held until its event ended. A booking that leaves the waitlist without seats ends.
    pub seats: Vec<Seat>,
}

/// The decision on a command: the answer to its caller, the bookings that got seats from the waitlist, and the changes of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    pub promotions: Vec<Promotion>,
    pub changes: Vec<Change>,
}

/// A decision in progress: each change is applied to the state as soon as it is decided.
struct Deciding<'s> {
    state: &'s mut EventSeats,
    changes: Vec<Change>,
}

impl EventSeats {
    /// Decides a command and applies its changes; a refused command changes nothing.
    ///
    /// # Errors
    /// [`Refusal`]: the first rule that the command breaks. The order of the rules is documented to callers.
    pub fn decide(&mut self, command: &Command, given: Given) -> Result<Decision, Refusal> {
        let mut deciding = Deciding { state: self, changes: Vec::new() };
        let decided = match command {
            Command::Create { booking, person, seats, choice, waitlist } => deciding
                .create((*booking, *person), *seats, choice, *waitlist, given)
                .map(|outcome| (outcome, Vec::new())),
            Command::Claim { booking, seats } => {
                deciding.claim(*booking, *seats, given).map(|outcome| (outcome, Vec::new()))
            }
            Command::Cancel { booking } => deciding.cancel(*booking, given),
            Command::CancelSeats { booking, seats } => deciding.cancel_seats(*booking, seats, given),
            Command::Resize { total } => deciding.resize(*total, given),
            Command::EndWaiting { at_most } => {
                deciding.end_waiting(*at_most, given).map(|outcome| (outcome, Vec::new()))
            }
            Command::EndBookings { at_most } => Ok((deciding.end_bookings(*at_most), Vec::new())),
        };
        let Deciding { changes, .. } = deciding;
        match decided {
            Ok((outcome, promotions)) => Ok(Decision { outcome, promotions, changes }),
            Err(refusal) => {
                debug_assert!(changes.is_empty(), "a refusal comes before the first change");
                Err(refusal)
            }
        }
    }
}

impl Deciding<'_> {
    fn create(
        &mut self,
        (booking, person): (BookingId, UserId),
        seats: u32,
        choice: &Choice,
        waitlist: bool,
        given: Given,
    ) -> Result<Outcome, Refusal> {
        if !given.limits.is_upcoming && !given.by_staff {
            return Err(Refusal::EventNotOpen);
        }
        let total = self.state.total();
        if seats > total {
            return Err(Refusal::MoreThanTotal { total });
        }
        let asked = match choice {
            Choice::Any => &[][..],
            Choice::Rather(asked) | Choice::Only(asked) => asked,
        };
        if let Some(beyond) = asked.iter().find(|seat| !(1..=total).contains(*seat)) {
            return Err(Refusal::NoSuchSeat { seat: *beyond, total });
        }
        let have = self.state.seats_of(person);
        if let Some(limit) = given.limits.seats_per_person_max.filter(|limit| have + seats > *limit) {
            return Err(Refusal::LimitReached { limit, have });
        }
        let gone: Vec<Seat> = asked.iter().copied().filter(|seat| !self.state.is_free(*seat)).collect();
        if !gone.is_empty() && matches!(choice, Choice::Only(_)) {
            return Err(Refusal::SeatsTaken { seats: gone });
        }
        let enough = self.state.free() >= seats;
        let may_wait = waitlist && given.limits.is_upcoming; // after the start of the event there is no waitlist
        if !enough && !may_wait {
            return Err(Refusal::SoldOut);
        }
        self.change(Change::Entered { booking, person });
        if !enough {
            let (from, order) = (self.state.last_order(), self.state.last_order() + 1);
            self.change(Change::LastOrder { from, to: order });
            self.change(Change::Wants { booking, order, from: 0, to: seats });
            return Ok(Outcome::Waits { order, position: self.state.waiting().bookings });
        }
        let reassigned = !gone.is_empty();
        let mut given = if asked.is_empty() || reassigned { self.state.lowest_free(seats) } else { asked.to_vec() };
        given.sort_unstable();
        self.change(Change::Took { booking, seats: given.clone() });
        Ok(Outcome::Booked { seats: given, reassigned })
    }

    fn claim(&mut self, booking: BookingId, seats: Option<u32>, given: Given) -> Result<Outcome, Refusal> {
        let slot = self.active(booking)?;
        if !given.limits.is_upcoming {
            return Err(Refusal::EventStarted);
        }
        let (wanted, free) = (u32::from(self.state.kept(slot).wanted), self.state.free());
        let count = match seats {
            Some(exactly) if exactly > wanted => return Err(Refusal::WantsFewer { wanted }),
            Some(exactly) if exactly > free => return Err(Refusal::NotEnoughFree { free }),
            Some(exactly) => exactly,
            None if wanted.min(free) == 0 => return Err(Refusal::NothingToClaim),
            None => wanted.min(free),
        };
        let seats = self.state.lowest_free(count);
        let order = self.state.kept(slot).order;
        self.change(Change::Took { booking, seats: seats.clone() });
        self.change(Change::Wants { booking, order, from: wanted, to: wanted - count });
        Ok(Outcome::Claimed { seats })
    }

    fn cancel(&mut self, booking: BookingId, given: Given) -> Result<(Outcome, Vec<Promotion>), Refusal> {
        let slot = self.active(booking)?;
        self.may_give_back(given)?;
        let (seats, kept) = (self.state.seats(slot), self.state.kept(slot));
        let (order, wanted) = (kept.order, u32::from(kept.wanted));
        if wanted > 0 {
            self.change(Change::Wants { booking, order, from: wanted, to: 0 });
        }
        self.change(Change::GaveBack { booking, seats: seats.clone() });
        self.change(Change::Ended { booking });
        let promotions = self.hand_out(&seats, Some(slot), given);
        Ok((Outcome::GaveBack { seats, ended: true }, promotions))
    }

    fn cancel_seats(
        &mut self,
        booking: BookingId,
        seats: &[Seat],
        given: Given,
    ) -> Result<(Outcome, Vec<Promotion>), Refusal> {
        let slot = self.active(booking)?;
        self.may_give_back(given)?;
        let foreign: Vec<Seat> = seats.iter().copied().filter(|seat| !self.state.holds(slot, *seat)).collect();
        if !foreign.is_empty() {
            return Err(Refusal::NotTheirs { seats: foreign });
        }
        let mut seats = seats.to_vec();
        seats.sort_unstable();
        self.change(Change::GaveBack { booking, seats: seats.clone() });
        let kept = self.state.kept(slot);
        // giving the last seat back ends the booking, unless it waits for more
        let ended = kept.held == 0 && kept.wanted == 0;
        if ended {
            self.change(Change::Ended { booking });
        }
        let promotions = self.hand_out(&seats, Some(slot), given);
        Ok((Outcome::GaveBack { seats, ended }, promotions))
    }

    fn resize(&mut self, total: u32, given: Given) -> Result<(Outcome, Vec<Promotion>), Refusal> {
        if !given.limits.is_upcoming && !given.by_staff {
            return Err(Refusal::EventNotOpen);
        }
        let from = self.state.total();
        let held = self.state.held_beyond(total);
        if !held.is_empty() {
            return Err(Refusal::SeatsBooked { seats: held, total });
        }
        if total == from {
            return Ok((Outcome::Resized, Vec::new()));
        }
        self.change(Change::Resized { from, to: total });
        let new: Vec<Seat> = (from + 1..=total).collect();
        let promotions = self.hand_out(&new, None, given);
        Ok((Outcome::Resized, promotions))
    }

    fn end_waiting(&mut self, at_most: u32, given: Given) -> Result<Outcome, Refusal> {
        if given.limits.is_upcoming {
            return Err(Refusal::NotStarted);
        }
        let mut left = Vec::new();
        while let Some(slot) = self.state.first_waiting(None).filter(|_| left.len() < at_most as usize) {
            let booking = self.state.shown(slot);
            self.stop_waiting(&booking);
            if booking.seats.is_empty() {
                self.change(Change::Ended { booking: booking.id });
            }
            let Booking { id, person, wanted, seats, .. } = booking;
            left.push(Left { booking: id, person, wanted, seats });
        }
        Ok(Outcome::WaitingEnded { left })
    }

    fn end_bookings(&mut self, at_most: u32) -> Outcome {
        let mut ended = Vec::new();
        for slot in self.state.first_active(at_most as usize) {
            let booking = self.state.shown(slot);
            self.stop_waiting(&booking);
            let Booking { id, person, wanted, seats, .. } = booking;
            if !seats.is_empty() {
                self.change(Change::GaveBack { booking: id, seats: seats.clone() });
            }
            self.change(Change::Ended { booking: id });
            ended.push(Left { booking: id, person, wanted, seats });
        }
        Outcome::BookingsEnded { ended }
    }

    fn stop_waiting(&mut self, booking: &Booking) {
        if booking.wanted > 0 {
            let Booking { id, order, wanted, .. } = *booking;
            self.change(Change::Wants { booking: id, order, from: wanted, to: 0 });
        }
    }

    /// Gives seats that have just become free, lowest first, to the first booking of the waitlist that still wants one, other than
    /// the booking that gave them back. Does nothing after the event has started, since the waitlist has ended then.
    fn hand_out(&mut self, seats: &[Seat], giver: Option<u32>, given: Given) -> Vec<Promotion> {
        let mut promotions: Vec<Promotion> = Vec::new();
        let mut left = seats;
        while let Some(slot) = self.state.first_waiting(giver).filter(|_| given.limits.is_upcoming && !left.is_empty())
        {
            let kept = self.state.kept(slot);
            let (booking, order, wanted) = (kept.id, kept.order, u32::from(kept.wanted));
            assert!(wanted > 0, "a booking on the waitlist wants seats");
            let (theirs, rest) = left.split_at(left.len().min(wanted as usize));
            left = rest;
            self.change(Change::Took { booking, seats: theirs.to_vec() });
            self.change(Change::Wants { booking, order, from: wanted, to: wanted - theirs.len() as u32 });
            promotions.push(Promotion { booking, person: self.state.person_of(slot), seats: theirs.to_vec() });
        }
        promotions
    }

    fn active(&self, booking: BookingId) -> Result<u32, Refusal> {
        let slot = self.state.slot(booking).ok_or(Refusal::NoSuchBooking)?;
        if self.state.kept(slot).ended { Err(Refusal::AlreadyCancelled) } else { Ok(slot) }
    }

    fn may_give_back(&self, given: Given) -> Result<(), Refusal> {
        let may = given.limits.is_upcoming || given.by_staff;
        if may { Ok(()) } else { Err(Refusal::EventStarted) }
    }

    fn change(&mut self, change: Change) {
        self.state.apply_one(&change);
        self.changes.push(change);
    }
}

/// `Kept` counts the seats of a booking in a `u16`. Callers check that a booking asks for 1 to [`SEATS_PER_BOOKING_MAX`] seats.
const _: () = assert!(SEATS_PER_BOOKING_MAX <= u16::MAX as i32);
