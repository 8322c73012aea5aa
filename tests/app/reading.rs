//! What the app requests from the server, and what it does not request again.

use anyhow::Result;
use happening_stack::ports::free_port;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

#[tokio::test]
async fn unread_notifications_are_counted_without_loading_them() -> Result<()> {
    const UNREAD: i32 = 1_200;
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ken = world.person("ken").await?;
    sqlx::query(
        "insert into notifications (id, user_id, type, message, created_at)
        select gen_random_uuid(), $1, 'role_changed', 'Entry ' || n, now() - make_interval(hours => n) from generate_series(1, $2) n",
    )
    .bind(ken.user.id.0)
    .bind(UNREAD)
    .execute(&world.pool)
    .await?;
    let desktop = signed_in(&world, "ken").await?;
    // more notifications than the app reads of a list
    let count = "return document.querySelector(`a[href='#/notifications'] .count`)?.textContent";
    desktop.becomes(count, format!("{UNREAD} unread")).await
}

#[tokio::test]
async fn an_unchanged_map_is_not_sent_again() -> Result<()> {
    let metrics = free_port()?;
    let env = [("METRICS_ADDR", format!("127.0.0.1:{metrics}"))].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 8).await?;
    let desktop = signed_in(&world, "frances").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.click_text("Seats 1 to 8").await?;
    desktop.exists(".seat-option[aria-label='Seat 4']").await?;
    let unchanged = async || -> Result<bool> {
        let url = format!("http://127.0.0.1:{metrics}/metrics");
        let served = reqwest::get(url).await?.error_for_status()?.text().await?;
        Ok(served.lines().any(|line| line.contains("/seats") && line.contains("\"304\"")))
    };
    assert!(!unchanged().await?, "the first request of the map was answered 304");
    happening_tests::world::wait_for("an unchanged map", std::time::Duration::from_secs(20), async || {
        desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
        Ok(unchanged().await?.then_some(()))
    })
    .await?;
    desktop.exists(".seat-option[aria-label='Seat 4']").await?;
    // a changed map is sent again
    owner.book_exactly(event.id, &[4]).await?.expect(201);
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.exists_no_more(".seat-option[aria-label='Seat 4']").await?;
    world.audit()
}

#[tokio::test]
async fn a_hidden_window_reads_nothing_until_it_is_shown() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let event = world.event(&world.person("edsger").await?, 12).await?;
    let owner = world.person("edsger").await?;
    let desktop = signed_in(&world, "frances").await?;
    desktop.go(&format!("/events/{}", event.id)).await?;
    let free = "return document.querySelector('.big-number b')?.textContent";
    desktop.becomes(free, "12").await?;
    let hide = "window.hides = true; Object.defineProperty(document, 'hidden', { configurable: true, get: () => window.hides }); return 1";
    desktop.script(hide).await?;
    owner.book(event.id, 2).await?.expect(201);
    let looks =
        "window.dispatchEvent(new Event('focus')); document.dispatchEvent(new Event('visibilitychange')); return 1";
    desktop.script(looks).await?;
    for _ in 0..40 {
        assert_eq!(desktop.script(free).await?, "12", "a hidden window requested data");
    }
    desktop.script("window.hides = false; return 1").await?;
    desktop.script(looks).await?;
    desktop.becomes(free, "10").await
}
