//! Finding events, bookings and organizations: the filters of the list, and the finder.

use anyhow::Result;
use happening_api::Role;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn events_are_found_by_words_category_and_free_seats() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let org = world.organization(&owner).await?;
    for (name, category, seats) in [("Brass", "concert", 1), ("Strings", "concert", 5), ("Types", "webinar", 5)] {
        let body = json!({ "org_id": org.id, "name": name, "category": category, "event_date": "2031-05-03T18:00:00Z",
            "total_slots": seats, "visibility": "public" });
        let event: happening_api::Event = owner.post("/events", body).await?.expect(201).json();
        if name == "Brass" {
            owner.book(event.id, 1).await?.expect(201);
        }
    }
    let desktop = signed_in(&world, "frances").await?;
    desktop.go("/events").await?;
    desktop.sees("3 events").await?;
    desktop.fill("#event-search", "strin").await?;
    desktop.sees("1 event").await?;
    desktop.sees("Strings").await?;
    desktop.fill("#event-search", "nothing of the kind").await?;
    desktop.sees("No event fits").await?;
    desktop.click_text("Show all events").await?;
    desktop.click_text("Concerts").await?;
    desktop.sees("2 events").await?;
    desktop.click("#only-free").await?;
    desktop.sees("1 event").await?;
    desktop.sees("Strings").await?;
    desktop.sees_no_more("Brass").await
}

#[tokio::test]
async fn the_finder_finds_things_and_permitted_actions() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, dennis) = (world.person("edsger").await?, world.person("dennis").await?);
    let event = world.event(&owner, 5).await?;
    world.set_role(event.org_id, &dennis, Role::User).await?;
    dennis.book(event.id, 2).await?.expect(201);
    let desktop = signed_in(&world, "dennis").await?;
    let find = async |words: &str| -> Result<()> {
        desktop.press("\u{e009}k\u{e000}").await?;
        desktop.exists("dialog[open] input").await?;
        desktop.press(words).await
    };
    // a person who runs no events is not offered to create one
    find(" ").await?;
    desktop.sees("About and diagnostics").await?;
    let offered =
        desktop.script("return document.querySelector('dialog').textContent.includes('Create event')").await?;
    assert_eq!(offered, false);
    desktop.press("\u{e00c}").await?;
    find("test ev").await?;
    desktop.sees("Your seats").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("Who can book").await?;
    find("test ev").await?;
    desktop.sees("Your seats").await?;
    desktop.press("\u{e015}\u{e007}").await?;
    desktop.sees("What happened so far").await?;
    find("test hall").await?;
    desktop.sees("Switch to it").await?;
    desktop.press("\u{e007}").await?;
    desktop.exists_no_more("dialog[open]").await?;
    desktop.becomes("return document.querySelector('.org-switch select').value", event.org_id.to_string()).await
}
