//! Promotion: freed and new seats go to the waitlist inside the transaction that frees them.
//!
//! Each seat, lowest first, goes to the first booking that still wants one. Who gets what is decided by pure functions;
//! [`write`] stores it.

use chrono::{DateTime, Utc};
use happening_api::{BookingId, EventId, HistoryAction, Message, MessageId, NotificationType, UserId};
use sqlx::PgConnection;

use super::store::{self, HistoryRow};
use crate::clock::Clock;
use crate::outbox;

/// A booking on the waitlist.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiter {
    pub(crate) booking: BookingId,
    pub(crate) user: UserId,
    /// Still wanted, at least 1.
    pub(crate) waiting_seats: i32,
}

/// Seats that a waiting booking gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Promotion {
    pub(crate) booking: BookingId,
    pub(crate) user: UserId,
    /// Ascending.
    pub(crate) seats: Vec<i32>,
    /// Wanted after this.
    pub(crate) waiting_left: i32,
}

/// Outcome of handing seats out.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Handout {
    pub(crate) promotions: Vec<Promotion>,
    /// Seats that nobody waited for, ascending.
    pub(crate) left: Vec<i32>,
}

impl Handout {
    /// How many seats went to waiters.
    pub(crate) fn seats_given(&self) -> i32 {
        self.promotions.iter().map(|promotion| promotion.seats.len() as i32).sum()
    }

    /// Bookings that wait no longer.
    pub(crate) fn done(&self) -> Vec<BookingId> {
        self.promotions.iter().filter(|one| one.waiting_left == 0).map(|one| one.booking).collect()
    }
}

/// Gives each of `seats` (ascending) to the first of `waiters` (in joining order) that still wants one.
pub(crate) fn assign(seats: &[i32], waiters: &[Waiter]) -> Handout {
    let mut handout = Handout::default();
    let mut rest = seats;
    for waiter in waiters {
        let gets = usize::try_from(waiter.waiting_seats).unwrap_or_default().min(rest.len());
        if gets == 0 {
            continue;
        }
        let (mine, others) = rest.split_at(gets);
        rest = others;
        handout.promotions.push(promotion(waiter, mine));
    }
    handout.left = rest.to_vec();
    handout
}

/// Gives the lowest of `free` (ascending) to those of `waiters` (in joining order) whose whole wish fits.
pub(crate) fn assign_to_fitting(free: &[i32], waiters: &[Waiter]) -> Vec<Promotion> {
    let mut rest = free;
    let mut promotions = Vec::new();
    for waiter in waiters {
        let wants = usize::try_from(waiter.waiting_seats).unwrap_or_default();
        if wants > 0 && wants <= rest.len() {
            let (mine, others) = rest.split_at(wants);
            rest = others;
            promotions.push(promotion(waiter, mine));
        }
    }
    promotions
}

fn promotion(waiter: &Waiter, seats: &[i32]) -> Promotion {
    Promotion {
        booking: waiter.booking,
        user: waiter.user,
        seats: seats.to_vec(),
        waiting_left: waiter.waiting_seats - seats.len() as i32,
    }
}

/// Hands `freed` seats (ascending, already nobody's) to the waitlist, except to `giver`, and stores it.
///
/// The caller holds the event's row and accounts for the seats that were given in `available_slots`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn give_to_waitlist(
    conn: &mut PgConnection,
    event: EventId,
    freed: &[i32],
    giver: Option<BookingId>,
    now: DateTime<Utc>,
    clock: Clock,
    request_id: &str,
) -> sqlx::Result<Handout> {
    if freed.is_empty() {
        return Ok(Handout::default());
    }
    // each waiter wants at least one, so no more of them than seats can get any
    let waiters = store::first_waiters(conn, event, giver, freed.len() as i64).await?;
    let handout = assign(freed, &waiters);
    write(conn, event, &handout.promotions, now, clock, request_id).await?;
    Ok(handout)
}

/// Stores promotions: bookings, seats, history and a message each.
///
/// # Errors
/// When the database fails.
pub(crate) async fn write(
    conn: &mut PgConnection,
    event: EventId,
    promotions: &[Promotion],
    now: DateTime<Utc>,
    clock: Clock,
    request_id: &str,
) -> sqlx::Result<()> {
    if promotions.is_empty() {
        return Ok(());
    }
    store::take_off_waitlist(conn, promotions, now).await?;
    let seats: Vec<_> =
        promotions.iter().flat_map(|one| one.seats.iter().map(|seat| (one.booking, one.user, *seat))).collect();
    store::insert_seats(conn, event, &seats).await?;
    let history: Vec<_> = promotions
        .iter()
        .map(|one| HistoryRow {
            id: clock.new_id().into(),
            booking: one.booking,
            action: HistoryAction::Promoted,
            seat_numbers: one.seats.clone(),
            actor: None,
            reason: None,
        })
        .collect();
    store::insert_history(conn, event, &history, now).await?;
    let messages: Vec<_> = promotions
        .iter()
        .map(|one| Message {
            event_id: Some(event),
            user_id: Some(one.user),
            booking_id: Some(one.booking),
            seats: Some(one.seats.len() as i32),
            seat_numbers: Some(one.seats.clone()),
            ..Message::new(MessageId(clock.new_id()), NotificationType::WaitlistPromoted, now, request_id)
        })
        .collect();
    outbox::enqueue(conn, &messages).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn waiters(wishes: &[i32]) -> Vec<Waiter> {
        let id = |n: usize| Uuid::from_u128(n as u128);
        wishes
            .iter()
            .enumerate()
            .map(|(n, seats)| Waiter { booking: id(n).into(), user: id(n).into(), waiting_seats: *seats })
            .collect()
    }

    #[test]
    fn lowest_seat_goes_to_the_first_who_still_wants_one() {
        let handout = assign(&[3, 5, 9], &waiters(&[1, 9]));
        let got: Vec<_> = handout.promotions.iter().map(|one| (one.seats.clone(), one.waiting_left)).collect();
        assert_eq!(got, [(vec![3], 0), (vec![5, 9], 7)]);
        assert!(handout.left.is_empty());
    }

    #[test]
    fn a_wish_that_does_not_fit_lets_smaller_ones_behind_it_through() {
        let got = assign_to_fitting(&[2, 4], &waiters(&[3, 1, 2, 1]));
        assert_eq!(got.iter().map(|one| one.seats.clone()).collect::<Vec<_>>(), [vec![2], vec![4]]);
    }

    proptest! {
        #[test]
        fn seats_are_neither_lost_nor_given_twice(count in 0..40i32, wishes in proptest::collection::vec(1..8i32, 0..20)) {
            let freed: Vec<i32> = (1..=count).collect();
            let handout = assign(&freed, &waiters(&wishes));
            let mut all: Vec<i32> = handout.promotions.iter().flat_map(|one| one.seats.clone()).collect();
            all.extend(&handout.left);
            prop_assert_eq!(all, freed);
            prop_assert_eq!(handout.left.is_empty(), wishes.iter().sum::<i32>() >= count);
            // only the last one who got anything may still want more
            let open = handout.promotions.iter().rev().skip(1).filter(|one| one.waiting_left > 0).count();
            prop_assert_eq!(open, 0);
        }
    }
}
