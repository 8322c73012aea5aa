//! The session: what happens when it ends by itself, and signing in again without losing work.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use happening_api::EventId;
use happening_stack::ports::free_port;
use happening_tests::desktop::Desktop;
use happening_tests::proxy::Proxy;
use happening_tests::world::{stack, wait_for};
use happening_tests::{Client, People, World, WorldOptions};
use sha2::{Digest, Sha256};
use url::Url;

use crate::signed_in;

#[tokio::test]
async fn chosen_seats_survive_the_end_of_a_session() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    world.event(&owner, 8).await?;
    let person = world.person("ken").await?;
    let desktop = signed_in(&world, "ken").await?;
    desktop.click_text("Book seats").await?;
    desktop.click_text("Seats 1 to 8").await?;
    desktop.click(".seat-option[aria-label='Seat 4']").await?;
    desktop.sees("1 of 2 chosen").await?;

    // Keycloak ends the session, and the server refuses tokens from before
    world.people().end_sessions(&person.user.keycloak_id).await?;
    let ended = Sha256::digest(person.user.keycloak_id.as_bytes()).to_vec();
    sqlx::query("insert into ended_identities (keycloak_id_hash, ended_at) values ($1, now())")
        .bind(ended)
        .execute(&world.pool)
        .await?;
    desktop.sees("Please sign in again").await?;
    desktop.sees("What you were doing is still here").await?;
    // tokens have times in whole seconds, so a token of the same second would count as issued before
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    desktop.sign_in(world.people(), "ken").await?;
    desktop.sees_no_more("Please sign in again").await?;
    desktop.sees("1 of 2 chosen").await?;
    desktop.click_text("Book only 1 seat").await?;
    desktop.sees("Booked: seat 4 for Test evening.").await?;
    Ok(())
}

/// Signs a person in who has cached answers and now waits for an event's page, because the server is frozen.
async fn reading_on_a_frozen_server(world: &World, login: &str) -> Result<(Desktop, Client, EventId)> {
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 8).await?;
    let desktop = signed_in(world, login).await?;
    desktop.sees("Test evening").await?;
    assert!(desktop.kept_answers()? > 0);
    world.freeze_backend(0)?;
    desktop.go(&format!("/events/{}", event.id)).await?;
    desktop.exists(".page-back ~ .skeleton").await?; // the page shows that it loads, so its request is on the way
    Ok((desktop, owner, event.id))
}

/// Lets the frozen server continue, which then sends the outstanding answers, and checks for 2 s that the app caches
/// none.
async fn nothing_is_kept(world: &World, desktop: &Desktop, owner: &Client, event: EventId) -> Result<()> {
    world.thaw_backend(0)?;
    let enough = Instant::now() + Duration::from_secs(2);
    while Instant::now() < enough {
        // the server may have closed this connection while it was frozen; the retry uses a new one
        if owner.event(event).await.is_err() {
            owner.event(event).await?;
        }
        assert_eq!(desktop.kept_answers()?, 0, "an answer of the ended session was cached");
    }
    desktop.sees("Sign in to Happening").await
}

#[tokio::test]
async fn answers_after_sign_out_are_not_cached() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (desktop, owner, event) = reading_on_a_frozen_server(&world, "margaret").await?;
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    nothing_is_kept(&world, &desktop, &owner, event).await
}

#[tokio::test]
async fn answers_of_the_previous_server_are_not_cached() -> Result<()> {
    let mut world = World::new().await?;
    let (desktop, owner, event) = reading_on_a_frozen_server(&world, "ken").await?;
    desktop.go("/settings").await?;
    desktop.fill("#server", &world.base(1)).await?;
    desktop.click("#check-server").await?;
    desktop.sees("A Happening server, version").await?;
    desktop.click("#use-server").await?;
    desktop.sees("Sign in to Happening").await?;
    nothing_is_kept(&world, &desktop, &owner, event).await?;
    // the app sends its requests to the new server from now on
    desktop.sign_in(world.people(), "ken").await?;
    world.kill_backend(0)?;
    desktop.go(&format!("/events/{event}")).await?;
    desktop.sees("Test evening").await
}

#[tokio::test]
async fn signing_out_ends_the_session_at_keycloak() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let person = world.person("niklaus").await?;
    let sessions = async || world.people().sessions(&person.user.keycloak_id).await;
    let before = sessions().await?;
    let desktop = signed_in(&world, "niklaus").await?;
    assert_eq!(sessions().await?, before + 1);
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    wait_for("the end of the session", Duration::from_secs(20), || async {
        Ok((sessions().await? == before).then_some(()))
    })
    .await
}

#[tokio::test]
async fn tokens_are_refreshed_early_and_one_at_a_time() -> Result<()> {
    // Keycloak accepts a refresh token once, so two refreshes at the same time would end the session
    let client = People::of(&stack()?.issuer()).client_with_brief_tokens(4).await?;
    let metrics = free_port()?;
    let env = [("OIDC_CLIENT", client), ("METRICS_ADDR", format!("127.0.0.1:{metrics}"))].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "margaret").await?;
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        // each screen sends several requests at the same time
        for route in ["/bookings", "/notifications", "/members", "/"] {
            desktop.go(route).await?;
            desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    desktop.sees("Upcoming events").await?;
    let signed_in = desktop.script("return !document.querySelector('#sign-in')").await?;
    assert_eq!(signed_in, true, "the session ended");
    let served = reqwest::get(format!("http://127.0.0.1:{metrics}/metrics")).await?.error_for_status()?.text().await?;
    assert!(served.contains("http_response_status_code=\"200\""), "{served}");
    let refused = served.lines().find(|line| line.contains("http_response_status_code=\"401\""));
    assert_eq!(refused, None, "a token was used after it had expired");
    // the server tolerates wrong clocks, but the app must not rely on that: it must refresh in time, except that a
    // stall may delay it once or twice
    let in_time = desktop.logs()?.matches("in_time=true").count();
    assert!(in_time >= 3, "only {in_time} tokens were refreshed before they expired, in five lifetimes");
    Ok(())
}

#[tokio::test]
async fn without_a_keyring_nothing_is_kept_after_exit() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    world.event(&world.person("edsger").await?, 3).await?;
    let mut desktop = Desktop::new(&world, "grace", false).await?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "grace").await?;
    desktop.sees("The keyring cannot be used").await?;
    desktop.sees("Test evening").await?;
    assert!(desktop.kept_answers()? > 0);
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    assert_eq!(desktop.kept_answers()?, 0, "cached answers are left for the next person");
    Ok(())
}

#[tokio::test]
async fn a_late_or_restarted_keyring_is_used() -> Result<()> {
    let client = People::of(&stack()?.issuer()).client_with_brief_tokens(4).await?;
    let env = [("OIDC_CLIENT", client)].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "margaret", false).await?;
    desktop.start_app().await?;
    desktop.sign_in(world.people(), "margaret").await?;
    desktop.sees("The keyring cannot be used").await?;
    desktop.sees("Upcoming events").await?;
    desktop.script("document.querySelector('h1').dataset.same = 'yes'").await?;
    let told_by_the_next_token = async |there: bool| {
        let asks = "if (!(Date.now() - window.asked < 1000)) { window.asked = Date.now(); window.dispatchEvent(new Event('focus')) }
            return document.body.innerText.includes('keyring cannot be used')";
        wait_for("the keyring", Duration::from_secs(30), || async {
            Ok((desktop.script(asks).await? == !there).then_some(()))
        })
        .await
    };
    desktop.start_keyring()?;
    told_by_the_next_token(true).await?;
    desktop.signal_keyring("TERM")?;
    told_by_the_next_token(false).await?;
    desktop.start_keyring()?;
    told_by_the_next_token(true).await?;
    // the screen was not reloaded
    assert_eq!(desktop.script("return document.querySelector('h1').dataset.same").await?, "yes");
    // a keyring that starts only after the app
    desktop.close_app().await?;
    desktop.signal_keyring("TERM")?;
    desktop.start_app().await?;
    desktop.start_keyring()?;
    desktop.sees("Upcoming events").await
}

#[tokio::test]
async fn a_hanging_keyring_does_not_block_the_app() -> Result<()> {
    let client = People::of(&stack()?.issuer()).client_with_brief_tokens(4).await?;
    let env = [("OIDC_CLIENT", client)].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let mut desktop = signed_in(&world, "margaret").await?;
    assert_eq!(desktop.kept_tokens()?, 1);
    desktop.signal_keyring("STOP")?;
    desktop.sees("The keyring cannot be used").await?;
    desktop.go("/organize").await?;
    desktop.sees("You run no events here").await?;
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    assert_eq!(desktop.kept_answers()?, 0);
    // the keyring now handles the requests that arrived while it hung, in their order
    desktop.signal_keyring("CONT")?;
    let forgotten = async || Ok((desktop.kept_tokens()? == 0).then_some(()));
    wait_for("the keyring to forget the token", Duration::from_secs(20), forgotten).await?;
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.sign_in(world.people(), "margaret").await?;
    desktop.sees("No events yet").await?;
    let told = desktop.script("return document.body.innerText.includes('keyring cannot be used')").await?;
    assert_eq!(told, false, "the app still does not use the keyring");
    Ok(())
}

#[tokio::test]
async fn a_slow_search_for_the_session_is_shown() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let mut desktop = signed_in(&world, "grace").await?;
    desktop.close_app().await?;
    world.freeze_backend(0)?;
    desktop.start_app().await?;
    desktop.sees("Looking for your session").await?;
    desktop.click("#support").await?;
    desktop.sees("webview:").await?;
    world.thaw_backend(0)?;
    desktop.sees("Upcoming events").await
}

#[tokio::test]
async fn a_stored_session_survives_an_outage_of_keycloak() -> Result<()> {
    let service = Url::parse(&stack()?.issuer())?;
    let proxy = Proxy::start(service.port().context("a port")?).await?;
    let issuer = format!("http://127.0.0.1:{}{}", proxy.port, service.path());
    let env = [("OIDC_ISSUER_URL", issuer)].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let mut desktop = signed_in(&world, "grace").await?;
    desktop.sees("Upcoming events").await?;
    desktop.close_app().await?;
    proxy.cut();
    desktop.start_app().await?;
    // the app shows cached data and does not ask to sign in while Keycloak is away
    desktop.sees("Upcoming events").await?;
    desktop.sees("You are offline").await?;
    proxy.mend();
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.sees_no_more("You are offline").await
}

/// Starts an app whose clock is wrong by so many seconds.
async fn with_clock(world: &World, seconds: i64) -> Result<Desktop> {
    let command = format!("env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f '{seconds:+}s'");
    let mut desktop = Desktop::started_by(world, &format!("clock{seconds:+}"), &command).await?;
    desktop.start_app().await?;
    Ok(desktop)
}

#[tokio::test]
async fn a_slightly_wrong_clock_allows_signing_in() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    for seconds in [-120, 120] {
        let desktop = with_clock(&world, seconds).await?;
        desktop.sign_in(world.people(), "grace").await?;
        desktop.sees("Upcoming events").await.with_context(|| format!("{seconds} s"))?;
    }
    // with a clock that is wrong by a day signing in fails, which shows that the app's clock does differ
    let desktop = with_clock(&world, 24 * 3600).await?;
    desktop.sign_in(world.people(), "grace").await?;
    desktop.sees("The sign-in was refused").await
}

#[tokio::test]
async fn a_hanging_keycloak_does_not_block_requests() -> Result<()> {
    const TOKEN_LIVES_S: u32 = 40;
    let service = Url::parse(&stack()?.issuer())?;
    let proxy = Proxy::start(service.port().context("a port")?).await?;
    let issuer = format!("http://127.0.0.1:{}{}", proxy.port, service.path());
    let client = People::of(&issuer).client_with_brief_tokens(TOKEN_LIVES_S).await?;
    let env = [("OIDC_ISSUER_URL", issuer), ("OIDC_CLIENT", client)].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "grace").await?;
    proxy.hold(true);
    // by then the app wants to refresh its token, which is still valid for a while
    let soon = Instant::now() + Duration::from_secs(u64::from(TOKEN_LIVES_S) * 3 / 4);
    tokio::time::sleep_until(soon.into()).await;
    for (route, words) in [("/bookings", "You have no bookings"), ("/notifications", "Nothing new"), ("/", "Upcoming")]
    {
        desktop.go(route).await?;
        desktop.sees(words).await?;
    }
    assert!(proxy.held() > 0, "the app did not try to refresh its token");
    let offline = desktop.script("return document.body.innerText.includes('You are offline')").await?;
    assert_eq!(offline, false);
    // Keycloak answers again: the session continues after the first token's end
    proxy.hold(false);
    wait_for("another token", Duration::from_secs(60), || async {
        desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
        Ok(desktop.logs()?.contains("in_time=").then_some(()))
    })
    .await?;
    desktop.go("/bookings").await?;
    desktop.sees("You have no bookings").await
}
