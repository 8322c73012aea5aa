//! Tests of the real app in a real window, with the real Keycloak, server and worker: what people do, and which
//! failures they meet.

mod accessibility;
mod doubled;
mod feed;
mod files;
mod finding;
mod journeys;
mod manners;
mod meanwhile;
mod members;
mod offline;
mod organizer;
mod pointer;
mod reading;
mod screens;
mod session;
mod settings;
mod states;
mod story;

use anyhow::Result;
use happening_tests::World;
use happening_tests::desktop::Desktop;

/// Starts a desktop with the app and signs a person in.
async fn signed_in(world: &World, name: &str) -> Result<Desktop> {
    let mut desktop = Desktop::new(world, name, true).await?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), name).await?;
    desktop.sees("Upcoming events").await?;
    Ok(desktop)
}
