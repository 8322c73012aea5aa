//! The list of all screens, for tests that visit each of them.

use std::time::Duration;

use anyhow::Result;
use happening_api::{Booking, Event};
use happening_tests::world::wait_for;
use happening_tests::{Client, World};

/// A screen, and a text that it shows only once its data has been read.
pub(crate) struct Screen {
    pub(crate) route: String,
    pub(crate) shows: &'static str,
    /// Whether the screen needs an answer of the server before it shows anything of its own.
    pub(crate) reads: bool,
}

/// All screens, for a person who runs an organization. Needs a worker, which fills the person's feed.
pub(crate) async fn screens(world: &World, ada: &Client) -> Result<Vec<Screen>> {
    let event: Event = world.event(ada, 6).await?;
    let held: Booking = ada.book(event.id, 5).await?.expect(201).json();
    let waits: Booking = ada.book(event.id, 2).await?.expect(201).json();
    wait_for("a notification", Duration::from_secs(20), async || {
        let feed = ada.get("/notifications").await?.expect(200);
        Ok(feed.body.as_array().is_some_and(|all| !all.is_empty()).then_some(()))
    })
    .await?;
    let screen = |reads: bool, route: String, shows: &'static str| Screen { route, shows, reads };
    Ok(vec![
        screen(true, "/".to_owned(), "Test evening"),
        screen(true, "/events".to_owned(), "Test evening"),
        screen(true, format!("/events/{}", event.id), "Who can book"),
        screen(true, format!("/events/{}/seats", event.id), "None chosen yet"),
        screen(true, "/bookings".to_owned(), "Ahead"),
        screen(true, format!("/bookings/{}", waits.id), "How the waitlist works"),
        screen(true, format!("/bookings/{}/seats", held.id), "What happens"),
        screen(true, "/organize".to_owned(), "Test evening"),
        screen(false, "/organize/new".to_owned(), "When you create it"),
        screen(true, format!("/organize/{}", event.id), "Recent activity"),
        screen(true, format!("/organize/{}/edit", event.id), "When you save"),
        screen(true, "/members".to_owned(), "(you)"),
        screen(true, "/notifications".to_owned(), "View booking"),
        screen(false, "/settings".to_owned(), "Tell me when"),
        screen(false, "/about".to_owned(), "webview:"),
        screen(false, "/invite".to_owned(), "No invite is open"),
    ])
}
