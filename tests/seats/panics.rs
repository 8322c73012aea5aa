//! Panics in the seat writer, caused by switches of the tested server. A panic must not affect other commands.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};
use happening_api::EventId;
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};

async fn with(switches: &'static str) -> Result<World> {
    // no backtraces: they take a debug build seconds, during which other commands would become too late
    let env = [("RUST_BACKTRACE", "0".to_owned())].into();
    World::with(WorldOptions { backends: 1, switches, env, ..WorldOptions::default() }).await
}

/// Books with a key, and retries on 503: on a busy machine, a command can be restarted so often that it becomes too
/// late.
async fn book_in_the_end(person: &Client, event: EventId, key: &str) -> Result<()> {
    wait_for("a booking", Duration::from_secs(20), || async {
        let reply = person.book_with_key(event, 1, key).await?;
        Ok((reply.status != 503).then(|| drop(reply.expect(201))))
    })
    .await
}

#[tokio::test]
async fn a_panicking_lane_restarts_and_loses_no_command() -> Result<()> {
    let world = with("lanes_panic").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 5_000).await?;
    let ready = format!("{}/health/ready", world.base(0));
    let books = async {
        for round in 0..40 {
            let keys: Vec<String> = (0..20).map(|n| format!("{round}-{n}")).collect();
            try_join_all(keys.iter().map(|key| book_in_the_end(&ada, event.id, key))).await?;
        }
        anyhow::Ok(())
    };
    let shows = wait_for("a server that says that a lane is missing", Duration::from_secs(30), || async {
        let answer = reqwest::get(&ready).await?;
        let status = answer.status();
        let said: serde_json::Value = answer.json().await?;
        Ok((status == 503 && said["seat_writer"] == "away" && said["postgres"] == "up").then_some(()))
    });
    let (booked, shown) = tokio::join!(books, shows);
    booked?;
    shown?;
    wait_for("a server with all of its lanes", Duration::from_secs(10), || async {
        Ok((reqwest::get(&ready).await?.status() == 200).then_some(()))
    })
    .await?;
    let booked: i64 = sqlx::query_scalar("select count(*) from bookings").fetch_one(&world.pool).await?;
    assert_eq!(booked, 800, "not every command was done exactly once");
    world.audit()
}

#[tokio::test]
async fn a_panicking_command_fails_alone() -> Result<()> {
    let world = with("thirteen_panics").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 500).await?;
    let refused = join_all((0..3).map(|_| ada.book(event.id, 13)));
    let keys: Vec<String> = (0..24).map(|n| n.to_string()).collect();
    let others = try_join_all(keys.iter().map(|key| book_in_the_end(&ada, event.id, key)));
    let (refused, others) = tokio::join!(refused, others);
    others?;
    for reply in refused {
        let reply = reply?.refused(503, "unavailable");
        assert_eq!(reply.body["details"]["outcome"], "nothing", "{reply:?}");
    }
    ada.book(event.id, 2).await?.expect(201);
    world.audit()
}
