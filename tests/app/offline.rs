//! While the network is away: the last data with its age, no actions, and no restart needed afterwards.

use anyhow::Result;
use happening_api::Booking;
use happening_tests::own::OwnRedis;
use happening_tests::world::stack;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

#[tokio::test]
async fn what_was_known_can_be_read_offline_and_nothing_is_queued() -> Result<()> {
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
    // the dialog itself says how old its seats are
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.exists("dialog .notice-bar").await?;
    desktop.click("dialog button[aria-label='Close']").await?;
    // what was read before is there, and says how old it is
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.sees("This is what we knew at").await?;
    desktop.sees("Test evening").await?;

    // also after a restart without the server
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

    // signing out forgets everything
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    assert_eq!(desktop.kept_answers()?, 0, "answers stay after signing out");
    assert_eq!(owner.event(event.id).await?.available_slots, 8);
    Ok(())
}

#[tokio::test]
async fn a_busy_server_is_asked_again_by_itself() -> Result<()> {
    // counts are shared by Redis: those of a run before must not be among them
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
    // nobody clicks again
    desktop.sees("Booked: seats").await?;
    world.audit()
}
