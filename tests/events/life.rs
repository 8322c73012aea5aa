//! Cancelling, deleting, duplicating and transferring events; which fields an edit may change, and who is notified.

use anyhow::{Context, Result};
use happening_api::{
    Booking, BookingStatus, Event, EventStatus, HistoryAction, HistoryEntry, Notification, NotificationType, Role,
};
use happening_tests::world::{new_id, wait_for};
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

async fn told(person: &Client, kind: NotificationType) -> Result<Notification> {
    wait_for("a notification", std::time::Duration::from_secs(30), || async {
        let all: Vec<Notification> = person.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == kind))
    })
    .await
}

#[tokio::test]
async fn a_cancelled_event_ends_bookings_and_notifies_people() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let event = world.event(&ada, 3).await?;
    let held: Booking = barbara.book(event.id, 2).await?.expect(201).json();
    let waiting: Booking = edsger.book(event.id, 2).await?.expect(201).json();
    let path = format!("/events/{}", event.id);
    barbara.post(&format!("{path}/cancel"), json!({})).await?.refused(403, "forbidden");
    ada.post(&format!("{path}/cancel"), json!({ "reason": "rain" })).await?.refused(400, "invalid");
    let cancelled: Event = ada.post(&format!("{path}/cancel"), json!({})).await?.expect(200).json();
    assert_eq!((cancelled.status, cancelled.version, cancelled.available_slots), (EventStatus::Cancelled, 2, 3));
    for (person, booking, seats) in [(&barbara, held.id, vec![1, 2]), (&edsger, waiting.id, vec![])] {
        let now = person.booking(booking).await?;
        assert_eq!((now.status, now.waiting_seats, now.seat_numbers.len()), (BookingStatus::Cancelled, 0, 0));
        let history: Vec<HistoryEntry> = person.get(&format!("/bookings/{booking}/history")).await?.expect(200).json();
        assert_eq!((history[0].action, history[0].actor_id), (HistoryAction::Cancelled, Some(ada.user.id)));
        let told = told(person, NotificationType::EventCancelled).await?;
        assert_eq!((told.booking_id, &told.seat_numbers), (Some(booking), &seats));
        assert!(told.message.contains("was cancelled"), "{}", told.message);
    }
    ada.post(&format!("{path}/cancel"), json!({})).await?.refused(409, "event_not_open");
    ada.put(&path, json!({ "name": "Again" })).await?.refused(409, "event_not_open");
    barbara.book(event.id, 1).await?.refused(409, "event_not_open");
    barbara.post(&format!("/bookings/{}/cancel", held.id), json!({})).await?.refused(409, "already_cancelled");
    // a person without a booking is not notified
    assert_eq!(ada.get("/notifications").await?.expect(200).body, json!([]));
    world.audit()
}

#[tokio::test]
async fn an_events_status_follows_the_clock_at_once() -> Result<()> {
    let mut world = World::new().await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let row = || sqlx::query_scalar::<_, String>("select status from events where id = $1").bind(event.id.0);
    world.move_event(event.id, -1).await?;
    assert_eq!(ada.event(event.id).await?.status, EventStatus::Ongoing);
    assert_eq!(row().fetch_one(&world.pool).await?, "upcoming", "no worker runs yet");
    // the status depends on the event's end, if it has one
    for (ends_in_minutes, status) in [(60, EventStatus::Ongoing), (-30, EventStatus::Completed)] {
        sqlx::query("update events set event_date = now() - interval '1 hour', ends_at = now() + make_interval(mins => $2) where id = $1")
            .bind(event.id.0)
            .bind(ends_in_minutes)
            .execute(&world.pool)
            .await?;
        assert_eq!(ada.event(event.id).await?.status, status);
    }
    world.move_event(event.id, -1).await?;
    world.start_worker()?;
    let follows = async |status: &str| {
        wait_for("the row", std::time::Duration::from_secs(60), || async {
            Ok((row().fetch_one(&world.pool).await? == status).then_some(()))
        })
        .await
    };
    follows("ongoing").await?;
    world.move_event(event.id, -60 * 48).await?;
    assert_eq!(ada.event(event.id).await?.status, EventStatus::Completed);
    follows("completed").await?;
    world.audit()
}

#[tokio::test]
async fn bookings_racing_with_a_cancellation_are_cancelled() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 40).await?;
    let calls = (0..60).map(|n| {
        let caller = barbara.at(&world.base(n % 2));
        async move { caller.book(event.id, 1).await }
    });
    let cancel = async { ada.post(&format!("/events/{}/cancel", event.id), json!({})).await };
    let (replies, cancelled) = tokio::join!(futures_util::future::try_join_all(calls), cancel);
    cancelled?.expect(200);
    for reply in replies? {
        assert!(matches!(reply.status.as_u16(), 201 | 409), "{reply:?}");
    }
    let active: i64 = sqlx::query_scalar("select count(*) from bookings where event_id = $1 and status <> 'cancelled'")
        .bind(event.id.0)
        .fetch_one(&world.pool)
        .await?;
    assert_eq!(active, 0);
    world.audit()
}

#[tokio::test]
async fn an_event_with_bookings_is_not_deleted() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    let path = format!("/events/{}", event.id);
    let booking: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    ada.delete(&path).await?.refused(409, "event_has_bookings");
    barbara.delete(&path).await?.refused(403, "forbidden");
    barbara.post(&format!("/bookings/{}/cancel", booking.id), json!({})).await?.expect(200);
    ada.delete(&path).await?.expect(204);
    for person in [&ada, &barbara] {
        person.get(&path).await?.refused(404, "not_found");
        person.book(event.id, 1).await?.refused(404, "not_found");
    }
    barbara.get(&format!("/bookings/{}", booking.id)).await?.refused(404, "not_found");
    assert_eq!(barbara.get(&format!("/bookings/user/{}", barbara.user.id)).await?.expect(200).body, json!([]));
    world.audit()
}

#[tokio::test]
async fn a_duplicate_has_a_new_date_and_no_bookings() -> Result<()> {
    let world = World::new().await?;
    let ada = world.person("ada").await?;
    let barbara = world.person("barbara").await?;
    let event = world.event(&ada, 3).await?;
    world.set_role(event.org_id, &barbara, Role::Organizer).await?;
    ada.book(event.id, 2).await?.expect(201);
    let path = format!("/events/{}/duplicate", event.id);
    ada.post(&path, json!({})).await?.refused(400, "invalid");
    ada.post(&path, json!({ "event_date": "2001-01-01T00:00:00Z" })).await?.refused(400, "invalid");
    barbara.post(&path, json!({ "event_date": "2099-01-01T00:00:00Z" })).await?.refused(403, "forbidden");
    let reply =
        ada.post(&path, json!({ "event_date": "2099-01-01T20:00:00Z", "name": "Second evening" })).await?.expect(201);
    let copy: Event = reply.json();
    assert_eq!(reply.location(), Some(format!("/events/{}", copy.id)));
    assert_eq!(
        (copy.name.as_str(), copy.total_slots, copy.available_slots, copy.ends_at),
        ("Second evening", 3, 3, None)
    );
    assert_eq!((copy.owner_id, copy.version, copy.visibility), (ada.user.id, 1, event.visibility));
    ada.book(copy.id, 3).await?.expect(201);
    world.audit()
}

#[tokio::test]
async fn only_admins_transfer_events_and_only_to_organizers() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::Organizer).await?;
    world.set_role(org.id, &edsger, Role::User).await?;
    let event = world.event_in(&barbara, org.id, 3, None).await?;
    let path = format!("/events/{}", event.id);
    barbara.put(&path, json!({ "owner_id": ada.user.id })).await?.refused(403, "forbidden");
    ada.put(&path, json!({ "owner_id": edsger.user.id })).await?.refused(400, "invalid");
    ada.put(&path, json!({ "owner_id": new_id() })).await?.refused(400, "invalid");
    ada.put(&path, json!({ "owner_id": null })).await?.refused(400, "invalid");
    let given: Event = ada.put(&path, json!({ "owner_id": ada.user.id })).await?.expect(200).json();
    assert_eq!(given.owner_id, ada.user.id);
    barbara.put(&path, json!({ "name": "Still mine" })).await?.refused(403, "forbidden");
    world.audit()
}

#[tokio::test]
async fn two_editors_do_not_overwrite_each_other() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    barbara.book(event.id, 1).await?.expect(201);
    let path = format!("/events/{}", event.id);
    let put = |body: serde_json::Value, version: &'static str| {
        let (ada, path) = (ada.clone(), path.clone());
        async move { ada.call(reqwest::Method::PUT, &path, Some(&body), &[("If-Match", version)]).await }
    };
    put(json!({ "place": "Cellar" }), "\"1\"").await?.expect(200);
    let stale = put(json!({ "place": "Roof" }), "\"1\"").await?.refused(409, "stale");
    assert_eq!(stale.body["details"]["event"]["place"], "Cellar");
    put(json!({ "place": "Roof" }), "1").await?.refused(400, "invalid");
    assert!(told(&barbara, NotificationType::EventUpdated).await?.message.contains("the place changed"));
    // people with a booking are not notified of these changes
    put(json!({ "description": "More", "max_seats_per_user": 3 }), "\"2\"").await?.expect(200);
    let all: Vec<Notification> = barbara.get("/notifications").await?.expect(200).json();
    assert_eq!(all.iter().filter(|one| one.kind == NotificationType::EventUpdated).count(), 1);

    world.move_event(event.id, -5).await?;
    for (field, value) in
        [("total_slots", json!(9)), ("event_date", json!("2099-01-01T00:00:00Z")), ("visibility", json!("members"))]
    {
        let refused = ada.put(&path, json!({ field: value })).await?.refused(400, "invalid");
        assert!(refused.body["details"]["fields"][field].is_string(), "{refused:?}");
    }
    let going: Event = ada.put(&path, json!({ "name": "Going on" })).await?.expect(200).json();
    assert_eq!((going.status, going.name.as_str()), (EventStatus::Ongoing, "Going on"));
    world.audit()
}

#[tokio::test]
async fn changed_names_and_times_are_notified_and_fields_cleared() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    barbara.book(event.id, 1).await?.expect(201);
    let path = format!("/events/{}", event.id);
    for (change, words) in [
        (json!({ "name": "Late evening" }), "the name"),
        (json!({ "event_date": "2099-01-01T20:00:00Z" }), "the date"),
        (json!({ "ends_at": "2099-01-01T22:00:00Z" }), "the end"),
    ] {
        ada.put(&path, change.clone()).await?.expect(200);
        wait_for("the notification of the change", std::time::Duration::from_secs(20), || async {
            let all: Vec<Notification> = barbara.get("/notifications").await?.expect(200).json();
            let told = |one: &Notification| one.kind == NotificationType::EventUpdated && one.message.contains(words);
            Ok(all.iter().any(told).then_some(()))
        })
        .await
        .with_context(|| change.to_string())?;
    }
    for bad in [
        json!({ "event_date": "2020-01-01T20:00:00Z" }),
        json!({ "ends_at": "2099-01-01T20:00:00Z" }),
        json!({ "time_zone": "Mars/Olympus" }),
        json!({ "name": null }),
    ] {
        ada.put(&path, bad).await?.refused(400, "invalid");
    }
    ada.put(&path, json!({ "place": "Cellar", "category": "concert", "max_seats_per_user": 2 })).await?.expect(200);
    let nothing = json!({ "place": null, "category": null, "max_seats_per_user": null, "ends_at": null });
    let emptied: Event = ada.put(&path, nothing).await?.expect(200).json();
    assert_eq!(
        (emptied.place, emptied.category, emptied.max_seats_per_user, emptied.ends_at),
        (None, None, None, None)
    );
    world.audit()
}

#[tokio::test]
async fn only_staff_see_how_many_people_come() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    barbara.book(event.id, 2).await?.expect(201);
    barbara.book(event.id, 3).await?.expect(201);
    for (person, people) in [(&ada, json!(1)), (&barbara, serde_json::Value::Null)] {
        let seen = person.get(&format!("/events/{}", event.id)).await?.expect(200).body;
        assert_eq!(seen["people"], people);
        assert_eq!((&seen["waiting_bookings"], &seen["waiting_seats"]), (&json!(1), &json!(3)));
    }
    // an event without a given visibility is for members
    let body =
        json!({ "org_id": event.org_id, "name": "Evening", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 });
    let made = ada.post("/events", body).await?.expect(201).body;
    assert_eq!(made["visibility"], "members");
    let path = format!("/events/{}", made["id"].as_str().unwrap_or_default());
    barbara.get(&path).await?.refused(404, "not_found");
    // a person who holds seats still sees an event that becomes members-only
    ada.put(&format!("/events/{}", event.id), json!({ "visibility": "members" })).await?.expect(200);
    barbara.get(&format!("/events/{}", event.id)).await?.expect(200);
    world.audit()
}

#[tokio::test]
async fn cancellations_are_notified_after_the_events_deletion() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    barbara.book(event.id, 2).await?.expect(201);
    ada.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    ada.delete(&format!("/events/{}", event.id)).await?.expect(204);
    // start the worker only now
    let mut worker = world.command(&["worker"]).spawn()?;
    let told = told(&barbara, NotificationType::EventCancelled).await;
    worker.kill()?;
    worker.wait()?;
    assert!(told?.message.contains("Test evening was cancelled"));
    world.audit()
}

#[tokio::test]
async fn dates_outside_the_calendar_are_refused() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let far = "+262142-12-31T12:00:00Z";
    let body = json!({ "org_id": event.org_id, "name": "Far", "event_date": far, "total_slots": 3 });
    let refused = ada.post("/events", body).await?.refused(400, "invalid");
    assert!(refused.body["details"]["fields"]["event_date"].is_string(), "{refused:?}");
    ada.put(&format!("/events/{}", event.id), json!({ "ends_at": far })).await?.refused(400, "invalid");
    ada.put(&format!("/events/{}", event.id), json!({ "event_date": far })).await?.refused(400, "invalid");
    for query in ["from=-200000-01-01T00:00:00Z", "to=%2B262142-12-31T12:00:00Z"] {
        ada.get(&format!("/events?{query}")).await?.refused(400, "invalid");
    }
    Ok(())
}

#[tokio::test]
async fn messages_of_a_cancelled_event_keep_their_order() -> Result<()> {
    let env = [("RELAY", "false".to_owned())].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let (event, other) = (world.event(&ada, 40).await?, world.event(&ada, 40).await?);
    for _ in 0..20 {
        ada.book(event.id, 1).await?.expect(201);
    }
    ada.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    for _ in 0..20 {
        ada.book(other.id, 1).await?.expect(201);
    }
    // the relay publishes in the order of the ids
    let kinds: Vec<String> =
        sqlx::query_scalar("select payload->>'type' from outbox order by id").fetch_all(&world.pool).await?;
    let cancelled = |kind: &&String| kind.as_str() == "event_cancelled";
    assert_eq!(kinds.iter().filter(cancelled).count(), 20);
    assert_eq!(kinds[20..40].iter().filter(cancelled).count(), 20, "{kinds:?}");
    world.audit()
}
