//! Claiming seats that are free while a larger booking waits.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, HistoryAction, HistoryEntry, WaitlistMove};
use happening_tests::{Client, World};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn claiming_free_seats_keeps_the_position() -> Result<()> {
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
async fn smaller_bookings_may_pass_a_larger_waiting_one() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 4).await?;
    a.book(event.id, 2).await?.expect(201);
    b.book(event.id, 3).await?.expect(201);
    let small: Booking = a.book(event.id, 2).await?.expect(201).json();
    assert_eq!(small.seat_numbers, [3, 4]);
    world.audit()
}

#[tokio::test]
async fn a_booking_larger_than_the_event_can_claim() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 10).await?;
    a.book_exactly(event.id, &[1, 2]).await?.expect(201);
    let waiting: Booking = b.book(event.id, 9).await?.expect(201).json();
    a.put(&format!("/events/{}", event.id), json!({ "total_slots": 8 })).await?.expect(200);
    let claim = format!("/bookings/{}/claim", waiting.id);
    let reply = b.post(&claim, json!({ "seats": 9 })).await?.refused(409, "not_enough_free");
    assert_eq!(reply.body["details"]["free"], 6);
    let got: Booking = b.post(&claim, json!({})).await?.expect(200).json();
    assert_eq!((&got.seat_numbers[..], got.waiting_seats), (&[3, 4, 5, 6, 7, 8][..], 3));
    world.audit()
}

#[tokio::test]
async fn a_repeated_claim_with_a_key_acts_once() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 4).await?;
    a.book(event.id, 2).await?.expect(201);
    let waiting: Booking = b.book(event.id, 3).await?.expect(201).json();
    let path = format!("/bookings/{}/claim", waiting.id);
    let (there, body) = (b.at(&world.base(1)), json!({}));
    let key = [("Idempotency-Key", "take")];
    let claim = |at: &Client| {
        let (at, path, body) = (at.clone(), path.clone(), body.clone());
        async move { at.call(Method::POST, &path, Some(&body), &key).await }
    };
    let (one, other, third) = tokio::try_join!(claim(&b), claim(&there), claim(&there))?;
    let first: Booking = one.expect(200).json();
    assert_eq!((&first.seat_numbers[..], first.waiting_seats), (&[3, 4][..], 1));
    for reply in [other, third, claim(&b).await?] {
        assert_eq!(reply.expect(200).json::<Booking>(), first);
    }
    assert_eq!(claim(&there).await?.headers["idempotency-replayed"], "true");
    b.call(Method::POST, &path, Some(&json!({ "seats": 1 })), &key).await?.refused(422, "key_reused");
    world.audit()
}

#[tokio::test]
async fn cancelled_bookings_and_started_events_refuse_changes() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 3).await?;
    let held: Booking = b.book(event.id, 2).await?.expect(201).json();
    let (path, both) = (format!("/bookings/{}", held.id), json!({ "seat_numbers": [1, 2] }));
    let gone: Booking = b.post(&format!("{path}/cancel-seats"), both.clone()).await?.expect(200).json();
    assert_eq!((gone.status, gone.seat_numbers.len()), (BookingStatus::Cancelled, 0), "the booking still holds seats");
    b.post(&format!("{path}/cancel-seats"), both).await?.refused(409, "already_cancelled");
    b.post(&format!("{path}/claim"), json!({})).await?.refused(409, "already_cancelled");

    let held: Booking = a.book(event.id, 2).await?.expect(201).json();
    let waiting: Booking = b.book(event.id, 3).await?.expect(201).json();
    world.move_event(event.id, -1).await?;
    let late = b.post(&format!("/bookings/{}/claim", waiting.id), json!({})).await?.expect(409);
    // the waitlist ends soon after the start, so the booking may already be cancelled
    assert!(["event_started", "already_cancelled"].contains(&late.code()), "{late:?}");
    let one = json!({ "seat_numbers": [1] });
    a.post(&format!("/bookings/{}/cancel-seats", held.id), one).await?.refused(409, "event_started");
    world.audit()
}

#[tokio::test]
async fn a_booking_shows_how_its_position_moved() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let (edsger, frances) = (world.person("edsger").await?, world.person("frances").await?);
    let event = world.event(&ada, 2).await?;
    let held: Booking = ada.book(event.id, 2).await?.expect(201).json();
    barbara.book(event.id, 1).await?.expect(201);
    let second: Booking = edsger.book(event.id, 2).await?.expect(201).json();
    let third: Booking = frances.book(event.id, 2).await?.expect(201).json();
    let moves = async || {
        let moves: Vec<WaitlistMove> =
            frances.get(&format!("/bookings/{}/waitlist", third.id)).await?.expect(200).json();
        anyhow::Ok(moves)
    };
    let told = |moves: &[WaitlistMove]| -> Vec<_> {
        moves.iter().map(|one| (one.action, one.seat_numbers.clone(), one.still_waits_for, one.from, one.to)).collect()
    };
    assert!(moves().await?.is_empty(), "the position changed too early");
    for seat in [1, 2] {
        let body = json!({ "seat_numbers": [seat] });
        ada.post(&format!("/bookings/{}/cancel-seats", held.id), body).await?.expect(200);
    }
    let mut expected = vec![(HistoryAction::Promoted, vec![2], 1, 2, 2), (HistoryAction::Promoted, vec![1], 0, 3, 2)];
    assert_eq!(told(&moves().await?), expected);
    // when a person leaves the waitlist, the people behind move forward
    edsger.post(&format!("/bookings/{}/cancel", second.id), json!({})).await?.expect(200);
    expected.insert(0, (HistoryAction::Cancelled, Vec::new(), 0, 2, 1));
    assert_eq!(told(&moves().await?), expected);
    let now = frances.booking(third.id).await?;
    assert_eq!((now.position, now.seat_numbers), (Some(1), vec![2]));
    // other people are not named, and a booking that does not wait has no position
    let text = frances.get(&format!("/bookings/{}/waitlist", third.id)).await?.body.to_string();
    assert!(!text.contains(&barbara.user.id.to_string()) && !text.contains("Barbara"), "{text}");
    frances.post(&format!("/bookings/{}/cancel", third.id), json!({})).await?.expect(200);
    assert!(moves().await?.is_empty());
    world.audit()
}
