//! Redis fails in various ways, and no request fails because of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use happening_api::{Booking, EventId};
use happening_tests::own::OwnRedis;
use happening_tests::world::{stack, wait_for};
use happening_tests::{Client, World, WorldOptions};
use serde_json::{Value, json};

use crate::{Crowd, check, people, until_booked};

/// Sends every kind of call about a new booking; all must succeed.
async fn every_kind_of_call_is_answered(person: &Client, event: EventId) -> Result<()> {
    let started = Instant::now();
    let booking: Booking = person.book(event, 2).await?.expect(201).json();
    let path = format!("/bookings/{}", booking.id);
    let given = json!({ "seat_numbers": [booking.seat_numbers[0]] });
    person.post(&format!("{path}/cancel-seats"), given).await?.expect(200);
    person.post(&format!("{path}/claim"), json!({})).await?.refused(409, "nothing_to_claim");
    let reads = [format!("/events/{event}"), format!("/events/{event}/seats"), format!("/events/{event}/bookings")];
    for read in reads.iter().chain([&path, &format!("{path}/history"), &"/notifications".to_owned()]) {
        person.get(read).await?.expect(200);
    }
    person.put(&format!("/events/{event}"), json!({ "description": "Doors open at seven." })).await?.expect(200);
    person.post(&format!("{path}/cancel"), json!({})).await?.expect(200);
    // eleven calls; each that waited for Redis would take half a second
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    Ok(())
}

/// Redis is emptied, reset to an older state, short of memory, killed, restarted and frozen while people book: every
/// call succeeds, and Redis shows the counts again afterwards.
#[tokio::test]
async fn callers_do_not_notice_a_lost_or_hanging_redis() -> Result<()> {
    let mut redis = OwnRedis::start(&stack()?, "lost").await?;
    let env = [("REDIS_URL", redis.url())].into();
    let world = World::with(WorldOptions { env, worker: true, ..WorldOptions::default() }).await?;
    let people = people(&world).await?;
    let event = world.event(&people[0], 5_000).await?;
    let client = redis::Client::open(redis.url())?;
    let mut live = client.get_async_pubsub().await?;
    live.subscribe(format!("event:{{{}}}:live", event.id)).await?;
    let crowd = Crowd::start(&world, &people, event.id, 24);
    let hint = tokio::time::timeout(Duration::from_secs(10), live.on_message().next()).await?;
    let hint: Value = serde_json::from_str(&hint.context("the channel ended")?.get_payload::<String>()?)?;
    assert!(hint["version"].is_i64() && hint["free"].is_i64(), "{hint}");
    for _ in 0..3 {
        until_booked(&world, event.id, 40).await?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await?;
    }
    let mut connection = client.get_multiplexed_async_connection().await?;
    let keys = ["slots", "head"].map(|part| format!("event:{{{}}}:{part}", event.id));
    let mut old = Vec::new();
    for key in &keys {
        let kept = wait_for("an event that is shown", Duration::from_secs(10), || async {
            let mut connection = client.get_multiplexed_async_connection().await?;
            Ok(redis::cmd("DUMP").arg(key).query_async::<Option<Vec<u8>>>(&mut connection).await?)
        });
        old.push(kept.await?);
    }
    until_booked(&world, event.id, 40).await?;
    for (key, old) in keys.iter().zip(old) {
        let _: () = redis::cmd("RESTORE").arg(key).arg(0).arg(old).arg("REPLACE").query_async(&mut connection).await?;
    }
    until_booked(&world, event.id, 40).await?;
    let _: () = redis::cmd("CONFIG").arg(&["SET", "maxmemory", "1mb"]).query_async(&mut connection).await?;
    until_booked(&world, event.id, 40).await?;
    let _: () = redis::cmd("CONFIG").arg(&["SET", "maxmemory", "0"]).query_async(&mut connection).await?;
    redis.kill();
    until_booked(&world, event.id, 100).await?;
    every_kind_of_call_is_answered(&people[0], event.id).await?;
    assert_eq!(reqwest::get(format!("{}/health/ready", world.base(0))).await?.status(), 200);
    world.audit()?;
    redis.start_again().await?;
    until_booked(&world, event.id, 40).await?;
    redis.freeze()?;
    until_booked(&world, event.id, 100).await?;
    every_kind_of_call_is_answered(&people[0], event.id).await?;
    redis.thaw()?;
    let journal = crowd.stop().await?;
    assert!(journal.unclear.is_empty(), "a request did not succeed");
    // the next change of the event corrects what Redis shows
    wait_for("the picture", Duration::from_secs(10), || async {
        people[0].book(event.id, 1).await?.expect(201);
        let free = people[0].event(event.id).await?.available_slots;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let slots = format!("event:{{{}}}:slots", event.id);
        let shown: Option<i32> = redis::cmd("GET").arg(slots).query_async(&mut connection).await?;
        Ok((shown == Some(free)).then_some(()))
    })
    .await?;
    check(&world, event.id, &journal).await
}
