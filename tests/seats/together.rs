//! Several commands of one event in one transaction: the final rows are written once.

use anyhow::{Result, bail};
use futures_util::future::{BoxFuture, try_join_all};
use happening_api::{Booking, BookingId, BookingStatus, EventId};
use happening_tests::{Client, Reply, World};
use serde_json::json;

use super::{hold, one_server};

const ROUNDS: usize = 30;

type Call<'c> = BoxFuture<'c, Result<Reply>>;

/// Sends calls while the event's row is locked. Answers their replies if one transaction did all of them.
async fn together(world: &World, event: EventId, calls: Vec<Call<'_>>) -> Result<Option<Vec<Reply>>> {
    let version = async || -> Result<i64> {
        let query = "select seat_version from events where id = $1";
        Ok(sqlx::query_scalar(query).bind(event.0).fetch_one(&world.pool).await?)
    };
    let before = version().await?;
    let row = hold(world, event).await?;
    let release = async {
        world.held_up(1).await?;
        Ok(row.rollback().await?)
    };
    let (replies, ()) = tokio::try_join!(try_join_all(calls), release)?;
    // each transaction that changes an event's seats increments the version by one
    Ok((version().await? == before + 1).then_some(replies))
}

fn cancel<'c>(person: &'c Client, booking: &Booking) -> Call<'c> {
    let path = format!("/bookings/{}/cancel", booking.id);
    Box::pin(async move { person.post(&path, json!({})).await })
}

async fn history(world: &World, booking: BookingId) -> Result<Vec<String>> {
    let query = "select action from booking_history where booking_id = $1 order by id";
    Ok(sqlx::query_scalar(query).bind(booking.0).fetch_all(&world.pool).await?)
}

#[tokio::test]
async fn a_booking_is_made_and_promoted_in_one_transaction() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for _ in 0..ROUNDS {
        let event = world.event_in(&ada, org.id, 2, Some(2)).await?;
        let held: Booking = ada.book(event.id, 2).await?.expect(201).json();
        let book: Call<'_> = Box::pin(barbara.book(event.id, 2));
        let Some(replies) = together(&world, event.id, vec![book, cancel(&ada, &held)]).await? else { continue };
        let mut replies = replies.into_iter();
        let made: Booking = replies.next().expect("two replies").expect(201).json();
        replies.next().expect("two replies").expect(200);
        if made.status != BookingStatus::Waiting {
            continue; // the cancellation came first in the batch; try again
        }
        assert_eq!((made.waiting_seats, made.position, made.waiting_number), (2, Some(1), Some(1)));
        let now = barbara.booking(made.id).await?;
        assert_eq!((now.status, now.waiting_seats, now.seat_numbers), (BookingStatus::Confirmed, 0, vec![1, 2]));
        assert_eq!(history(&world, made.id).await?, ["created", "promoted"]);
        return world.audit();
    }
    bail!("one transaction never had both")
}

#[tokio::test]
async fn a_seat_is_given_back_and_booked_in_one_transaction() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for _ in 0..ROUNDS {
        let event = world.event_in(&ada, org.id, 3, Some(3)).await?;
        let held: Booking = ada.book_exactly(event.id, &[2]).await?.expect(201).json();
        let book: Call<'_> = Box::pin(barbara.book_exactly(event.id, &[2]));
        let Some(replies) = together(&world, event.id, vec![cancel(&ada, &held), book]).await? else { continue };
        let [cancelled, booked] = <[Reply; 2]>::try_from(replies).expect("two replies");
        cancelled.expect(200);
        if booked.status == 409 {
            continue; // the booking came before the cancellation; try again
        }
        let booked: Booking = booked.expect(201).json();
        assert_eq!(booked.seat_numbers, [2]);
        let query = "select booking_id, status from booking_seats where event_id = $1 and seat_no = 2 order by status";
        let rows: Vec<(uuid::Uuid, String)> = sqlx::query_as(query).bind(event.id.0).fetch_all(&world.pool).await?;
        assert_eq!(rows, [(booked.id.0, "booked".to_owned()), (held.id.0, "released".to_owned())]);
        return world.audit();
    }
    bail!("one transaction never had both")
}

#[tokio::test]
async fn copies_of_one_key_count_once_for_the_limit() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for round in 0..ROUNDS {
        let event = world.event_in(&ada, org.id, 20, Some(2)).await?;
        ada.book(event.id, 1).await?.expect(201);
        let key = format!("once-{round}");
        let copies = (0..6).map(|_| -> Call<'_> { Box::pin(barbara.book_with_key(event.id, 2, &key)) }).collect();
        let replies = together(&world, event.id, copies).await?;
        let Some(replies) = replies else { continue };
        let made = replies.into_iter().map(|reply| reply.expect(201).json::<Booking>().id);
        assert_eq!(made.collect::<std::collections::BTreeSet<_>>().len(), 1);
        return world.audit();
    }
    bail!("one transaction never had all of them")
}
