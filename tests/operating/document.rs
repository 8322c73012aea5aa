//! What the OpenAPI document says is so: Schemathesis makes calls from it, right and wrong ones, and checks the answers.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use happening_tests::stack::run;
use happening_tests::{World, WorldOptions};
use serde_json::json;

#[tokio::test]
async fn no_call_that_the_document_allows_breaks_the_server() -> Result<()> {
    let program =
        std::env::var_os("HAPPENING_SCHEMATHESIS").map(PathBuf::from).context("HAPPENING_SCHEMATHESIS is not set")?;
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    // something to find
    let event = world.event(&ada, 20).await?;
    ada.book(event.id, 2).await?.expect(201);
    ada.post("/org-invites", json!({ "org_id": event.org_id, "email": "x@happening.invalid", "role": "user" }))
        .await?
        .expect(201);
    let token = world.people().new_token("ada").await?;
    let said = run(Command::new(program)
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/operating/schemathesis.toml"), "run"])
        .arg(format!("{}/openapi.json", world.base(0)))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "25", "--seed", "1"])
        .args(["--request-timeout", "12", "--no-color"])
        .current_dir(&world.folder))?;
    assert!(said.contains("Tested:"), "{said}");
    world.audit()
}
