//! Behaviour that people expect of a desktop app: links, a single instance, windows, notifications, locale, logs.

use std::time::Duration;

use anyhow::Result;
use happening_api::Booking;
use happening_tests::desktop::{Desktop, app_program};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn links_open_events_in_the_running_app() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let (first, second) = (world.event(&owner, 3).await?, world.event(&owner, 4).await?);
    owner.put(&format!("/events/{}", second.id), json!({ "name": "Second evening" })).await?.expect(200);
    let mut desktop = Desktop::new(&world, "alan", true).await?;
    // a link starts the app, and its page opens after signing in
    desktop.start_app_with(&format!("happening://event/{}", first.id)).await?;
    desktop.sign_in(world.people(), "alan").await?;
    desktop.sees("Who can book").await?;
    desktop.sees("Test evening").await?;
    // a link opens its page in the running app
    desktop.follow(&format!("happening://event/{}", second.id))?;
    desktop.sees("Second evening").await?;
    assert_eq!(desktop.windows()?, 1);
    // an invalid link changes nothing
    desktop.follow("happening://event/nothing")?;
    desktop.follow("happening://settings/delete-account")?;
    desktop.follow(&format!("happening://event/{}", first.id))?;
    desktop.sees("Test evening").await?;
    assert_eq!(desktop.windows()?, 1);
    Ok(())
}

/// Opens the menu File of a window at position 120, 70 and chooses the entry that a key leads to. A test cannot see
/// whether the menu is open yet, so this waits a moment; the caller repeats it when nothing happened.
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
async fn quitting_by_menu_keeps_the_window_position() -> Result<()> {
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
    // move the window by xdotool, since this display has no window manager
    let window = desktop.xdotool("search --onlyvisible --name Happening$")?;
    desktop.xdotool(&format!("windowmove --sync {} 120 70", window.trim()))?;
    assert_eq!(desktop.windows()?, 1);
    // choose the last entry of File, "Quit"; repeated in case the menu was not open yet
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

/// Chooses the first enabled entry of File until the script `comes` returns true; repeated in case the menu was not
/// open yet.
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
    // without a session the first enabled entry is Settings, which shows the server's address
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
async fn a_board_opens_in_its_own_window() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.sees("Seats now").await?;
    let main = desktop.xdotool("search --onlyvisible --name Happening$")?;
    for _ in 0..2 {
        // the second click focuses the window that is already open
        desktop.click("button[aria-label='Open in a window of its own']").await?;
        wait_for("the window", Duration::from_secs(30), || async { Ok((desktop.windows()? == 2).then_some(())) })
            .await?;
    }
    // windows have different titles
    desktop.go("/settings").await?;
    wait_for("the titles", Duration::from_secs(20), || async {
        let named = |name: &str| desktop.xdotool(&format!("search --onlyvisible --name ^{name}")).is_ok();
        Ok((named("Settings") && named("Test")).then_some(()))
    })
    .await?;
    // close the main window; a link opens it again
    let windows = || desktop.windows().unwrap_or(0); // the search fails when a window closes meanwhile
    wait_for("one window", Duration::from_secs(30), || async {
        if windows() == 2 {
            // fails when the window is already closing
            desktop.xdotool(&format!("windowfocus {} key --clearmodifiers ctrl+w", main.trim())).ok();
        }
        Ok((windows() == 1).then_some(()))
    })
    .await?;
    desktop.follow(&format!("happening://event/{}", event.id))?;
    wait_for("the window", Duration::from_secs(30), || async { Ok((windows() == 2).then_some(())) }).await
}

#[tokio::test]
async fn clicking_a_promotion_notification_opens_the_booking() -> Result<()> {
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
async fn the_desktop_notifies_of_changed_and_cancelled_events() -> Result<()> {
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
            // a closed notification stays in dunst's history
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
    // a click on the notification opens its booking
    desktop.notifications("action 0")?;
    desktop.becomes("return location.hash", format!("#/bookings/{}", booking.id)).await?;
    told("An event was cancelled").await?;
    // the desktop does not notify a person of their own booking
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
    desktop.sees("A sign-in that this app did not begin").await?;
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
    for said in ["a link to an event was opened", "the link of an invite was opened", "not asked for"] {
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
async fn numbers_and_times_follow_the_system_locale() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 1200).await?;
    let body = json!({ "event_date": "2030-06-12T17:30:00Z", "ends_at": null, "time_zone": "Europe/Berlin" });
    owner.put(&format!("/events/{}", event.id), body).await?.expect(200);
    for (language, seats, time) in [
        ("de_DE", "1.200", "Wednesday 12 June 2030, 19:30"),
        ("en_US", "1,200", "Wednesday June 12, 2030, 7:30 PM"),
        // there is no English of that region: the app must not use the American formats
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
async fn the_app_reports_an_unusable_server_address() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let folder = world.folder.join("desktop-grace");
    // an address with plain http to another machine is not allowed
    let mut desktop = Desktop::at(&folder, &app_program()?, "http://happening.invalid", true).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.sees("Server: http://127.0.0.1:5000/").await?;
    wait_for("the window with the error", Duration::from_secs(20), || async {
        Ok(desktop.xdotool("search --onlyvisible --name cannot").ok())
    })
    .await?;
    // the diagnostics for support tell the reason, also before signing in
    desktop.click("#support").await?;
    desktop.sees("the server's address must begin with https://").await?;
    desktop.sees("webview:").await
}

#[tokio::test]
async fn notifications_show_markup_as_text() -> Result<()> {
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
    // dunst treats the body as markup, and keeps it in its history as it was sent
    let history = desktop.notifications("history")?;
    assert!(history.contains("&lt;a href=") && history.contains("&amp; more"), "{history}");
    assert!(!history.contains("<a href="), "{history}");
    Ok(())
}
