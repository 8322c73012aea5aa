//! The product's main journeys, with two people at their desktops at the same time.

use std::time::Duration;

use anyhow::{Context, Result};
use happening_api::Visibility;
use happening_tests::desktop::Desktop;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

/// The link in the invite that was mailed to an address.
async fn invited(world: &World, address: &str) -> Result<String> {
    wait_for("the mail with the invite", Duration::from_secs(30), || async {
        let mails = std::fs::read_dir(world.folder.join("mail")).into_iter().flatten().flatten();
        let texts = mails.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        // undo the line breaks of quoted-printable
        let mail = texts.map(|text| text.replace("=\r\n", "")).find(|text| text.contains(address));
        let token = mail.as_deref().and_then(|mail| mail.split("/open/invite/").nth(1));
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
        Ok(token.map(|token| format!("happening://invite/{}", token.split(end).next().unwrap_or_default())))
    })
    .await
}

#[tokio::test]
async fn an_invited_newcomer_joins_and_books() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let owner = world.person("ada").await?;
    let event = world.event(&owner, 5).await?;
    let members = json!({ "visibility": Visibility::Members, "name": "Members' evening" });
    owner.put(&format!("/events/{}", event.id), members).await?.expect(200);

    let ada = signed_in(&world, "ada").await?;
    ada.click("a[href='#/members']").await?;
    ada.click("#invite").await?;
    ada.fill("#invite-email", "frances@happening.invalid").await?;
    ada.click("#send-invite").await?;
    // the message appears inside the dialog, because screen readers ignore what is behind it, and stays when the dialog
    // closes
    ada.sees("Invited frances@happening.invalid.").await?;
    ada.exists("dialog [aria-live] > .toast").await?;
    ada.click("dialog button[aria-label='Close']").await?;
    ada.click(".app > [aria-live] > .toast button").await?;
    // the button removes it at once; without a click it would disappear after a while
    let none = "return document.querySelector('.toast') === null";
    wait_for("the message to go", Duration::from_secs(3), async || Ok((ada.script(none).await? == true).then_some(())))
        .await?;
    ada.sees("Pending invites").await?;

    // the link starts the app; the invited person signs in first, and then sees the invite
    let link = invited(&world, "frances@happening.invalid").await?;
    let mut frances = Desktop::new(&world, "frances", false).await?;
    frances.start_app_with(&link).await?;
    frances.sign_in(world.people(), "frances").await?;
    frances.sees("Join Test hall").await?;
    let token = link.rsplit('/').next().context("a token")?;
    let known =
        format!("return document.documentElement.outerHTML.includes('{token}') || location.href.includes('{token}')");
    assert_eq!(frances.script(&known).await?, false, "the invite's token is in the window");
    frances.click("#join").await?;
    frances.sees("Welcome to Test hall.").await?;
    frances.sees("Members' evening").await?;
    frances.click_text("Book seats").await?;
    frances.click("#best").await?;
    frances.sees("2 chosen").await?;
    frances.click("#book").await?;
    frances.sees("Booked: seats").await?;

    // the admin sees the new member and their booking
    ada.click_text_of("a", "Organize").await?;
    ada.click_text_of("a", "Members' evening").await?;
    ada.sees("Frances Allen").await?;
    ada.sees("2 of 5 booked").await?;
    // the link of a used invite says that it cannot be used any more
    frances.follow(&link)?;
    frances.sees("This invite cannot be used any more").await?;
    world.audit()
}

#[tokio::test]
async fn a_cancelled_seat_goes_to_the_waiting_person() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    world.event(&owner, 3).await?;
    let (barbara, donald) = tokio::try_join!(signed_in(&world, "barbara"), signed_in(&world, "donald"))?;
    // both people choose at the same time, and both choose the first two seats
    for desktop in [&barbara, &donald] {
        desktop.click_text("Book seats").await?;
        desktop.click("#best").await?;
        desktop.sees("2 chosen").await?;
    }
    barbara.click("#book").await?;
    barbara.sees("Booked: seats").await?;
    donald.click("#book").await?;
    donald.sees("just taken").await?;
    donald.sees("Nothing is booked yet.").await?;
    // one seat is left: Donald takes it and waits for another
    donald.click("#take-and-wait").await?;
    donald.sees("You still wait for 1 more and keep your place.").await?;
    donald.click_text("Details").await?;
    donald.sees("on the waitlist").await?;
    donald.sees("Nobody is ahead of you.").await?;

    barbara.click_text("Cancel booking").await?;
    barbara.sees("People who wait get them first.").await?;
    barbara.click("#confirm").await?;
    barbara.sees("is cancelled.").await?;
    // Donald's screen shows the seat without any action of his
    donald.sees("You got seat").await?;
    donald.sees("You hold 2 seats").await?;
    donald.click("a[href='#/notifications']").await?;
    donald.sees("You got seat 2 for Test evening.").await?;
    world.audit()
}
