//! Seats that are free while a larger booking waits.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, HistoryAction, HistoryEntry};
use happening_tests::World;
use serde_json::json;

#[tokio::test]
async fn the_owner_may_take_the_free_seats_and_keeps_the_place() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 10).await?;
    a.book_exactly(event.id, &[2, 4]).await?.expect(201);
    let waiting: Booking = b.book(event.id, 9).await?.expect(201).json();
    let claim = format!("/bookings/{}/claim", waiting.id);
    b.post(&claim, json!({ "seats": 10 })).await?.refused(400, "invalid");
    let reply = b.post(&claim, json!({ "seats": 9 })).await?.refused(409, "not_enough_free");
    assert_eq!(reply.body["details"]["free"], 8);
    a.post(&claim, json!({})).await?.refused(403, "forbidden");
    let some: Booking = b.post(&claim, json!({ "seats": 2 })).await?.expect(200).json();
    assert_eq!((&some.seat_numbers[..], some.waiting_seats, some.position), (&[1, 3][..], 7, Some(1)));
    let rest: Booking = b.post(&claim, json!({})).await?.expect(200).json();
    assert_eq!((rest.status, rest.seat_numbers.len(), rest.waiting_seats), (BookingStatus::Confirmed, 8, 1));
    b.post(&claim, json!({})).await?.refused(409, "nothing_to_claim");
    let history: Vec<HistoryEntry> = b.get(&format!("/bookings/{}/history", waiting.id)).await?.expect(200).json();
    let actions: Vec<_> = history.iter().map(|one| (one.action, one.seats)).collect();
    assert_eq!(actions, [(HistoryAction::Claimed, 6), (HistoryAction::Claimed, 2), (HistoryAction::Created, 9)]);
    world.audit()
}

#[tokio::test]
async fn smaller_bookings_may_take_free_seats_while_a_larger_one_waits() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 4).await?;
    a.book(event.id, 2).await?.expect(201);
    b.book(event.id, 3).await?.expect(201);
    let small: Booking = a.book(event.id, 2).await?.expect(201).json();
    assert_eq!(small.seat_numbers, [3, 4]);
    world.audit()
}
