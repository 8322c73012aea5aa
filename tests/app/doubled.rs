//! Second clicks and held keys must not trigger a button that has just appeared.

use std::time::Duration;

use anyhow::Result;
use happening_api::EventId;
use happening_tests::desktop::Desktop;
use happening_tests::{Client, World, WorldOptions};

use crate::signed_in;

/// The time between two clicks of an impatient person.
const CLICKS_APART: Duration = Duration::from_millis(600);

/// Signs a person in who chooses seats 4 and 5. Then the owner books the seats `taken`, some of them the same, and the
/// person's click on "Book" meets the conflict.
async fn conflict(world: &World, event: EventId, owner: &Client, taken: &[i32]) -> Result<Desktop> {
    let desktop = signed_in(world, "frances").await?;
    desktop.go(&format!("/events/{event}/seats")).await?;
    desktop.click_text("Seats 1 to 8").await?;
    desktop.click(".seat-option[aria-label='Seat 4']").await?;
    desktop.click(".seat-option[aria-label='Seat 5']").await?;
    desktop.sees("2 chosen").await?;
    owner.book_exactly(event, taken).await?.expect(201);
    Ok(desktop)
}

async fn bookings_of(world: &World, person: &Client) -> Result<i64> {
    let count = sqlx::query_scalar("select count(*) from bookings where user_id = $1").bind(person.user.id.0);
    Ok(count.fetch_one(&world.pool).await?)
}

#[tokio::test]
async fn a_second_click_after_a_conflict_books_nothing() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, frances) = (world.person("edsger").await?, world.person("frances").await?);
    let event = world.event(&owner, 8).await?;
    let desktop = conflict(&world, event.id, &owner, &[4]).await?;
    let at = desktop.centre("#book").await?;
    for _ in 0..2 {
        desktop.drag(&[at]).await?;
        tokio::time::sleep(CLICKS_APART).await;
    }
    desktop.sees("Seat 4 was just taken").await?;
    assert_eq!(bookings_of(&world, &frances).await?, 0);
    // a separate click books the seat that is left
    desktop.click("#book-fewer").await?;
    desktop.sees("Booked: seat 5 for Test evening.").await?;
    assert_eq!(bookings_of(&world, &frances).await?, 1);
    world.audit()
}

#[tokio::test]
async fn holding_enter_after_a_conflict_books_nothing() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, frances) = (world.person("edsger").await?, world.person("frances").await?);
    let event = world.event(&owner, 8).await?;
    let desktop = conflict(&world, event.id, &owner, &[4]).await?;
    desktop.script("document.querySelector('#book').focus(); return 1").await?;
    for _ in 0..5 {
        desktop.press("\u{e007}").await?;
        tokio::time::sleep(CLICKS_APART / 2).await;
    }
    desktop.sees("Seat 4 was just taken").await?;
    assert_eq!(bookings_of(&world, &frances).await?, 0);
    world.audit()
}

#[tokio::test]
async fn a_second_click_does_not_join_the_waitlist() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, frances) = (world.person("edsger").await?, world.person("frances").await?);
    let event = world.event(&owner, 8).await?;
    // one seat is left, so the dialog's foot shows other buttons now
    let desktop = conflict(&world, event.id, &owner, &[1, 2, 3, 4, 5, 6, 7]).await?;
    // click the new button as soon as it appears; the WebDriver's click would sometimes come after the pause
    let at_once = "new MutationObserver(() => {
            const wait = document.querySelector('#wait');
            if (wait && window.clicked === undefined) { window.clicked = !wait.disabled; wait.click(); }
        }).observe(document.body, { subtree: true, childList: true });
        return 1";
    desktop.script(at_once).await?;
    desktop.drag(&[desktop.centre("#book").await?]).await?;
    desktop.sees("Only 1 seat free, and you want 2.").await?;
    desktop.becomes("return window.clicked", false).await?;
    tokio::time::sleep(CLICKS_APART).await;
    assert_eq!(bookings_of(&world, &frances).await?, 0);
    desktop.click("#wait").await?;
    desktop.sees("on the waitlist").await?;
    assert_eq!(bookings_of(&world, &frances).await?, 1);
    world.audit()
}
