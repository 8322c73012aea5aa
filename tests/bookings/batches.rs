//! Requests at several events at the same time: facts about one event must not be applied to another.

use std::time::Duration;

use anyhow::Result;
use happening_api::Booking;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn one_key_claims_seats_at_one_event_only() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for round in 0..6 {
        let key = format!("take-{round}");
        let one = world.event_in(&ada, org.id, 3, Some(3)).await?;
        let other = world.event_in(&ada, org.id, 3, Some(3)).await?;
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
        // either claim may come first in the batch
        if round % 2 == 1 {
            claims.reverse();
        }
        let (first, second) = tokio::join!(claim(claims[0].clone()), claim(claims[1].clone()));
        let replies = [first?, second?];
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
async fn reusing_a_key_does_not_bypass_seat_limits() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    for round in 0..4 {
        let full = world.event_in(&ada, org.id, 3, Some(3)).await?;
        let open = world.event_in(&ada, org.id, 3, Some(3)).await?;
        ada.book(open.id, 1).await?.expect(201);
        barbara.book(full.id, 1).await?.expect(201);
        ada.put(&format!("/events/{}", full.id), json!({ "max_seats_per_user": 1 })).await?.expect(200);
        let key = format!("both-{round}");
        let (at_full, at_open) =
            tokio::join!(barbara.book_with_key(full.id, 1, &key), barbara.book_with_key(open.id, 1, &key));
        // either booking may come first
        let refused = at_full?;
        assert!([409, 422].contains(&refused.status.as_u16()), "{refused:?}");
        at_open?.expect(201);
        let held: i64 = sqlx::query_scalar("select count(*) from booking_seats where event_id = $1 and user_id = $2")
            .bind(full.id.0)
            .bind(barbara.user.id.0)
            .fetch_one(&world.pool)
            .await?;
        assert_eq!(held, 1, "round {round}: the limit was exceeded");
    }
    world.audit()
}

#[tokio::test]
async fn waiting_seats_count_towards_the_limit() -> Result<()> {
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
