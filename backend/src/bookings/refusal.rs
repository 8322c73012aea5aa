//! Maps refusals of the seat writer to the problems that callers are told.

use happening_api::ErrorCode;
use happening_seating::{Refusal as Rule, Seat};

use crate::access::Access;
use crate::problem::Problem;
use crate::seats::{Refusal, TurnError};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Access(Access::Forbidden) => Self::forbidden(),
            Refusal::Access(_) => Self::not_found(),
            Refusal::KeyReused => Self::key_reused(),
            Refusal::Rule(rule) => rule.into(),
        }
    }
}

impl From<Rule> for Problem {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::EventNotOpen => Self::new(ErrorCode::EventNotOpen, "This event takes no bookings any more."),
            Rule::EventStarted | Rule::NotStarted => {
                Self::new(ErrorCode::EventStarted, "The event has started; its bookings stay as they are.")
            }
            Rule::MoreThanTotal { total } => {
                Self::field("seats", format!("must be at most {total}, all seats of the event"))
            }
            Rule::NoSuchSeat { seat, total } => {
                Self::field("seat_numbers", format!("seat {seat} does not exist: there are {total}"))
            }
            Rule::LimitReached { limit, have } => limit_reached(limit, have),
            Rule::SeatsTaken { seats } => {
                let sentence = if seats.len() == 1 { "That seat is taken." } else { "Those seats are taken." };
                with_seats(ErrorCode::SeatsTaken, sentence.to_owned(), &seats)
            }
            Rule::SoldOut => Self::new(ErrorCode::SoldOut, "Not enough seats are free."),
            Rule::NoSuchBooking => Self::not_found(),
            Rule::AlreadyCancelled => Self::new(ErrorCode::AlreadyCancelled, "This booking was cancelled already."),
            Rule::NotTheirs { seats } => {
                with_seats(ErrorCode::NotFound, "The booking does not hold these seats.".to_owned(), &seats)
            }
            Rule::WantsFewer { wanted } => {
                Self::field("seats", format!("the booking waits for {wanted} more, not for so many"))
            }
            Rule::NothingToClaim => Self::new(ErrorCode::NothingToClaim, "No seat that this booking wants is free."),
            Rule::NotEnoughFree { free } => Self::new(ErrorCode::NotEnoughFree, format!("Only {free} seats are free."))
                .with(|details| details.free = Some(free.cast_signed())),
            Rule::SeatsBooked { seats, total } => {
                with_seats(ErrorCode::SeatsBooked, format!("Seats above {total} are booked."), &seats)
            }
        }
    }
}

fn limit_reached(limit: u32, have: u32) -> Problem {
    let sentence = format!("One person can have {limit} seats at this event, and has {have} already.");
    Problem::new(ErrorCode::LimitReached, sentence).with(|details| {
        details.limit = Some(limit.cast_signed());
        details.have = Some(have.cast_signed());
    })
}

fn with_seats(code: ErrorCode, sentence: String, seats: &[Seat]) -> Problem {
    let mut seats: Vec<i32> = seats.iter().map(|seat| seat.cast_signed()).collect();
    seats.sort_unstable();
    Problem::new(code, sentence).with(|details| details.seats = Some(seats))
}

impl From<TurnError> for Problem {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Unknown(_) => Self::outcome_unknown(error),
            TurnError::Write(crate::seats::WriteError::Database(error)) => error.into(),
            other => Self::unavailable(other),
        }
    }
}
