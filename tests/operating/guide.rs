//! The examples in the API's guide work as they are written.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::run;
use happening_tests::{World, WorldOptions};

/// The shell blocks of a document, in order.
fn blocks(markdown: &str) -> Vec<&str> {
    markdown.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[tokio::test]
async fn every_block_of_the_api_guide_runs() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let guide = std::fs::read_to_string(file)?;
    let blocks = blocks(&guide);
    let (first, rest) = blocks.split_first().context("no blocks")?;
    // skip the first block, which starts the stack: this test has its own
    assert!(first.starts_with("cargo xtask up") && rest.len() > 8, "{first}");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &rest.concat()]).env("BACKEND_URL", world.base(0));
    for login in ["ada", "barbara", "edsger"] {
        command.env(login.to_uppercase(), world.person(login).await?.token);
    }
    let said = run(&mut command)?;
    assert!(said.contains("\"seats\": \"must be 1 to 50\""), "{said}");
    world.audit()
}
