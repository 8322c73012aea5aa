//! Requests of several events that one writer takes together: what is true at one event says nothing about another.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::Result;
use happening_api::{Booking, Event, OrgId};
use happening_tests::world::wait_for;
use happening_tests::{Client, Reply, World, WorldOptions};
use reqwest::Method;
use serde_json::json;

/// As the server chooses: it has four.
fn writer_of(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.id.hash(&mut hasher);
    hasher.finish() % 4
}

/// Events that one writer writes; each with three seats.
async fn on_one_writer(world: &World, owner: &Client, org: OrgId) -> Result<[Event; 3]> {
    let mut by_writer: [Vec<Event>; 4] = Default::default();
    loop {
        let event = world.event_in(owner, org, 3, Some(3)).await?;
        let same = &mut by_writer[writer_of(&event) as usize];
        same.push(event);
        if let Ok(three) = <[Event; 3]>::try_from(same.clone()) {
            return Ok(three);
        }
    }
}

/// Keeps the events' writer busy until both requests have taken their seats, so that it finds them together.
async fn together(
    world: &World,
    busy: (&Client, &Event),
    events: [&Event; 2],
    requests: [impl Future<Output = Result<Reply>>; 2],
) -> Result<[Reply; 2]> {
    let gate = redis::Client::open(world.stack.env()["REDIS_URL"].as_str())?.get_multiplexed_async_connection().await?;
    let mut row = world.pool.begin().await?;
    sqlx::query("select 1 from events where id = $1 for update").bind(busy.1.id.0).execute(&mut *row).await?;
    let taken = || async {
        for event in events {
            let key = format!("event:{{{}}}:pending", event.id);
            let entries: i64 = redis::cmd("HLEN").arg(key).query_async(&mut gate.clone()).await?;
            if entries == 0 {
                return Ok(None);
            }
        }
        Ok(Some(()))
    };
    let [one, other] = requests;
    let both = async {
        world.held_up(1).await?;
        let release = async {
            wait_for("both seats", Duration::from_secs(5), taken).await?;
            anyhow::Ok(row.rollback().await?)
        };
        let (one, other, released) = tokio::join!(one, other, release);
        released?;
        anyhow::Ok([one?, other?])
    };
    let (busy, both) = tokio::join!(busy.0.book(busy.1.id, 1), both);
    busy?;
    both
}

#[tokio::test]
async fn one_key_of_claims_for_two_bookings_takes_seats_of_one_event_only() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for round in 0..6 {
        let key = format!("take-{round}");
        let [busy, one, other] = on_one_writer(&world, &ada, org.id).await?;
        let mut claims = Vec::new();
        for event in [&one, &other] {
            ada.book(event.id, 1).await?.expect(201);
            let waiting: Booking = barbara.book(event.id, 3).await?.expect(201).json();
            claims.push(format!("/bookings/{}/claim", waiting.id));
        }
        let body = json!({});
        let claim = |path: String| {
            let (barbara, body, key) = (barbara.clone(), body.clone(), key.clone());
            async move { barbara.call(Method::POST, &path, Some(&body), &[("Idempotency-Key", key.as_str())]).await }
        };
        // whichever of them comes first in the batch
        if round % 2 == 1 {
            claims.reverse();
        }
        let requests = [claim(claims[0].clone()), claim(claims[1].clone())];
        let replies = together(&world, (&ada, &busy), [&one, &other], requests).await?;
        let done: Vec<usize> = (0..2).filter(|at| replies[*at].status == 200).collect();
        assert_eq!(done.len(), 1, "{replies:?}");
        let refused = &claims[1 - done[0]];
        wait_for("the other claim's end", Duration::from_secs(5), || async {
            Ok((claim(refused.clone()).await?.status == 422).then_some(()))
        })
        .await?;
        claim(claims[done[0]].clone()).await?.expect(200);
    }
    world.audit()
}

#[tokio::test]
async fn one_key_for_two_events_keeps_the_limit_of_each() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for round in 0..4 {
        let [busy, full, open] = on_one_writer(&world, &ada, org.id).await?;
        barbara.book(full.id, 1).await?.expect(201);
        ada.put(&format!("/events/{}", full.id), json!({ "max_seats_per_user": 1 })).await?.expect(200);
        let key = format!("both-{round}");
        let requests = [barbara.book_with_key(full.id, 1, &key), barbara.book_with_key(open.id, 1, &key)];
        together(&world, (&ada, &busy), [&full, &open], requests.map(Box::pin)).await?;
        let held: i64 = sqlx::query_scalar("select count(*) from booking_seats where event_id = $1 and user_id = $2")
            .bind(full.id.0)
            .bind(barbara.user.id.0)
            .fetch_one(&world.pool)
            .await?;
        assert_eq!(held, 1, "round {round}: past the limit");
    }
    world.audit()
}

#[tokio::test]
async fn the_limit_counts_what_is_waited_for() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    let event = world.event_in(&ada, org.id, 4, Some(4)).await?;
    ada.book(event.id, 2).await?.expect(201);
    barbara.book(event.id, 3).await?.expect(201);
    let refused = barbara.book(event.id, 2).await?.refused(409, "limit_reached");
    assert_eq!((&refused.body["details"]["limit"], &refused.body["details"]["have"]), (&json!(4), &json!(3)));
    barbara.book(event.id, 1).await?.expect(201);
    world.audit()
}
