//! The examples that the product promises, with exactly these results.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, NotificationType};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::messages::wait_for_notification;

#[tokio::test]
async fn happy_path() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)));
    let event = world.event(&a, 10).await?;
    let first: Booking = a.book_exactly(event.id, &[1, 2]).await?.expect(201).json();
    assert_eq!((first.status, &first.seat_numbers[..]), (BookingStatus::Confirmed, &[1, 2][..]));
    let second: Booking = b.book(event.id, 9).await?.expect(201).json();
    assert_eq!((second.status, second.waiting_seats, second.waiting_number), (BookingStatus::Waiting, 9, Some(1)));
    assert_eq!((second.position, second.bookings_ahead, second.seats_ahead), (Some(1), Some(0), Some(0)));

    let after: Booking = a
        .post(&format!("/bookings/{}/cancel-seats", first.id), json!({ "seat_numbers": [1] }))
        .await?
        .expect(200)
        .json();
    assert_eq!(after.seat_numbers, [2]);
    let promoted = b.booking(second.id).await?;
    assert_eq!((promoted.status, &promoted.seat_numbers[..]), (BookingStatus::Confirmed, &[1][..]));
    assert_eq!((promoted.waiting_seats, promoted.position), (8, Some(1)));
    let told = wait_for_notification(&b, NotificationType::WaitlistPromoted).await?;
    assert_eq!((told.booking_id, &told.seat_numbers[..]), (Some(second.id), &[1][..]));
    world.audit()
}

#[tokio::test]
async fn two_of_three() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)));
    let event = world.event(&a, 5).await?;
    let first: Booking = a.book(event.id, 3).await?.expect(201).json();
    let second: Booking = b.book(event.id, 3).await?.expect(201).json();
    assert_eq!(second.status, BookingStatus::Waiting);
    a.post(&format!("/bookings/{}/cancel-seats", first.id), json!({ "seat_numbers": [2, 3] })).await?.expect(200);
    let promoted = b.booking(second.id).await?;
    assert_eq!(
        (promoted.status, &promoted.seat_numbers[..], promoted.waiting_seats),
        (BookingStatus::Confirmed, &[2, 3][..], 1)
    );
    world.audit()
}

#[tokio::test]
async fn resize_promotes() -> Result<()> {
    let world = World::new().await?;
    let (a, b, c) =
        (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)), world.person("edsger").await?);
    let event = world.event(&a, 4).await?;
    a.book(event.id, 4).await?.expect(201);
    let second: Booking = b.book(event.id, 2).await?.expect(201).json();
    let third: Booking = c.book(event.id, 3).await?.expect(201).json();
    a.put(&format!("/events/{}", event.id), json!({ "total_slots": 7 })).await?.expect(200);
    assert_eq!(b.booking(second.id).await?.seat_numbers, [5, 6]);
    let third = c.booking(third.id).await?;
    assert_eq!((&third.seat_numbers[..], third.waiting_seats, third.position), (&[7][..], 2, Some(1)));
    assert_eq!(a.event(event.id).await?.available_slots, 0);
    world.audit()
}

#[tokio::test]
async fn overbook_demo() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)));
    let event = world.event(&a, 6).await?;
    let first: Booking = a.book(event.id, 2).await?.expect(201).json();
    let all: Booking = b.book(event.id, 6).await?.expect(201).json();
    assert_eq!(all.status, BookingStatus::Waiting);
    a.post(&format!("/bookings/{}/cancel-seats", first.id), json!({ "seat_numbers": [2] })).await?.expect(200);
    let all = b.booking(all.id).await?;
    assert_eq!((all.status, &all.seat_numbers[..]), (BookingStatus::Confirmed, &[2][..]));
    world.audit()
}

#[tokio::test]
async fn a_freed_seat_never_returns_to_its_giver() -> Result<()> {
    let world = World::new().await?;
    let (a, b, c) =
        (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)), world.person("edsger").await?);
    let event = world.event(&a, 3).await?;
    let first: Booking = a.book(event.id, 3).await?.expect(201).json();
    let second: Booking = b.book(event.id, 2).await?.expect(201).json();
    a.post(&format!("/bookings/{}/cancel-seats", first.id), json!({ "seat_numbers": [3] })).await?.expect(200);
    // b holds seat 3 and waits for one more; when b gives it back, b must not get it again
    b.post(&format!("/bookings/{}/cancel-seats", second.id), json!({ "seat_numbers": [3] })).await?.expect(200);
    let second = b.booking(second.id).await?;
    assert_eq!((second.status, second.waiting_seats, second.seat_numbers.len()), (BookingStatus::Waiting, 1, 0));
    let third: Booking = c.book(event.id, 1).await?.expect(201).json();
    assert_eq!(third.seat_numbers, [3]);
    world.audit()
}

#[tokio::test]
async fn cancelling_frees_seats_and_leaves_the_waitlist() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?.at(&world.base(1)));
    let event = world.event(&a, 3).await?;
    let first: Booking = a.book(event.id, 2).await?.expect(201).json();
    let second: Booking = b.book(event.id, 3).await?.expect(201).json();
    b.post(&format!("/bookings/{}/cancel", second.id), json!({})).await?.expect(200);
    let ended: Booking = a.post(&format!("/bookings/{}/cancel", first.id), json!({})).await?.expect(200).json();
    assert_eq!((ended.status, ended.seat_numbers.len()), (BookingStatus::Cancelled, 0));
    assert_eq!(a.event(event.id).await?.available_slots, 3);
    a.post(&format!("/bookings/{}/cancel", first.id), json!({})).await?.refused(409, "already_cancelled");
    world.move_event(event.id, -1).await?;
    a.post(&format!("/bookings/{}/cancel", first.id), json!({})).await?.refused(409, "already_cancelled");
    a.book(event.id, 1).await?.refused(409, "event_not_open");
    world.audit()
}
