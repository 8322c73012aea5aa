//! Many concurrent requests at two servers; the audit must find nothing after each test.

use std::collections::BTreeSet;

use anyhow::Result;
use futures_util::future::try_join_all;
use happening_api::{Booking, BookingStatus};
use happening_tests::{Client, World};

/// `count` clients of the same people, at alternating servers.
fn spread(world: &World, people: &[Client], count: usize) -> Vec<Client> {
    (0..count).map(|n| people[n % people.len()].at(&world.base(n % world.backends()))).collect()
}

async fn crowd(world: &World) -> Result<Vec<Client>> {
    let names = ["ada", "grace", "alan", "barbara", "edsger", "frances", "donald", "margaret", "ken", "dennis"];
    let mut people = Vec::new();
    for name in names {
        people.push(world.person(name).await?);
    }
    Ok(people)
}

#[tokio::test]
async fn last_seat_race() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let organization = world.organization(&a).await?;
    for round in 0..100 {
        let event = world.event_in(&a, organization.id, 1, None).await?;
        let there = b.at(&world.base(1));
        let (one, other) = tokio::try_join!(a.book(event.id, 1), there.book(event.id, 1))?;
        let bookings: Vec<Booking> = vec![one.expect(201).json(), other.expect(201).json()];
        let confirmed = bookings.iter().filter(|booking| booking.status == BookingStatus::Confirmed).count();
        let waiting = bookings.iter().filter(|booking| booking.waiting_number == Some(1)).count();
        assert_eq!((confirmed, waiting), (1, 1), "round {round}");
    }
    world.audit()
}

#[tokio::test]
async fn two_hundred_parallel_bookings_never_sell_a_seat_twice() -> Result<()> {
    let world = World::new().await?;
    let people = crowd(&world).await?;
    let event = world.event(&people[0], 100).await?;
    let callers = spread(&world, &people, 200);
    let calls = callers.iter().enumerate().map(|(n, caller)| caller.book(event.id, 1 + (n % 4) as i32));
    let replies = try_join_all(calls).await?;
    let mut sold = BTreeSet::new();
    let mut answered = 0;
    for reply in replies {
        let booking: Booking = reply.expect(201).json();
        answered += booking.seat_numbers.len();
        sold.extend(booking.seat_numbers.iter().copied());
        // the database has the seats that were answered
        let row: Vec<i32> = sqlx::query_scalar("select seat_no from booking_seats where booking_id = $1 order by 1")
            .bind(booking.id.0)
            .fetch_all(&world.pool)
            .await?;
        assert_eq!(row, booking.seat_numbers);
    }
    assert_eq!(sold.len(), answered, "a seat was sold twice");
    assert!(sold.len() > 96 && sold.iter().all(|seat| (1..=100).contains(seat)), "{} seats sold", sold.len());
    world.audit()
}

#[tokio::test]
async fn concurrent_bookings_respect_the_limit_per_person() -> Result<()> {
    let world = World::new().await?;
    let (owner, person) = (world.person("ada").await?, world.person("barbara").await?);
    let organization = world.organization(&owner).await?;
    for _ in 0..5 {
        let event = world.event_in(&owner, organization.id, 20, Some(3)).await?;
        let callers = spread(&world, std::slice::from_ref(&person), 24);
        let replies = try_join_all(callers.iter().map(|caller| caller.book(event.id, 1))).await?;
        let booked = replies.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(booked, 3);
        for reply in replies.into_iter().filter(|reply| reply.status != 201) {
            reply.refused(409, "limit_reached");
        }
        // refused bookings hold no seats
        assert_eq!(owner.event(event.id).await?.available_slots, 17);
        owner.book(event.id, 3).await?.expect(201);
    }
    world.audit()
}

#[tokio::test]
async fn thirty_copies_of_one_key_are_one_booking() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let organization = world.organization(&a).await?;
    // once with free seats, once on the waitlist
    for total in [10, 1] {
        let event = world.event_in(&a, organization.id, total, None).await?;
        if total == 1 {
            a.book(event.id, 1).await?.expect(201);
        }
        let callers = spread(&world, std::slice::from_ref(&a), 30);
        let key = format!("copies-{total}");
        let replies = try_join_all(callers.iter().map(|caller| caller.book_with_key(event.id, 1, &key))).await?;
        let first = replies[0].clone().expect(201).body;
        for reply in &replies {
            assert_eq!(reply.clone().expect(201).body, first);
        }
        let rows: i64 = sqlx::query_scalar("select count(*) from bookings where event_id = $1")
            .bind(event.id.0)
            .fetch_one(&world.pool)
            .await?;
        assert_eq!(rows, if total == 1 { 2 } else { 1 });
    }
    world.audit()
}

#[tokio::test]
async fn concurrent_cancelling_and_booking_passes_the_audit() -> Result<()> {
    let world = World::new().await?;
    let people = crowd(&world).await?;
    let event = world.event(&people[0], 20).await?;
    let callers = spread(&world, &people, 40);
    for _round in 0..5 {
        let replies = try_join_all(callers.iter().map(|caller| caller.book(event.id, 2))).await?;
        let bookings: Vec<Booking> = replies.into_iter().map(|reply| reply.expect(201).json()).collect();
        let body = serde_json::json!({});
        let paths: Vec<String> = bookings.iter().map(|booking| format!("/bookings/{}/cancel", booking.id)).collect();
        let cancels = callers.iter().zip(&paths).step_by(2).map(|(caller, path)| caller.post(path, body.clone()));
        let books = callers.iter().skip(1).step_by(2).map(|caller| caller.book(event.id, 1));
        let (cancelled, booked) = tokio::join!(try_join_all(cancels), try_join_all(books));
        cancelled?.into_iter().for_each(|reply| drop(reply.expect(200)));
        booked?.into_iter().for_each(|reply| drop(reply.expect(201)));
    }
    world.audit()
}
