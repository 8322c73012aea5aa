//! An Idempotency-Key makes it safe to send a booking again.

use anyhow::Result;
use happening_api::Booking;
use happening_tests::World;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_anywhere() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let event = world.event(&a, 3).await?;
    let first = a.book_with_key(event.id, 2, "click-1").await?.expect(201);
    assert!(first.headers.get("idempotency-replayed").is_none());
    let booking: Booking = first.json();
    assert_eq!(first.location(), Some(format!("/bookings/{}", booking.id)));
    a.post(&format!("/bookings/{}/cancel-seats", booking.id), json!({ "seat_numbers": [1] })).await?.expect(200);
    let again = a.at(&world.base(1)).book_with_key(event.id, 2, "click-1").await?.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body, first.body, "the replay differs from the first answer");

    a.book_with_key(event.id, 3, "click-1").await?.refused(422, "key_reused");
    // another order of the body's members is the same request
    let body = format!("{{\"seats\": 2, \"event_id\": \"{}\"}}", event.id);
    let value: serde_json::Value = serde_json::from_str(&body)?;
    a.call(Method::POST, "/bookings", Some(&value), &[("Idempotency-Key", "click-1")]).await?.expect(201);
    // the same key of another person is a different key
    world.person("barbara").await?.book_with_key(event.id, 1, "click-1").await?.expect(201);
    world.audit()
}

#[tokio::test]
async fn a_key_gets_its_answer_after_the_events_end() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let organization = world.organization(&a).await?;
    for cancelled in [false, true] {
        let event = world.event_in(&a, organization.id, 3, None).await?;
        let key = format!("before-{cancelled}");
        let first = a.book_with_key(event.id, 2, &key).await?.expect(201);
        if cancelled {
            a.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
        } else {
            world.move_event(event.id, -60 * 24 * 3).await?;
        }
        for server in 0..2 {
            let there = a.at(&world.base(server));
            let again = there.book_with_key(event.id, 2, &key).await?.expect(201);
            assert_eq!((&again.headers["idempotency-replayed"], &again.body), (&"true".parse()?, &first.body));
            there.book_with_key(event.id, 1, &key).await?.refused(422, "key_reused");
        }
    }
    world.audit()
}

#[tokio::test]
async fn one_key_for_two_events_is_refused() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let organization = world.organization(&a).await?;
    let one = world.event_in(&a, organization.id, 5, None).await?;
    let other = world.event_in(&a, organization.id, 5, None).await?;
    a.book_with_key(one.id, 1, "twice").await?.expect(201);
    a.book_with_key(other.id, 1, "twice").await?.refused(422, "key_reused");
    world.audit()
}

#[tokio::test]
async fn a_refused_call_may_be_repeated_with_its_key() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 1).await?;
    let held: Booking = a.book(event.id, 1).await?.expect(201).json();
    let body = json!({ "event_id": event.id, "seats": 1, "waitlist": false });
    let key = [("Idempotency-Key", "again")];
    b.call(Method::POST, "/bookings", Some(&body), &key).await?.refused(409, "sold_out");
    a.post(&format!("/bookings/{}/cancel", held.id), json!({})).await?.expect(200);
    let got: Booking = b.call(Method::POST, "/bookings", Some(&body), &key).await?.expect(201).json();
    assert_eq!(got.seat_numbers, [1]);
    world.audit()
}
