//! The feed of notifications: which are unread, and how they become read.

use std::time::Duration;

use anyhow::Result;
use happening_api::{Notification, Role};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use reqwest::Method;
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn notifications_are_marked_read_singly_or_together() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, ken) = (world.person("ada").await?, world.person("ken").await?);
    let event = world.event(&ada, 5).await?;
    world.set_role(event.org_id, &ken, Role::User).await?;
    for _ in 0..3 {
        ken.book(event.id, 1).await?.expect(201);
    }
    let role = format!("/organizations/{}/members/{}", event.org_id, ken.user.id);
    ada.call(Method::PATCH, &role, Some(&json!({ "role": "organizer" })), &[]).await?.expect(200);
    let unread =
        async || -> Result<Vec<Notification>> { Ok(ken.get("/notifications?unread=true").await?.expect(200).json()) };
    wait_for("four notifications", Duration::from_secs(30), || async {
        Ok((unread().await?.len() == 4).then_some(()))
    })
    .await?;
    let desktop = signed_in(&world, "ken").await?;
    let count = "return document.querySelector(`a[href='#/notifications'] .count`)?.textContent";
    desktop.becomes(count, "4 unread").await?;
    desktop.go("/notifications").await?;
    desktop.sees("4 unread").await?;
    // the notification of a changed role has no page to open
    desktop.click_text("Mark as read").await?;
    desktop.sees("3 unread").await?;
    desktop.click_text("View booking").await?;
    desktop.sees("You hold 1 seat").await?;
    desktop.go("/notifications").await?;
    desktop.sees("2 unread").await?;
    desktop.click_text("Unread").await?;
    desktop.sees_no_more("Your organization").await?;
    desktop.click_text("Mark all as read").await?;
    desktop.sees("Nothing new").await?;
    assert!(unread().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_long_feed_creates_few_formatters() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ken = world.person("ken").await?;
    let desktop = signed_in(&world, "ken").await?;
    sqlx::query(
        "insert into notifications (id, user_id, type, message, created_at)
        select gen_random_uuid(), $1, 'role_changed', 'Entry ' || n, now() - make_interval(hours => n) from generate_series(1, 1000) n",
    )
    .bind(ken.user.id.0)
    .execute(&world.pool)
    .await?;
    // count them, since creating one takes the engine milliseconds
    desktop
        .script(
            "window.made = 0; Intl.DateTimeFormat = new Proxy(Intl.DateTimeFormat, {
                construct(...all) { window.made++; return Reflect.construct(...all) } }); return 1",
        )
        .await?;
    desktop.go("/notifications").await?;
    desktop.sees("Entry 1000").await?;
    let shown = desktop.script("return document.querySelectorAll('li.notice').length").await?;
    assert_eq!(shown, 1000);
    let made = desktop.script("return window.made").await?.as_i64().unwrap_or(i64::MAX);
    assert!(made <= 30, "{made} formatters were created");
    Ok(())
}

#[tokio::test]
async fn an_events_page_tells_how_many_seats_wait() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, ken) = (world.person("ada").await?, world.person("ken").await?);
    let event = world.event(&ada, 1).await?;
    ada.book(event.id, 1).await?.expect(201);
    ken.book(event.id, 1).await?.expect(201);
    let desktop = signed_in(&world, "ken").await?;
    desktop.go(&format!("/events/{}", event.id)).await?;
    desktop.sees("You wait for 1 seat of this event.").await?;
    Ok(())
}
