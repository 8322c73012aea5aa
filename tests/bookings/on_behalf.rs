//! Staff book for another person: for whom, with which reason, until when.

use anyhow::{Context, Result};
use happening_api::{
    AuditEntry, Booking, BookingStatus, HistoryAction, HistoryEntry, Notification, NotificationType, Role,
};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::{Value, json};

fn wish(event: &happening_api::Event, person: &Client, seats: i32) -> Value {
    json!({ "event_id": event.id, "seats": seats, "user_id": person.user.id, "reason": "They are at the door" })
}

fn without_reason(mut wish: Value) -> Value {
    wish.as_object_mut().map(|fields| fields.remove("reason"));
    wish
}

#[tokio::test]
async fn staff_give_released_seats_after_the_start() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let event = world.event(&ada, 2).await?;
    let held: Booking = edsger.book(event.id, 2).await?.expect(201).json();
    let waits: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    world.move_event(event.id, -1).await?;
    wait_for("the end of the wait", std::time::Duration::from_secs(20), || async {
        Ok((barbara.booking(waits.id).await?.status == BookingStatus::Cancelled).then_some(()))
    })
    .await?;
    // no seat is free, and after the start staff cannot put a person on the waitlist
    ada.post("/bookings", wish(&event, &barbara, 1)).await?.refused(409, "sold_out");
    let release = json!({ "seat_numbers": [2], "reason": "Did not come" });
    ada.post(&format!("/bookings/{}/cancel-seats", held.id), release).await?.expect(200);
    // after the start a person cannot book the free seat themselves
    barbara.book(event.id, 1).await?.refused(409, "event_not_open");
    let given: Booking = ada.post("/bookings", wish(&event, &barbara, 1)).await?.expect(201).json();
    assert_eq!(
        (given.user_id, &given.seat_numbers[..], given.status),
        (barbara.user.id, &[2][..], BookingStatus::Confirmed)
    );
    assert_eq!(barbara.booking(given.id).await?.seat_numbers, [2]);

    let history: Vec<HistoryEntry> = barbara.get(&format!("/bookings/{}/history", given.id)).await?.expect(200).json();
    let first = history.last().context("it was created")?;
    assert_eq!(
        (first.action, first.actor_id, first.reason.as_deref()),
        (HistoryAction::Created, Some(ada.user.id), Some("They are at the door"))
    );
    let log: Vec<AuditEntry> = ada.get(&format!("/organizations/{}/audit", event.org_id)).await?.expect(200).json();
    let entry = log.iter().find(|entry| entry.action == "booking_created").context("nothing in the log")?;
    assert_eq!((entry.actor_id, entry.subject_id), (Some(ada.user.id), given.id.0));
    let told = wait_for("the notification", std::time::Duration::from_secs(30), || async {
        let all: Vec<Notification> = barbara.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == NotificationType::BookingConfirmed))
    })
    .await?;
    assert!(told.message.contains("The organizers booked seat 2 for you"), "{}", told.message);
    assert!(told.message.contains("Reason: They are at the door"), "{}", told.message);
    world.audit()
}

#[tokio::test]
async fn staff_book_for_members_and_guests_with_a_reason() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, donald, edsger) = (
        world.person("ada").await?,
        world.person("barbara").await?,
        world.person("donald").await?,
        world.person("edsger").await?,
    );
    let event = world.event(&ada, 3).await?;
    world.set_role(event.org_id, &barbara, Role::User).await?;
    let known: Booking = donald.book(event.id, 1).await?.expect(201).json();
    donald.post(&format!("/bookings/{}/cancel", known.id), json!({})).await?.expect(200);
    // members who are not staff, and strangers, can book for themselves only
    for person in [&barbara, &edsger] {
        person.post("/bookings", wish(&event, &donald, 1)).await?.refused(403, "forbidden");
    }
    let no_reason = ada.post("/bookings", without_reason(wish(&event, &barbara, 1))).await?.expect(400);
    assert!(no_reason.body["details"]["fields"]["reason"].is_string(), "{}", no_reason.body);
    let blank = json!({ "event_id": event.id, "seats": 1, "user_id": barbara.user.id, "reason": "  " });
    ada.post("/bookings", blank).await?.refused(400, "invalid");
    // staff give no reason for their own bookings
    let own = ada.post("/bookings", wish(&event, &ada, 1)).await?.expect(400);
    assert!(own.body["details"]["fields"]["reason"].is_string(), "{}", own.body);
    // the refusal is the same for a person without access to the event and for a person who does not exist
    let stranger = ada.post("/bookings", wish(&event, &edsger, 1)).await?.expect(400);
    let mut unknown = wish(&event, &edsger, 1);
    unknown["user_id"] = json!(uuid::Uuid::new_v4());
    let unknown = ada.post("/bookings", unknown).await?.expect(400);
    assert_eq!(stranger.body["details"], unknown.body["details"]);

    for person in [&barbara, &donald] {
        let given: Booking = ada.post("/bookings", wish(&event, person, 1)).await?.expect(201).json();
        assert_eq!((given.user_id, given.seat_numbers.len()), (person.user.id, 1));
    }
    // before the start a person can be put on the waitlist, too
    let waits: Booking = ada.post("/bookings", wish(&event, &donald, 2)).await?.expect(201).json();
    assert_eq!((waits.status, waits.position), (BookingStatus::Waiting, Some(1)));
    world.audit()
}

#[tokio::test]
async fn one_key_gives_seats_once() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 9).await?;
    world.set_role(event.org_id, &barbara, Role::User).await?;
    let key = [("idempotency-key", "door-7")];
    let there = ada.at(&world.base(1));
    let give =
        |at: Client, body: Value| async move { at.call(reqwest::Method::POST, "/bookings", Some(&body), &key).await };
    let body = wish(&event, &barbara, 2);
    let (one, other) = tokio::try_join!(give(ada.clone(), body.clone()), give(there, body.clone()))?;
    assert_eq!(one.expect(201).json::<Booking>(), other.expect(201).json::<Booking>());
    let mut another = body;
    another["reason"] = json!("Something else");
    give(ada.clone(), another).await?.refused(422, "key_reused");
    assert_eq!(ada.event(event.id).await?.available_slots, 7);
    world.audit()
}

#[tokio::test]
async fn staff_cannot_exceed_limits_or_book_ended_events() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 9).await?;
    world.set_role(event.org_id, &barbara, Role::User).await?;
    ada.put(&format!("/events/{}", event.id), json!({ "max_seats_per_user": 2 })).await?.expect(200);
    ada.post("/bookings", wish(&event, &barbara, 2)).await?.expect(201);
    ada.post("/bookings", wish(&event, &barbara, 1)).await?.refused(409, "limit_reached");
    // the event is over: a day after its start, when no end is set
    world.move_event(event.id, -25 * 60).await?;
    ada.post("/bookings", wish(&event, &ada, 1)).await?.refused(400, "invalid");
    ada.post("/bookings", wish(&event, &barbara, 1)).await?.refused(409, "event_not_open");
    // the event is cancelled
    let event = world.event_in(&ada, event.org_id, 3, None).await?;
    ada.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    ada.post("/bookings", wish(&event, &barbara, 1)).await?.refused(409, "event_not_open");
    world.audit()
}
