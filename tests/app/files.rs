//! Files that a person saves by the system's dialog, and text that the app copies to the clipboard.

use std::time::Duration;

use anyhow::Result;
use happening_tests::desktop::Desktop;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

/// Saves a file by the system's dialog. Answers the file's text.
async fn saved(world: &World, desktop: &Desktop, name: &str) -> Result<String> {
    let file = world.folder.join(name);
    desktop.answer_save_dialog(&file).await?;
    desktop.sees(&format!("Saved as {name}.")).await?;
    Ok(std::fs::read_to_string(file)?)
}

#[tokio::test]
async fn attendees_and_calendar_entries_are_saved_as_files() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5).await?;
    barbara.book(event.id, 2).await?.expect(201);
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.sees("Barbara Liskov").await?;
    desktop.click("#attendees").await?;
    let people = saved(&world, &desktop, "people.csv").await?;
    assert!(people.contains("Barbara Liskov") && people.contains("barbara@happening.invalid"), "{people}");

    desktop.go(&format!("/events/{}", event.id)).await?;
    desktop.click_text("Save for your calendar").await?;
    let entry = saved(&world, &desktop, "evening.ics").await?;
    assert!(entry.starts_with("BEGIN:VCALENDAR") && entry.contains("SUMMARY:Test evening"), "{entry}");
    Ok(())
}

#[tokio::test]
async fn a_person_can_export_their_data() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, barbara) = (world.person("edsger").await?, world.person("barbara").await?);
    let event = world.event(&owner, 5).await?;
    barbara.book_exactly(event.id, &[4]).await?.expect(201);
    let desktop = signed_in(&world, "barbara").await?;
    desktop.go("/settings").await?;
    desktop.exists("#server").await?; // wait for the part that loads last, since it moves what is below it
    desktop.click("#export").await?;
    let data: serde_json::Value = serde_json::from_str(&saved(&world, &desktop, "mine.json").await?)?;
    assert!(data.to_string().contains("barbara@happening.invalid") && data.to_string().contains("[4]"), "{data}");
    Ok(())
}

#[tokio::test]
async fn diagnostics_can_be_copied_for_support() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "barbara").await?;
    desktop.go("/about").await?;
    desktop.exists_text("webview:").await?;
    desktop.click_text("Copy").await?;
    desktop.sees("Copied.").await?;
    // paste into an input, as a person would; an input of one line joins the lines
    desktop.go("/settings").await?;
    desktop.exists("#server").await?;
    let pasted = wait_for("what was copied", Duration::from_secs(20), || async {
        desktop.click("#my-name").await?;
        desktop.press("\u{e009}a\u{e000}").await?;
        desktop.press("\u{e009}v\u{e000}").await?;
        let text = desktop.script("return document.querySelector('#my-name').value").await?;
        Ok(text.as_str().filter(|text| text.contains("webview")).map(str::to_owned))
    })
    .await?;
    assert!(pasted.starts_with("Happening ") && pasted.contains("webview:"), "{pasted}");
    Ok(())
}
