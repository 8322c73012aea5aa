//! While the network is away, the app shows the last data with its age and refuses changes; it recovers without a
//! restart.

use anyhow::Result;
use happening_api::Booking;
use happening_tests::own::OwnRedis;
use happening_tests::world::stack;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

#[tokio::test]
async fn cached_data_is_readable_offline_and_nothing_is_queued() -> Result<()> {
    let mut world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 8).await?;
    let mut desktop = signed_in(&world, "barbara").await?;
    desktop.click_text("Book seats").await?;
    desktop.click("#best").await?;
    desktop.sees("2 chosen").await?;
    world.kill_backend(0)?;
    desktop.click("#book").await?;
    desktop.sees("You are offline").await?;
    desktop.sees("Nothing was changed.").await?;
    // the dialog itself tells the age of its seats
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.exists("dialog .notice-bar").await?;
    desktop.click("dialog button[aria-label='Close']").await?;
    // the list that was read before is shown with its age
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.sees("This is what we knew at").await?;
    desktop.sees("Test evening").await?;

    // also after the app was restarted without a server
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("This is what we knew at").await?;
    desktop.sees("Test evening").await?;

    world.start_backend(0).await?;
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.sees_no_more("This is what we knew at").await?;
    let person = world.person("barbara").await?;
    let mine: Vec<Booking> = person.get(&format!("/bookings/user/{}", person.user.id)).await?.expect(200).json();
    assert!(mine.is_empty(), "a refused booking was sent later");
    assert!(desktop.kept_answers()? > 0);

    // signing out deletes the cached answers
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    assert_eq!(desktop.kept_answers()?, 0, "answers were kept after sign-out");
    assert_eq!(owner.event(event.id).await?.available_slots, 8);
    Ok(())
}

#[tokio::test]
async fn requests_to_a_busy_server_are_retried() -> Result<()> {
    // rate limits are counted in Redis; requests of an earlier run must not count
    let redis = OwnRedis::start(&stack()?, "busy-server").await?;
    let env = [("RATE_LIMIT_PER_PERSON", "60".to_owned()), ("REDIS_URL", redis.url())].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    world.event(&world.person("edsger").await?, 8).await?;
    let barbara = world.person("barbara").await?;
    let desktop = signed_in(&world, "barbara").await?;
    desktop.click_text("Book seats").await?;
    desktop.click("#best").await?;
    desktop.sees("2 chosen").await?;
    while barbara.get("/users/me").await?.status != 429 {}
    desktop.click("#book").await?;
    desktop.sees("A lot is going on right now").await?;
    desktop.sees("Trying again").await?;
    // the app retries without another click
    desktop.sees("Booked: seats").await?;
    world.audit()
}
