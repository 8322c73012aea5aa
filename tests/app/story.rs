//! The story of one person: sign in, book, cancel, sign in again; and failures on the way.

use std::time::Duration;

use anyhow::{Context, Result};
use happening_api::{Booking, Notification, NotificationType};
use happening_tests::desktop::Desktop;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};

#[tokio::test]
async fn cancelled_seats_go_to_the_next_person() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (owner, waiting) = (world.person("edsger").await?, world.person("ada").await?);
    let event = world.event(&owner, 3).await?;
    let mut desktop = Desktop::new(&world, "barbara", true).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.picture("sign-in")?;
    desktop.sign_in(world.people(), "barbara").await?;
    desktop.sees("Test evening").await?;

    desktop.click_text("Book seats").await?;
    desktop.sees("Choose your seats").await?;
    desktop.click_text("Seats 1 to 3").await?;
    for seat in 1..=3 {
        desktop.click(&format!(".seat-option[aria-label='Seat {seat}']")).await?;
    }
    desktop.click("#book").await?;
    desktop.sees("Booked: seats 1, 2 and 3 for Test evening.").await?;
    desktop.sees("Confirmed").await?;

    let second: Booking = waiting.book(event.id, 2).await?.expect(201).json();
    assert_eq!(second.waiting_number, Some(1));
    desktop.click_text("Manage seats").await?;
    desktop.sees("Which seats do you give up?").await?;
    desktop.click(".tick:nth-child(2) input").await?;
    desktop.click(".tick:nth-child(3) input").await?;
    desktop.sees("You keep seat 1.").await?;
    desktop.click("#give-up").await?;
    desktop.sees("Seats 2 and 3 given up.").await?;

    assert_eq!(waiting.booking(second.id).await?.seat_numbers, [2, 3]);
    let told = wait_for("the notification", Duration::from_secs(30), || async {
        let all: Vec<Notification> = waiting.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == NotificationType::WaitlistPromoted))
    })
    .await?;
    assert_eq!(told.seat_numbers, [2, 3]);
    let mail = world.folder.join("mail").join(format!("{}.eml", told.id));
    wait_for("the mail", Duration::from_secs(20), || async { Ok(mail.exists().then_some(())) }).await?;

    no_secret_in_the_window(&desktop).await?;
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("Test evening").await.context("the session was not restored from the keyring")?;
    desktop.click("a[href='#/notifications']").await?;
    desktop.sees("Booked: seats 1, 2 and 3 for Test evening.").await?;
    world.audit()
}

/// Checks that only the shell has tokens: none is in the page's storage, document or globals.
async fn no_secret_in_the_window(desktop: &Desktop) -> Result<()> {
    let found = desktop
        .script(
            "const seen = new Set(), texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie,
                document.documentElement.outerHTML, location.href];
            const walk = (value, depth) => {
                if (depth > 4 || value === null || seen.has(value)) return;
                if (typeof value === 'string') { texts.push(value); return; }
                if (typeof value !== 'object' && typeof value !== 'function') return;
                seen.add(value);
                for (const name of Object.getOwnPropertyNames(value)) { try { walk(value[name], depth + 1); } catch (error) {} }
            };
            walk(window, 0);
            return texts.filter(text => /eyJ[A-Za-z0-9_-]{10,}\\./.test(text)).length;",
        )
        .await?;
    assert_eq!(found, 0, "a token is in the window");
    Ok(())
}

#[tokio::test]
async fn a_seat_conflict_names_the_seat_and_keeps_the_rest() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 8).await?;
    let mut desktop = Desktop::new(&world, "frances", false).await?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "frances").await?;
    desktop.sees("The keyring cannot be used").await?;
    desktop.click_text("Book seats").await?;
    desktop.click_text("Seats 1 to 8").await?;
    desktop.click(".seat-option[aria-label='Seat 4']").await?;
    desktop.click(".seat-option[aria-label='Seat 5']").await?;
    owner.book_exactly(event.id, &[4]).await?.expect(201);
    desktop.click("#book").await?;
    desktop.sees("Seat 4 was just taken").await?;
    desktop.sees("Nothing is booked yet.").await?;
    // the free seat stays chosen, and the app offers the seat beside it
    desktop.sees("Take the nearest: seat 3").await?;
    desktop.click("#nearest").await?;
    desktop.sees("2 chosen").await?;
    desktop.click("#book").await?;
    desktop.sees("Booked: seats 3 and 5 for Test evening.").await?;

    // the event's page asks for a number of seats, and the app finds seats side by side
    desktop.click("button[aria-label='One more']").await?;
    desktop.click("#together").await?;
    desktop.sees("3 chosen").await?;
    desktop.click("dialog button[aria-label='Close']").await?;
    desktop.click("button[aria-label='One fewer']").await?;

    // too few seats are free now: the app offers three choices
    owner.book(event.id, 4).await?.expect(201);
    desktop.click("#choose").await?;
    desktop.sees("Only 1 seat free, and you want 2.").await?;
    desktop.click("#take-and-wait").await?;
    desktop.sees("You still wait for 1 more and keep your place.").await?;
    world.audit()
}

#[tokio::test]
async fn an_unreachable_keycloak_is_reported() -> Result<()> {
    // nothing listens on this port
    let env = [("OIDC_ISSUER_URL", "http://127.0.0.1:9/realms/happening".to_owned())].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "donald", false).await?;
    desktop.start_app().await?;
    desktop.click("#sign-in").await?;
    desktop.sees("The sign-in service does not answer").await?;
    desktop.exists("#sign-in").await.map(drop)
}

#[tokio::test]
async fn signing_in_handles_failure_cancelling_and_forged_callbacks() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "donald", false).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.follow("happening://auth/callback?state=guessed&code=guessed")?;
    // the note moves the button, so the click waits for it
    desktop.sees("A sign-in that this app did not begin").await?;
    desktop.click("#sign-in").await?;
    desktop.sees("Continue in your browser").await?;
    desktop.picture("sign-in-waiting")?;
    let first = desktop.opened_page().await?;
    // starting again continues the same sign-in: the page that is already open stays valid
    desktop.script("window.__TAURI_INTERNALS__.invoke('sign_in'); return 1").await?;
    assert_eq!(desktop.opened_page().await?, first);
    // a callback with a wrong state is ignored: the app continues to wait
    desktop.follow("happening://auth/callback?state=wrong&code=guessed")?;
    desktop.sees("A sign-in that this app did not begin").await?;
    desktop.sees("Continue in your browser").await?;
    desktop.click("#cancel-sign-in").await?;
    desktop.sees("Sign in to Happening").await?;
    // the callback of a cancelled sign-in is ignored
    let late = world.people().sign_in_at(&first, "donald").await?;
    desktop.follow(late.as_str())?;
    desktop.click("#sign-in").await?;
    desktop.sees("Continue in your browser").await?;
    let second = desktop.opened_page().await?;
    desktop.follow("happening://auth/callback?state=wrong&error=access_denied")?;
    let state = second.query_pairs().find(|(name, _)| name == "state").context("no state")?.1.into_owned();
    desktop.follow(&format!("happening://auth/callback?state={state}&error=access_denied"))?;
    desktop.sees("The sign-in was cancelled in the browser.").await?;
    desktop.picture("sign-in-failed")?;
    Ok(())
}
