//! A session that ends by itself: sign in again, and go on where one was.

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
async fn after_a_session_ended_the_picks_are_still_there() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    world.event(&owner, 8).await?;
    let person = world.person("ken").await?;
    let desktop = signed_in(&world, "ken").await?;
    desktop.click_text("Book seats").await?;
    desktop.click_text("Seats 1 to 8").await?;
    desktop.click(".seat-option[aria-label='Seat 4']").await?;
    desktop.sees("1 of 2 chosen").await?;

    // the sign-in service ends the session, and the server takes no token from before
    world.people().end_sessions(&person.user.keycloak_id).await?;
    let ended = Sha256::digest(person.user.keycloak_id.as_bytes()).to_vec();
    sqlx::query("insert into ended_identities (keycloak_id_hash, ended_at) values ($1, now())")
        .bind(ended)
        .execute(&world.pool)
        .await?;
    desktop.sees("Please sign in again").await?;
    desktop.sees("What you were doing is still here").await?;
    // tokens tell their time in whole seconds: one of the same second would still be from before
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    desktop.sign_in(world.people(), "ken").await?;
    desktop.sees_no_more("Please sign in again").await?;
    desktop.sees("1 of 2 chosen").await?;
    desktop.click_text("Book only 1 seat").await?;
    desktop.sees("Booked: seat 4 for Test evening.").await?;
    Ok(())
}

/// Somebody who reads an event on a server that stands still, and has kept answers from before.
async fn reading_on_a_frozen_server(world: &World, login: &str) -> Result<(Desktop, Client, EventId)> {
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 8).await?;
    let desktop = signed_in(world, login).await?;
    desktop.sees("Test evening").await?;
    assert!(desktop.kept_answers()? > 0);
    world.freeze_backend(0)?;
    desktop.go(&format!("/events/{}", event.id)).await?;
    desktop.exists(".page-back ~ .skeleton").await?; // the page's own, so the read is on its way
    Ok((desktop, owner, event.id))
}

/// The server goes on; it owes the app some answers, which come in this time.
async fn nothing_is_kept(world: &World, desktop: &Desktop, owner: &Client, event: EventId) -> Result<()> {
    world.thaw_backend(0)?;
    let enough = Instant::now() + Duration::from_secs(2);
    while Instant::now() < enough {
        // the server may close a connection that stood still; the next one is new
        if owner.event(event).await.is_err() {
            owner.event(event).await?;
        }
        assert_eq!(desktop.kept_answers()?, 0, "an answer of the session that ended was kept");
    }
    desktop.sees("Sign in to Happening").await
}

#[tokio::test]
async fn an_answer_that_comes_after_signing_out_is_kept_nowhere() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (desktop, owner, event) = reading_on_a_frozen_server(&world, "margaret").await?;
    desktop.click("button[aria-label='Sign out']").await?;
    desktop.sees("Sign in to Happening").await?;
    nothing_is_kept(&world, &desktop, &owner, event).await
}

#[tokio::test]
async fn an_answer_that_comes_after_another_server_was_chosen_is_kept_nowhere() -> Result<()> {
    let mut world = World::new().await?;
    let (desktop, owner, event) = reading_on_a_frozen_server(&world, "ken").await?;
    desktop.go("/settings").await?;
    desktop.fill("#server", &world.base(1)).await?;
    desktop.click("#check-server").await?;
    desktop.sees("A Happening server, version").await?;
    desktop.click("#use-server").await?;
    desktop.sees("Sign in to Happening").await?;
    nothing_is_kept(&world, &desktop, &owner, event).await?;
    // the new server is the one that is asked from now on
    desktop.sign_in(world.people(), "ken").await?;
    world.kill_backend(0)?;
    desktop.go(&format!("/events/{event}")).await?;
    desktop.sees("Test evening").await
}

#[tokio::test]
async fn signing_out_ends_the_session_at_the_sign_in_service() -> Result<()> {
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
async fn a_token_is_replaced_before_its_end_and_once_at_a_time() -> Result<()> {
    // the realm takes a refresh token once: two refreshes at the same time would end the session
    let client = People::of(&stack()?.issuer()).client_with_brief_tokens(4).await?;
    let metrics = free_port()?;
    let env = [("OIDC_CLIENT", client), ("METRICS_ADDR", format!("127.0.0.1:{metrics}"))].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "margaret").await?;
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        // every screen reads several things at once
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
    assert_eq!(refused, None, "a token was used after its end");
    // the server is patient with clocks, the app must not need it; only a stall may make one of them late
    let in_time = desktop.logs()?.matches("in_time=true").count();
    assert!(in_time >= 3, "{in_time} tokens were replaced before their end, in five lives of one");
    Ok(())
}

#[tokio::test]
async fn without_a_keyring_nothing_outlives_the_app() -> Result<()> {
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
    assert_eq!(desktop.kept_answers()?, 0, "answers lie there for whoever comes next");
    Ok(())
}

#[tokio::test]
async fn a_keyring_that_comes_late_or_anew_is_used() -> Result<()> {
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
    // the screen stayed as it was
    assert_eq!(desktop.script("return document.querySelector('h1').dataset.same").await?, "yes");
    // one that is there only after the app has started
    desktop.close_app().await?;
    desktop.signal_keyring("TERM")?;
    desktop.start_app().await?;
    desktop.start_keyring()?;
    desktop.sees("Upcoming events").await
}

#[tokio::test]
async fn a_keyring_that_hangs_holds_nobody_up() -> Result<()> {
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
    // what it was asked for while it hung, it does now, and in that order
    desktop.signal_keyring("CONT")?;
    let forgotten = async || Ok((desktop.kept_tokens()? == 0).then_some(()));
    wait_for("the keyring to forget the token", Duration::from_secs(20), forgotten).await?;
    desktop.close_app().await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    desktop.sign_in(world.people(), "margaret").await?;
    desktop.sees("No events yet").await?;
    let told = desktop.script("return document.body.innerText.includes('keyring cannot be used')").await?;
    assert_eq!(told, false, "the keyring is not used again");
    Ok(())
}

#[tokio::test]
async fn a_session_that_takes_long_to_be_found_is_no_silence() -> Result<()> {
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
async fn a_kept_session_goes_on_when_the_sign_in_service_was_away() -> Result<()> {
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
    // what was known is shown; nobody is asked to sign in where nobody can
    desktop.sees("Upcoming events").await?;
    desktop.sees("You are offline").await?;
    proxy.mend();
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.sees_no_more("You are offline").await
}

/// An app whose machine's clock is so many seconds off.
async fn with_clock(world: &World, seconds: i64) -> Result<Desktop> {
    let command = format!("env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f '{seconds:+}s'");
    let mut desktop = Desktop::started_by(world, &format!("clock{seconds:+}"), &command).await?;
    desktop.start_app().await?;
    Ok(desktop)
}

#[tokio::test]
async fn a_clock_that_is_off_keeps_nobody_out() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    for seconds in [-120, 120] {
        let desktop = with_clock(&world, seconds).await?;
        desktop.sign_in(world.people(), "grace").await?;
        desktop.sees("Upcoming events").await.with_context(|| format!("{seconds} s"))?;
    }
    // the clock of the app is really another one
    let desktop = with_clock(&world, 24 * 3600).await?;
    desktop.sign_in(world.people(), "grace").await?;
    desktop.sees("The sign-in was refused").await
}

#[tokio::test]
async fn a_hanging_sign_in_service_holds_up_no_call() -> Result<()> {
    const TOKEN_LIVES_S: u32 = 40;
    let service = Url::parse(&stack()?.issuer())?;
    let proxy = Proxy::start(service.port().context("a port")?).await?;
    let issuer = format!("http://127.0.0.1:{}{}", proxy.port, service.path());
    let client = People::of(&issuer).client_with_brief_tokens(TOKEN_LIVES_S).await?;
    let env = [("OIDC_ISSUER_URL", issuer), ("OIDC_CLIENT", client)].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let desktop = signed_in(&world, "grace").await?;
    proxy.hold(true);
    // the app wants another token by then, and this one is good for a while
    let soon = Instant::now() + Duration::from_secs(u64::from(TOKEN_LIVES_S) * 3 / 4);
    tokio::time::sleep_until(soon.into()).await;
    for (route, words) in [("/bookings", "You have no bookings"), ("/notifications", "Nothing new"), ("/", "Upcoming")]
    {
        desktop.go(route).await?;
        desktop.sees(words).await?;
    }
    assert!(proxy.held() > 0, "no token was asked for");
    let offline = desktop.script("return document.body.innerText.includes('You are offline')").await?;
    assert_eq!(offline, false);
    // it answers again: the session goes on beyond the token's end
    proxy.hold(false);
    wait_for("another token", Duration::from_secs(60), || async {
        desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
        Ok(desktop.logs()?.contains("in_time=").then_some(()))
    })
    .await?;
    desktop.go("/bookings").await?;
    desktop.sees("You have no bookings").await
}
