//! What a desktop app owes its desktop: links, one instance, windows, notifications.

use std::time::Duration;

use anyhow::Result;
use happening_api::Booking;
use happening_tests::desktop::{Desktop, app_program};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn links_open_events_in_the_one_app_that_runs() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let (first, second) = (world.event(&owner, 3).await?, world.event(&owner, 4).await?);
    owner.put(&format!("/events/{}", second.id), json!({ "name": "Second evening" })).await?.expect(200);
    let mut desktop = Desktop::new(&world, "alan", true).await?;
    // a link that starts the app, with signing in between
    desktop.start_app_with(&format!("happening://event/{}", first.id)).await?;
    desktop.sign_in(world.people(), "alan").await?;
    desktop.sees("Who can book").await?;
    desktop.sees("Test evening").await?;
    // a link while it runs
    desktop.follow(&format!("happening://event/{}", second.id))?;
    desktop.sees("Second evening").await?;
    assert_eq!(desktop.windows()?, 1);
    // one that means nothing changes nothing
    desktop.follow("happening://event/nothing")?;
    desktop.follow("happening://settings/delete-account")?;
    desktop.follow(&format!("happening://event/{}", first.id))?;
    desktop.sees("Test evening").await?;
    assert_eq!(desktop.windows()?, 1);
    Ok(())
}

/// Opens File of a window that lies at 120, 70, and chooses what a key leads to. Nothing outside of the app tells that its menu
/// is open, so it is given a moment; the caller asks again when nothing happened.
async fn file_menu(desktop: &Desktop, key: &str) -> Result<()> {
    const MOMENT: Duration = Duration::from_millis(300);
    desktop.xdotool("key --clearmodifiers Escape")?;
    desktop.xdotool("mousemove 140 82 click 1")?;
    tokio::time::sleep(MOMENT).await;
    desktop.xdotool(&format!("key --clearmodifiers {key} Return"))?;
    tokio::time::sleep(MOMENT).await;
    Ok(())
}

#[tokio::test]
async fn the_menu_ends_the_app_and_the_window_comes_back_where_it_was() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "alan", true).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    let size = "return [window.innerWidth, window.innerHeight]";
    let at_first = desktop.script(size).await?;
    desktop.resize(1111, 777).await?;
    let chosen = wait_for("another size", Duration::from_secs(10), || async {
        let now = desktop.script(size).await?;
        Ok((now[0] == 1111 && now != at_first).then_some(now))
    })
    .await?;
    // there is no window manager that would do it
    let window = desktop.xdotool("search --onlyvisible --name Happening$")?;
    desktop.xdotool(&format!("windowmove --sync {} 120 70", window.trim()))?;
    assert_eq!(desktop.windows()?, 1);
    // File, and its last entry; again when the menu was not open yet
    wait_for("the end of the app", Duration::from_secs(30), || async {
        file_menu(&desktop, "Up").await?;
        Ok((desktop.windows().unwrap_or(0) == 0).then_some(()))
    })
    .await?;
    desktop.ended().await;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.becomes(size, chosen).await?;
    wait_for("the window's place", Duration::from_secs(20), || async {
        let place = desktop.xdotool("search --onlyvisible --name Happening$ getwindowgeometry")?;
        Ok(place.contains("Position: 120,70").then_some(()))
    })
    .await
}

/// Chooses the first entry of File that can be chosen, until something comes of it; again when the menu was not open yet.
async fn choose_first(desktop: &Desktop, what: &str, comes: &str) -> Result<()> {
    let window = desktop.xdotool("search --onlyvisible --name Happening$")?;
    desktop.xdotool(&format!("windowmove --sync {} 120 70", window.trim()))?;
    wait_for(what, Duration::from_secs(30), || async {
        file_menu(desktop, "Down").await?;
        Ok((desktop.script(comes).await? == true).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_menu_follows_the_session() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "alan", false).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    // without a session the first is Settings: the server's address
    let server = "return !!document.querySelector('#server')";
    choose_first(&desktop, "the server's form", server).await?;
    desktop.sign_in(world.people(), "alan").await?;
    desktop.sees("Upcoming events").await?;
    choose_first(&desktop, "the form for an event", "return location.hash === '#/organize/new'").await?;
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    choose_first(&desktop, "the server's form", server).await
}

#[tokio::test]
async fn a_board_has_a_window_of_its_own() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.sees("Seats now").await?;
    let main = desktop.xdotool("search --onlyvisible --name Happening$")?;
    for _ in 0..2 {
        // the second click shows the window that is there
        desktop.click("button[aria-label='Open in a window of its own']").await?;
        wait_for("the window", Duration::from_secs(30), || async { Ok((desktop.windows()? == 2).then_some(())) })
            .await?;
    }
    // windows are told apart by their titles
    desktop.go("/settings").await?;
    wait_for("the titles", Duration::from_secs(20), || async {
        let named = |name: &str| desktop.xdotool(&format!("search --onlyvisible --name ^{name}")).is_ok();
        Ok((named("Settings") && named("Test")).then_some(()))
    })
    .await?;
    // the main one is closed; a link opens it again
    let windows = || desktop.windows().unwrap_or(0); // the search fails when one goes meanwhile
    wait_for("one window", Duration::from_secs(30), || async {
        if windows() == 2 {
            // it can be closing when the key comes
            desktop.xdotool(&format!("windowfocus {} key --clearmodifiers ctrl+w", main.trim())).ok();
        }
        Ok((windows() == 1).then_some(()))
    })
    .await?;
    desktop.follow(&format!("happening://event/{}", event.id))?;
    wait_for("the window", Duration::from_secs(30), || async { Ok((windows() == 2).then_some(())) }).await
}

#[tokio::test]
async fn a_promotion_is_told_by_the_desktop_and_a_click_opens_it() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (owner, alan) = (world.person("edsger").await?, world.person("alan").await?);
    let event = world.event(&owner, 2).await?;
    let held: Booking = owner.book(event.id, 2).await?.expect(201).json();
    let mut desktop = Desktop::new(&world, "alan", false).await?;
    desktop.start_notifications()?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "alan").await?;
    desktop.sees("Upcoming events").await?;
    alan.book(event.id, 1).await?.expect(201);
    owner.post(&format!("/bookings/{}/cancel-seats", held.id), json!({ "seat_numbers": [2] })).await?.expect(200);
    wait_for("the notification", Duration::from_secs(60), || async {
        Ok((desktop.notifications("count displayed")?.trim() != "0").then_some(()))
    })
    .await?;
    desktop.notifications("action 0")?;
    desktop.sees("You hold 1 seat").await?;
    Ok(())
}

#[tokio::test]
async fn the_desktop_tells_of_changes_and_of_an_event_that_is_called_off() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (owner, ken) = (world.person("edsger").await?, world.person("ken").await?);
    let event = world.event(&owner, 4).await?;
    let booking: Booking = ken.book(event.id, 1).await?.expect(201).json();
    let mut desktop = Desktop::new(&world, "ken", false).await?;
    desktop.start_notifications()?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "ken").await?;
    desktop.click("a[href='#/notifications']").await?;
    desktop.sees("Booked: seat").await?;
    let told = async |title: &str| {
        wait_for(title, Duration::from_secs(60), || async {
            // what was closed stays in its history
            desktop.notifications("close-all")?;
            Ok(desktop.notifications("history")?.contains(title).then_some(()))
        })
        .await
    };
    owner.put(&format!("/events/{}", event.id), json!({ "place": "The other hall" })).await?.expect(200);
    told("An event changed").await?;
    owner.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    wait_for("the notification", Duration::from_secs(60), || async {
        Ok((desktop.notifications("count displayed")?.trim() != "0").then_some(()))
    })
    .await?;
    // a click opens what it is about
    desktop.notifications("action 0")?;
    desktop.becomes("return location.hash", format!("#/bookings/{}", booking.id)).await?;
    told("An event was cancelled").await?;
    // one's own booking is no news for the desktop
    assert!(!desktop.notifications("history")?.contains("Booked"));
    Ok(())
}

#[tokio::test]
async fn the_logs_hold_no_secret() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let event = world.event(&world.person("edsger").await?, 4).await?;
    let mut desktop = Desktop::new(&world, "grace", true).await?;
    desktop.start_app().await?;
    desktop.click("#sign-in").await?;
    let page = desktop.opened_page().await?;
    let back = world.people().sign_in_at(&page, "grace").await?;
    desktop.follow("happening://auth/callback?state=guessed-state&code=guessed-code")?;
    desktop.sees("A sign-in that nobody was waiting for").await?;
    desktop.follow(back.as_str())?;
    desktop.sees("Upcoming events").await?;
    desktop.follow("happening://invite/aGuessedTokenOfAnInvite")?;
    desktop.sees("This is not here any more").await?;
    desktop.follow("happening://nowhere/with-a-secret")?;
    desktop.follow(&format!("happening://event/{}", event.id))?;
    desktop.sees("Test evening").await?;
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    let logs = desktop.logs()?;
    for said in ["a link to an event was opened", "the link of an invite was opened", "nobody waits for"] {
        assert!(logs.contains(said), "{said} is not in the log: {logs}");
    }
    let given = back
        .query_pairs()
        .chain(page.query_pairs())
        .filter(|(name, _)| ["code", "state", "session_state", "nonce", "code_challenge"].contains(&name.as_ref()));
    let mut secrets: Vec<String> = given.map(|(_, value)| value.into_owned()).collect();
    assert!(secrets.len() > 4, "{secrets:?}");
    let guessed = ["eyJ", "guessed-", "aGuessedToken", "with-a-secret", "grace@", "Grace Hopper"];
    secrets.extend(guessed.map(str::to_owned));
    for secret in secrets {
        assert!(!logs.contains(&secret), "{secret} is in the log: {logs}");
    }
    Ok(())
}

#[tokio::test]
async fn numbers_and_times_are_written_as_in_the_machines_region() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 1200).await?;
    let body = json!({ "event_date": "2030-06-12T17:30:00Z", "ends_at": null, "time_zone": "Europe/Berlin" });
    owner.put(&format!("/events/{}", event.id), body).await?.expect(200);
    for (language, seats, time) in [
        ("de_DE", "1.200", "Wednesday 12 June 2030, 19:30"),
        ("en_US", "1,200", "Wednesday June 12, 2030, 7:30 PM"),
        // no English is known of there: not the American one
        ("fr_FR", "1,200", "Wednesday 12 June 2030, 19:30"),
    ] {
        let mut desktop = Desktop::in_language(&world, &format!("alan-{language}"), language).await?;
        desktop.start_app().await?;
        desktop.sign_in(world.people(), "alan").await?;
        desktop.go(&format!("/events/{}", event.id)).await?;
        desktop.sees(&format!("seats are free, of {seats}")).await?;
        desktop.sees(time).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_address_that_cannot_be_used_leaves_an_app_that_says_so() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let folder = world.folder.join("desktop-grace");
    // plain http to another machine
    let mut desktop = Desktop::at(&folder, &app_program()?, "http://happening.invalid", true).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.sees("Server: http://127.0.0.1:5000/").await?;
    wait_for("a word about it", Duration::from_secs(20), || async {
        Ok(desktop.xdotool("search --onlyvisible --name cannot").ok())
    })
    .await?;
    // support is told why, before anybody can sign in
    desktop.click("#support").await?;
    desktop.sees("the server's address must begin with https://").await?;
    desktop.sees("webview:").await
}

#[tokio::test]
async fn a_notice_shows_markup_as_text() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (owner, ken) = (world.person("edsger").await?, world.person("ken").await?);
    let event = world.event(&owner, 4).await?;
    ken.book(event.id, 1).await?.expect(201);
    let mut desktop = Desktop::new(&world, "ken", false).await?;
    desktop.start_notifications()?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "ken").await?;
    desktop.click("a[href='#/notifications']").await?;
    desktop.sees("Booked: seat").await?;
    let name = r#"<a href="https://elsewhere.invalid">Gala</a> & more"#;
    owner.put(&format!("/events/{}", event.id), json!({ "name": name, "place": "Hall 2" })).await?.expect(200);
    wait_for("the notification", Duration::from_secs(60), || async {
        desktop.notifications("close-all")?;
        Ok(desktop.notifications("history")?.contains("An event changed").then_some(()))
    })
    .await?;
    // dunst reads the body as markup, and keeps it as it was sent
    let history = desktop.notifications("history")?;
    assert!(history.contains("&lt;a href=") && history.contains("&amp; more"), "{history}");
    assert!(!history.contains("<a href="), "{history}");
    Ok(())
}
