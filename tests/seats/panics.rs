//! A panic in the seat writer, brought about by switches of the server that is tested: it costs no other command anything.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};

async fn with(switches: &'static str) -> Result<World> {
    World::with(WorldOptions { backends: 1, switches, ..WorldOptions::default() }).await
}

#[tokio::test]
async fn a_lane_that_panics_is_started_again_and_its_commands_are_done() -> Result<()> {
    let world = with("lanes_panic").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 5_000).await?;
    let ready = format!("{}/health/ready", world.base(0));
    let books = async {
        for _ in 0..40 {
            for reply in try_join_all((0..20).map(|_| ada.book(event.id, 1))).await? {
                reply.expect(201);
            }
        }
        anyhow::Ok(())
    };
    let shows = wait_for("a server that says that a lane is missing", Duration::from_secs(30), || async {
        Ok((reqwest::get(&ready).await?.status() == 503).then_some(()))
    });
    let (booked, shown) = tokio::join!(books, shows);
    booked?;
    shown?;
    wait_for("a server with all of its lanes", Duration::from_secs(10), || async {
        Ok((reqwest::get(&ready).await?.status() == 200).then_some(()))
    })
    .await?;
    let booked: i64 = sqlx::query_scalar("select count(*) from bookings").fetch_one(&world.pool).await?;
    assert_eq!(booked, 800, "each was done once");
    world.audit()
}

#[tokio::test]
async fn a_command_that_cannot_be_decided_takes_no_other_with_it() -> Result<()> {
    let world = with("thirteen_panics").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 500).await?;
    let replies = join_all((0..24).map(|n| ada.book(event.id, if n % 8 == 3 { 13 } else { 1 }))).await;
    for (n, reply) in replies.into_iter().enumerate() {
        if n % 8 == 3 {
            let reply = reply?.refused(503, "unavailable");
            assert_eq!(reply.body["details"]["outcome"], "nothing", "{reply:?}");
        } else {
            reply?.expect(201);
        }
    }
    ada.book(event.id, 2).await?.expect(201);
    world.audit()
}
