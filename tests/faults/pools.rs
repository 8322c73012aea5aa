//! Hanging calls of one kind do not use up the connections of other kinds.

use anyhow::Result;
use futures_util::future::join_all;
use happening_tests::{World, WorldOptions};

#[tokio::test]
async fn hanging_lists_do_not_block_bookings() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 50).await?;
    let booked = barbara.book(event.id, 1).await?.expect(201).json::<happening_api::Booking>();
    let mut held = world.pool.begin().await?;
    sqlx::query("lock table notifications in access exclusive mode").execute(&mut *held).await?;
    let lists = join_all((0..40).map(|_| ada.get("/notifications")));
    // an edit needs the event exclusively, and a connection of the same pool as the lists
    let changed = serde_json::json!({ "description": "Doors open at seven." });
    let edit = async {
        world.held_up(5).await?;
        ada.put(&format!("/events/{}", event.id), changed).await
    };
    let others = async {
        world.held_up(5).await?;
        for _ in 0..5 {
            // a person whom the server has not seen books, and another one cancels
            let edsger = world.person_with_new_sign_in("edsger").await?;
            edsger.book(event.id, 1).await?.expect(201);
        }
        barbara.post(&format!("/bookings/{}/cancel", booked.id), serde_json::json!({})).await?.expect(200);
        anyhow::Ok(())
    };
    let (lists, edit, others) = tokio::join!(lists, edit, others);
    others?;
    // the edit may get a connection once a list gives up; in either case no booking waited for the edit
    let edited = edit?.status.as_u16();
    assert!([200, 503].contains(&edited), "{edited}");
    for reply in lists {
        reply?.refused(503, "unavailable");
    }
    held.rollback().await?;
    ada.get("/notifications").await?.expect(200);
    world.audit()
}

#[tokio::test]
async fn hanging_exports_do_not_block_lists_and_bookings() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 50).await?;
    let mut held = world.pool.begin().await?;
    sqlx::query("lock table organization_invites in access exclusive mode").execute(&mut *held).await?;
    let exports = join_all((0..40).map(|_| ada.get("/users/me/export")));
    let others = async {
        world.held_up(3).await?;
        for path in ["/notifications", "/events", "/organizations", "/users/me"] {
            barbara.get(path).await?.expect(200);
        }
        barbara.book(event.id, 1).await?.expect(201);
        anyhow::Ok(())
    };
    let (exports, others) = tokio::join!(exports, others);
    others?;
    for reply in exports {
        reply?.refused(503, "unavailable");
    }
    held.rollback().await?;
    ada.get("/users/me/export").await?.expect(200);
    world.audit()
}
