//! Each message reaches the feed and the mail once.

use std::time::Duration;

use anyhow::Result;
use happening_api::{Booking, Notification, NotificationType};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

/// Waits for a notification of a type. Answers the newest one.
pub(crate) async fn wait_for_notification(person: &Client, kind: NotificationType) -> Result<Notification> {
    wait_for("a notification", Duration::from_secs(30), || async {
        let all: Vec<Notification> = person.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == kind))
    })
    .await
}

#[tokio::test]
async fn a_booking_is_notified_once_by_feed_and_mail() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let a = world.person("ada").await?;
    let event = world.event(&a, 10).await?;
    let booking: Booking = a.book(event.id, 2).await?.expect(201).json();
    let told = wait_for_notification(&a, NotificationType::BookingConfirmed).await?;
    assert_eq!(told.message, "Booked: seats 1 and 2 for Test evening.");
    let mail = world.folder.join("mail").join(format!("{}.eml", told.id));
    let text =
        wait_for("the mail", Duration::from_secs(20), || async { Ok(std::fs::read_to_string(&mail).ok()) }).await?;
    assert!(text.contains("ada@happening.invalid") && text.contains(&format!("Message-ID: <{}@", told.id)), "{text}");

    // publish all messages again; a second copy has no effect
    sqlx::query("update outbox set published_at = null").execute(&world.pool).await?;
    a.post(&format!("/bookings/{}/cancel", booking.id), json!({})).await?.expect(200);
    wait_for_notification(&a, NotificationType::BookingCancelled).await?;
    let all: Vec<Notification> = a.get("/notifications").await?.expect(200).json();
    assert_eq!(all.iter().filter(|one| one.kind == NotificationType::BookingConfirmed).count(), 1);
    assert_eq!(all.len(), 2);

    let read: Notification = a.post(&format!("/notifications/{}/read", told.id), json!({})).await?.expect(200).json();
    assert!(read.read_at.is_some());
    let reply = a.get("/notifications?unread=true").await?.expect(200);
    assert_eq!(reply.headers["x-unread-count"], "1");
    assert_eq!(reply.json::<Vec<Notification>>().len(), 1);
    a.post("/notifications/read-all", json!({})).await?.expect(200);
    let reply = a.get("/notifications?unread=true").await?.expect(200);
    assert_eq!((&reply.headers["x-unread-count"], &reply.body), (&"0".parse()?, &json!([])));
    world.audit()
}

#[tokio::test]
async fn waiting_people_hear_of_free_seats_and_claims() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 9).await?;
    a.book(event.id, 1).await?.expect(201);
    let waiting: Booking = b.book(event.id, 9).await?.expect(201).json();
    let told = wait_for_notification(&b, NotificationType::BookingWaitlisted).await?;
    assert!(told.message.contains("8 seats are free: take them"), "{}", told.message);
    b.post(&format!("/bookings/{}/claim", waiting.id), json!({ "seats": 2 })).await?.expect(200);
    let told = wait_for_notification(&b, NotificationType::BookingConfirmed).await?;
    assert_eq!((told.booking_id, &told.seat_numbers[..]), (Some(waiting.id), &[2, 3][..]));
    world.audit()
}
