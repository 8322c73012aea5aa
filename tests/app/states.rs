//! What every screen shows while it loads, when loading fails, when it is empty, and when the person may not see it.

use std::time::Duration;

use anyhow::{Context, Result};
use happening_api::Booking;
use happening_tests::own::OwnPostgres;
use happening_tests::world::{backend_program, stack, wait_for};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::screens::screens;
use crate::signed_in;

#[tokio::test]
async fn every_screen_shows_loading_then_the_answer() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let screens = screens(&world, &world.person("ada").await?).await?;
    let desktop = signed_in(&world, "ada").await?;
    for screen in screens.iter().filter(|screen| screen.reads) {
        desktop.go("/about").await?;
        // drops the data that the window has read
        desktop.script("window.before = true; location.reload(); return 1").await?;
        desktop.becomes("return !window.before && !!document.querySelector('#main')", true).await?;
        desktop.exists_text("webview:").await?;
        world.freeze_backend(0)?;
        desktop.go(&screen.route).await?;
        let waits = desktop.exists(".skeleton[aria-label='Loading']").await;
        world.thaw_backend(0)?;
        waits.with_context(|| format!("{} does not say that it waits", screen.route))?;
        desktop.exists_text(screen.shows).await?;
        desktop.exists_no_more(".skeleton").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_revisited_screen_shows_its_data_at_once() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    world.event(&world.person("ada").await?, 4).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.go("/events").await?;
    desktop.sees("Test evening").await?;
    desktop.go("/about").await?;
    desktop.exists_text("webview:").await?;
    world.freeze_backend(0)?;
    desktop.go("/events").await?;
    let seen = desktop.sees("Test evening").await;
    let waits = desktop.script("return !!document.querySelector('#main .skeleton')").await;
    world.thaw_backend(0)?;
    seen?;
    assert_eq!(waits?, false, "the screen waits although its data is known");
    Ok(())
}

#[tokio::test]
async fn every_screen_reports_a_busy_server_and_retries() -> Result<()> {
    let own = OwnPostgres::start(&stack()?, "app-busy").await?;
    let options = WorldOptions { backends: 1, worker: true, ..WorldOptions::default() };
    let world = World::on(own.stack.clone(), &backend_program()?, options).await?;
    let screens = screens(&world, &world.person("ada").await?).await?;
    let desktop = signed_in(&world, "ada").await?;
    own.stop().await?;
    for screen in screens.iter().filter(|screen| screen.reads) {
        desktop.go("/about").await?;
        desktop.exists_text("webview:").await?;
        desktop.go(&screen.route).await?;
        let told = async {
            desktop.exists_text("A lot is going on right now").await?;
            desktop.exists_text("Trying again").await
        };
        if let Err(error) = told.await {
            let text = desktop.text().await?;
            return Err(error.context(format!("{} does not say what is going on, but: {text}", screen.route)));
        }
    }
    let last = screens.iter().rfind(|screen| screen.reads).context("a screen")?;
    own.start_again().await?;
    // the app retries without a click
    desktop.exists_no_more(".banner").await?;
    desktop.exists_text(last.shows).await?;
    for screen in screens {
        desktop.go(&screen.route).await?;
        desktop.exists_text(screen.shows).await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_unread_screen_reports_offline_and_loads_later() -> Result<()> {
    let mut world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let screens = screens(&world, &world.person("ada").await?).await?;
    let desktop = signed_in(&world, "ada").await?;
    for screen in screens.iter().filter(|screen| screen.reads) {
        desktop.go("/about").await?;
        desktop.exists_text("webview:").await?;
        world.kill_backend(0)?;
        desktop.go(&screen.route).await?;
        // the screen shows data that another screen has read, or says that it is offline; the bar above all screens
        // does not count
        let says = format!(
            "return document.querySelector('#main').textContent.includes(`{}`)
                || [...document.querySelectorAll('.banner b')].some(one => one.textContent === 'You are offline')",
            screen.shows
        );
        let told = desktop.becomes(&says, true).await;
        world.start_backend(0).await?;
        if let Err(error) = told {
            let text = desktop.text().await?;
            return Err(error.context(format!("{} does not say that it is offline, but: {text}", screen.route)));
        }
        // retry by clicking, unless the app noticed before
        let again = "[...document.querySelectorAll('.banner button')].forEach(button => button.click()); return 1";
        desktop.script(again).await?;
        desktop.exists_text(screen.shows).await?;
    }
    Ok(())
}

#[tokio::test]
async fn hidden_pages_look_like_missing_pages() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let hidden = world.event(&ada, 4).await?;
    ada.put(&format!("/events/{}", hidden.id), json!({ "visibility": "members" })).await?.expect(200);
    let foreign: Booking = ada.book(hidden.id, 1).await?.expect(201).json();
    let public = world.event(&ada, 4).await?;
    let own: Booking = barbara.book(public.id, 1).await?.expect(201).json();
    let desktop = signed_in(&world, "barbara").await?;
    let nowhere = "This is not here any more";
    let screens = [
        (format!("/events/{}", hidden.id), nowhere),
        (format!("/events/{}/seats", hidden.id), nowhere),
        (format!("/bookings/{}", foreign.id), nowhere),
        (format!("/bookings/{}/seats", foreign.id), nowhere),
        (format!("/organize/{}", hidden.id), nowhere),
        (format!("/organize/{}/edit", hidden.id), nowhere),
        // pages that the person may see but not manage
        (format!("/organize/{}", public.id), "You may not do this"),
        (format!("/organize/{}/edit", public.id), "You may not change this event"),
        (format!("/bookings/{}", own.id), "Manage seats"),
        ("/no/such/place".to_owned(), "Upcoming events"),
    ];
    for (route, says) in screens {
        desktop.go(&route).await?;
        desktop.exists_text(says).await.with_context(|| format!("{route} does not say {says}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn empty_screens_say_what_will_appear() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "grace").await?;
    let empty = [
        ("/", "No events yet"),
        ("/", "You have no bookings"),
        ("/events", "No events yet"),
        ("/bookings", "You have no bookings"),
        ("/organize", "You run no events here"),
        ("/organize/new", "You cannot create events here"),
        ("/members", "You belong to no organization"),
        ("/notifications", "Nothing new"),
    ];
    for (route, says) in empty {
        desktop.go(route).await?;
        desktop.exists_text(says).await.with_context(|| format!("{route} does not say {says}"))?;
    }
    // an organization without events
    world.organization(&world.person("grace").await?).await?;
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.go("/organize").await?;
    desktop.sees("No event is planned").await?;
    desktop.click_text("Past and cancelled").await?;
    desktop.sees("Nothing is over yet").await
}

#[tokio::test]
async fn a_panic_of_the_screens_is_shown_and_logged() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "grace").await?;
    // Yew panics when it cannot put an element into the page
    desktop.script("Node.prototype.insertBefore = () => { throw new Error('full') }").await?;
    desktop.go("/settings").await?;
    desktop.sees("This window has stopped working").await?;
    desktop.picture("window-stopped")?;
    wait_for("the panic's message in the log", Duration::from_secs(10), || async {
        Ok(desktop.logs()?.contains("panicked at").then_some(()))
    })
    .await?;
    desktop.click("#breakdown button").await?;
    desktop.sees_no_more("This window has stopped working").await?;
    desktop.sees("Appearance").await // the settings, whose address the window has
}

#[tokio::test]
async fn a_window_whose_web_process_crashes_is_loaded_again() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "grace").await?;
    desktop.go("/settings").await?;
    desktop.sees("Appearance").await?;
    desktop.kill_web_process()?;
    wait_for("the window to load again", Duration::from_secs(60), || async {
        Ok((desktop.logs()?.matches("a window shows its screens").count() == 2).then_some(()))
    })
    .await?;
    assert!(desktop.logs()?.contains("a web process has ended"), "the crash was not logged");
    Ok(())
}
