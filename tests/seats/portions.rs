//! Long changes are done in portions, so that none holds an event's row for long, and are finished even when servers
//! are killed.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use happening_api::{Booking, BookingStatus, Event, EventId, EventStatus};
use happening_tests::world::wait_for;
use happening_tests::{Client, World};
use serde_json::json;

/// The seat writer's portion, in bookings or seats.
const PORTION: i64 = 500;

/// Creates `count` bookings of one seat each.
async fn book(person: &Client, event: EventId, count: usize) -> Result<Vec<Booking>> {
    let mut bookings = Vec::new();
    while bookings.len() < count {
        let replies = try_join_all((0..100).map(|_| person.book(event, 1))).await?;
        bookings.extend(replies.into_iter().map(|reply| reply.expect(201).json::<Booking>()));
    }
    Ok(bookings)
}

/// The most rows of history that one transaction wrote. The rows of a transaction have the same time.
async fn largest(world: &World, event: EventId, action: &str) -> Result<i64> {
    let query = "select max(count) from (select count(*) from booking_history where event_id = $1 and action = $2
        group by created_at) as x";
    Ok(sqlx::query_scalar(query).bind(event.0).bind(action).fetch_one(&world.pool).await?)
}

async fn count(world: &World, query: &str, event: EventId) -> Result<i64> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(event.0).fetch_one(&world.pool).await?)
}

const ACTIVE: &str = "select count(*) from bookings where event_id = $1 and status <> 'cancelled'";

#[tokio::test]
async fn an_events_cancellation_survives_killed_servers() -> Result<()> {
    let mut world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 6_900).await?;
    for reply in try_join_all((0..20).map(|_| ada.book(event.id, 50))).await? {
        reply.expect(201);
    }
    let bookings = book(&barbara, event.id, 6_000).await?;
    let last = bookings.iter().find(|one| one.status == BookingStatus::Waiting).expect("some wait");
    let cancelled: Event = ada.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200).json();
    assert_eq!(cancelled.status, EventStatus::Cancelled);
    world.kill_backend(0)?;
    world.kill_backend(1)?;
    assert!(count(&world, ACTIVE, event.id).await? > 0, "all was done before the servers were killed");
    world.start_backend(0).await?;
    world.start_backend(1).await?;
    // the booking is shown as cancelled, whether or not its row has been changed yet
    let shown = barbara.booking(last.id).await?;
    assert_eq!((shown.status, shown.waiting_seats, shown.position), (BookingStatus::Cancelled, 0, None));
    // a newly started server may have to load the event first
    wait_for("an answer", Duration::from_secs(20), || async {
        let reply = barbara.book(event.id, 1).await?;
        Ok((reply.status != 503).then(|| reply.refused(409, "event_not_open")))
    })
    .await?;
    barbara.post(&format!("/bookings/{}/cancel", last.id), json!({})).await?.refused(409, "already_cancelled");
    wait_for("the end of all bookings", Duration::from_secs(60), || async {
        Ok((count(&world, ACTIVE, event.id).await? == 0).then_some(()))
    })
    .await?;
    assert!(largest(&world, event.id, "cancelled").await? <= PORTION);
    let seats = "select max(seats)::bigint from (select sum(cardinality(seat_numbers)) as seats from booking_history
        where event_id = $1 and action = 'cancelled' group by created_at) as x";
    assert!(count(&world, seats, event.id).await? <= PORTION);
    let by_ada = "select count(distinct booking_id) from booking_history where event_id = $1 and action = 'cancelled'
        and actor_id = (select owner_id from events where id = $1)";
    assert_eq!(count(&world, by_ada, event.id).await?, 6_020);
    let told =
        "select count(*) from outbox where payload->>'type' = 'event_cancelled' and payload->>'eventId' = $1::text";
    assert_eq!(count(&world, told, event.id).await?, 6_020, "not every person was notified exactly once");
    wait_for("the cancellation's last portion", Duration::from_secs(20), || async {
        let left = count(&world, "select count(*) from event_endings where event_id = $1", event.id).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    world.audit()
}

/// New seats go to the waitlist first; no other person can book them, however many transactions that takes.
#[tokio::test]
async fn a_raised_capacity_serves_the_waitlist_before_others() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let event = world.event(&ada, 1).await?;
    let ahead = book(&barbara, event.id, 2_000).await?.len() as i32;
    let stranger = async {
        wait_for("a seat", Duration::from_secs(60), || async {
            let body = json!({ "event_id": event.id, "seats": 1, "waitlist": false });
            let reply = edsger.post("/bookings", body).await?;
            Ok((reply.status == 201).then(|| reply.json::<Booking>()))
        })
        .await
    };
    let raise = async {
        let raised = ada.put(&format!("/events/{}", event.id), json!({ "total_slots": 5_000 })).await?;
        anyhow::Ok(raised.expect(200).json::<Event>())
    };
    let (first, raised) = tokio::join!(stranger, raise);
    assert_eq!(raised?.total_slots, 5_000, "the total is not the raise's goal");
    assert!(first?.seat_numbers[0] > ahead, "a new booking got a seat before the waitlist");
    let now = ada.event(event.id).await?;
    assert_eq!((now.total_slots, now.available_slots, now.waiting_seats), (5_000, 5_000 - ahead - 1, 0));
    assert!(largest(&world, event.id, "promoted").await? <= PORTION);
    let out_of_order = "select count(*) from (select s.seat_no, lag(s.seat_no) over (order by b.waiting_number) as before
        from bookings b join booking_seats s on s.booking_id = b.id where b.event_id = $1 and b.waiting_number is not null) as x
        where seat_no < before";
    assert_eq!(count(&world, out_of_order, event.id).await?, 0);
    world.audit()
}

#[tokio::test]
async fn a_capacity_raise_survives_killed_servers() -> Result<()> {
    let mut world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 1).await?;
    book(&barbara, event.id, 3_000).await?;
    ada.put(&format!("/events/{}", event.id), json!({ "total_slots": 2_500 })).await?.expect(200);
    world.kill_backend(0)?;
    world.kill_backend(1)?;
    let raising = "select count(*) from events where id = $1 and raising_to is not null";
    assert_eq!(count(&world, raising, event.id).await?, 1, "all was done before the servers were killed");
    world.start_backend(0).await?;
    world.start_backend(1).await?;
    wait_for("the seats", Duration::from_secs(60), || async {
        Ok((count(&world, raising, event.id).await? == 0).then_some(()))
    })
    .await?;
    // in the waitlist's order, each booking is promoted once and notified once
    let held = "select count(*) from bookings where event_id = $1 and status = 'confirmed' and coalesce(waiting_number, 0) < 2500";
    let promoted = "select count(*) from booking_history where event_id = $1 and action = 'promoted'";
    let told =
        "select count(*) from outbox where payload->>'type' = 'waitlist_promoted' and payload->>'eventId' = $1::text";
    assert_eq!(count(&world, held, event.id).await?, 2_500);
    assert_eq!((count(&world, promoted, event.id).await?, count(&world, told, event.id).await?), (2_499, 2_499));
    world.audit()
}

#[tokio::test]
async fn a_capacity_raise_can_be_changed_and_cancelled() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 1).await?;
    let path = format!("/events/{}", event.id);
    let bookings = book(&barbara, event.id, 2_600).await?.len() as i64;
    let total = async |total: i32| {
        let event = ada.put(&path, json!({ "total_slots": total })).await?.expect(200).json::<Event>();
        assert_eq!(event.total_slots, total);
        anyhow::Ok(())
    };
    for goal in [2_000, 1_500, 1_600] {
        total(goal).await?;
    }
    // an edit of another field does not change the goal of the raise
    ada.put(&path, json!({ "name": "Larger" })).await?.expect(200);
    wait_for("the seats", Duration::from_secs(30), || async {
        let now = ada.event(event.id).await?;
        assert_eq!(now.total_slots, 1_600);
        Ok((now.waiting_seats == bookings - 1_600).then_some(()))
    })
    .await?;
    total(5_000).await?;
    ada.post(&format!("{path}/cancel"), json!({})).await?.expect(200);
    wait_for("the last portion of raise and cancellation", Duration::from_secs(30), || async {
        let pending = "select count(*) from events where id = $1 and raising_to is not null";
        let left = count(&world, ACTIVE, event.id).await? + count(&world, pending, event.id).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    let now = ada.event(event.id).await?;
    assert_eq!((now.total_slots, now.available_slots, now.people), (5_000, 5_000, Some(0)));
    world.audit()
}
