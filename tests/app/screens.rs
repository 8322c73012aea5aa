//! Every screen, for the tests that walk through all of them.

use anyhow::Result;
use happening_api::{Booking, Event};
use happening_tests::{Client, World};

/// A screen, and what is on it once everything has been read.
pub(crate) struct Screen {
    pub(crate) route: String,
    pub(crate) shows: &'static str,
    /// It shows nothing of its own before the server answers.
    pub(crate) reads: bool,
}

/// All of them, for a person who runs an organization.
pub(crate) async fn screens(world: &World, ada: &Client) -> Result<Vec<Screen>> {
    let event: Event = world.event(ada, 6).await?;
    let held: Booking = ada.book(event.id, 5).await?.expect(201).json();
    let waits: Booking = ada.book(event.id, 2).await?.expect(201).json();
    let screen = |reads: bool, route: String, shows: &'static str| Screen { route, shows, reads };
    Ok(vec![
        screen(true, "/".to_owned(), "Organized by you"),
        screen(true, "/events".to_owned(), "Only with free seats"),
        screen(true, format!("/events/{}", event.id), "Who can book"),
        screen(true, format!("/events/{}/seats", event.id), "How many seats?"),
        screen(true, "/bookings".to_owned(), "Ahead"),
        screen(true, format!("/bookings/{}", waits.id), "How the waitlist works"),
        screen(true, format!("/bookings/{}/seats", held.id), "What happens"),
        screen(true, "/organize".to_owned(), "Create event"),
        screen(false, "/organize/new".to_owned(), "When you create it"),
        screen(true, format!("/organize/{}", event.id), "Recent activity"),
        screen(true, format!("/organize/{}/edit", event.id), "When you save"),
        screen(true, "/members".to_owned(), "Find a member"),
        screen(true, "/notifications".to_owned(), "Notifications"),
        screen(false, "/settings".to_owned(), "Tell me when"),
        screen(false, "/about".to_owned(), "webview:"),
        screen(false, "/invite".to_owned(), "No invite is open"),
    ])
}
