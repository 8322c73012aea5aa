//! Files that are saved where the person says, in the system's own dialog.

use anyhow::Result;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};

use crate::signed_in;

#[tokio::test]
async fn attendees_are_saved_where_the_organizer_says() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5).await?;
    barbara.book(event.id, 2).await?.expect(201);
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.sees("Barbara Liskov").await?;
    desktop.click("#attendees").await?;
    let file = world.folder.join("people.csv");
    desktop.answer_save_dialog(&file).await?;
    let text = wait_for("the file", std::time::Duration::from_secs(30), || async {
        Ok(std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty()))
    })
    .await?;
    assert!(text.contains("Barbara Liskov") && text.contains("barbara@happening.invalid"), "{text}");
    desktop.sees("Saved as people.csv.").await?;
    Ok(())
}
