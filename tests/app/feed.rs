//! The feed: what is new, and what was read.

use std::time::Duration;

use anyhow::Result;
use happening_api::{Notification, Role};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use reqwest::Method;
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn what_was_looked_at_is_read_and_the_rest_is_marked_at_once() -> Result<()> {
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
    desktop.exists("a[href='#/notifications'] .count").await?;
    assert_eq!(
        desktop.script("return document.querySelector(`a[href='#/notifications'] .count`).textContent").await?,
        "4 unread"
    );
    desktop.go("/notifications").await?;
    desktop.sees("4 unread").await?;
    // a change of one's role leads nowhere
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
