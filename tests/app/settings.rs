//! Settings: the server's address, appearance, mails, account.

use anyhow::Result;
use happening_api::{NotificationType, User};
use happening_tests::issuer::Issuer;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

#[tokio::test]
async fn a_person_changes_their_settings() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let person = world.person("margaret").await?;
    let mut desktop = signed_in(&world, "margaret").await?;
    desktop.click("a[href='#/settings']").await?;

    // an address is checked before it is saved
    let stranger = Issuer::start(&world.folder.join("stranger")).await?;
    for (address, says) in [
        ("http://happening.example", "must begin with https://"),
        ("http://127.0.0.1:9", "Nothing answers there."),
        (stranger.url.as_str(), "but no Happening server"),
        (&world.base(0), "A Happening server, version"),
    ] {
        desktop.fill("#server", address).await?;
        desktop.click("#check-server").await?;
        desktop.sees(says).await?;
    }

    // mails can be turned off by type
    desktop.click("input[aria-label='I join a waitlist: by e-mail']").await?;
    happening_tests::world::wait_for("the choice", std::time::Duration::from_secs(20), || async {
        let me: User = person.get("/users/me").await?.expect(200).json();
        Ok(me.channels.get(&NotificationType::BookingWaitlisted).is_some_and(|channel| !channel.email).then_some(()))
    })
    .await?;

    // the theme is kept when the app restarts
    let ground = "return getComputedStyle(document.body).backgroundColor";
    let dark = "rgb(20, 23, 20)"; // the dark background in tokens.css
    assert_ne!(desktop.script(ground).await?, dark);
    desktop.click_text("Dark").await?;
    desktop.becomes(ground, dark).await?;
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("Upcoming events").await?;
    desktop.becomes(ground, dark).await?;
    let kept = desktop.script("return Object.keys(localStorage).join()").await?;
    assert_eq!(kept, "theme", "the window stores more than the appearance");

    // a person can change the name that others see
    desktop.click("a[href='#/settings']").await?;
    desktop.fill("#my-name", "Margaret H.").await?;
    desktop.click_text("Save").await?;
    desktop.sees("Saved.").await?;
    desktop.sees("Margaret H.").await?;
    let me: User = person.get("/users/me").await?.expect(200).json();
    assert_eq!(me.name, "Margaret H.");

    // a person can delete their account
    desktop.click("a[href='#/settings']").await?;
    desktop.click("#delete-account").await?;
    desktop.fill("#delete-word", "delete").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Sign in to Happening").await?;
    person.get("/users/me").await?.refused(401, "unauthenticated");
    Ok(())
}
