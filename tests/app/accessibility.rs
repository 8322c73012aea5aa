//! Accessibility of every screen: an automated checker in light and dark, text of twice the size, and use by keyboard
//! alone.

use anyhow::{Context, Result};
use happening_api::{Booking, Role};
use happening_tests::desktop::Desktop;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::screens::{Screen, screens};
use crate::signed_in;

/// Runs the checker with the rules of WCAG 2.1 A and AA, and its own rules of good practice.
const CHECK: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(
        result => done(result.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')
            + (n.any[0] ? ' (' + n.any[0].message + ')' : '')).join(' | '))),
        error => done(['the checker failed: ' + error]));";

/// The problems of the current screen.
async fn check(desktop: &Desktop, checker: &str, what: &str) -> Result<Vec<String>> {
    desktop.script(&format!("if (!window.axe) {{ {checker} }}; return 1")).await?;
    // finish running animations, since colours in the middle of a transition are not the design's
    let settle = "document.body.offsetTop;
        document.getAnimations().filter(one => one.effect.getComputedTiming().endTime !== Infinity).forEach(one => one.finish());
        return 1";
    desktop.script(settle).await?;
    let found = desktop.script_async(CHECK).await?;
    let mut found: Vec<String> =
        found.as_array().iter().flat_map(|all| all.iter()).map(|one| format!("{what}: {one}")).collect();
    // nothing may scroll sideways; one pixel is tolerated because widths are rounded
    let wide = desktop.script("return document.documentElement.scrollWidth > window.innerWidth + 1 || document.querySelector('#main, .welcome').scrollWidth > document.querySelector('#main, .welcome').clientWidth + 1").await?;
    if wide != false {
        let culprits = desktop
            .script(
                "const main = document.querySelector('#main, .welcome'), edge = main.getBoundingClientRect().right;
                return [...main.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > edge + 1).slice(0, 4)
                    .map(e => e.tagName + '.' + e.className).join(', ')",
            )
            .await?;
        found.push(format!("{what} scrolls sideways: {culprits}"));
    }
    Ok(found)
}

#[tokio::test]
async fn every_screen_passes_the_accessibility_checker() -> Result<()> {
    let checker = checker()?;
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let screens = screens(&world, &ada).await?;
    let desktop = signed_in(&world, "ada").await?;
    let mut found = Vec::new();
    for (theme, size) in [("light", "100%"), ("dark", "100%"), ("light", "200%")] {
        let set = "document.documentElement.setAttribute('data-theme', arguments[0])";
        let set = set.replace("arguments[0]", &format!("'{theme}'"));
        desktop.script(&format!("{set}; document.documentElement.style.fontSize = '{size}'; return 1")).await?;
        for Screen { route, shows, .. } in &screens {
            desktop.go(route).await?;
            desktop.exists_text(shows).await?;
            found.extend(check(&desktop, &checker, &format!("{route} in {theme} at {size}")).await?);
            desktop
                .script(
                    "document.querySelectorAll('dialog button[aria-label=Close]').forEach(b => b.click()); return 1",
                )
                .await?;
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[tokio::test]
async fn larger_system_text_is_not_cut_off() -> Result<()> {
    let checker = checker()?;
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let screens = screens(&world, &world.person("ada").await?).await?;
    let mut found = Vec::new();
    for scale in ["1.5", "2"] {
        let command = format!("env GDK_DPI_SCALE={scale}");
        let mut desktop = Desktop::started_by(&world, &format!("text{scale}"), &command).await?;
        desktop.start_app().await?;
        desktop.exists("#sign-in").await?;
        // the WebDriver ignores the scale and would click beside the button
        desktop.script("document.querySelector('#sign-in').click(); return 1").await?;
        let page = desktop.opened_page().await?;
        desktop.follow(world.people().sign_in_at(&page, "ada").await?.as_str())?;
        desktop.sees("Upcoming events").await?;
        desktop.becomes("return window.outerWidth / window.innerWidth > 1.4", true).await?;
        for Screen { route, shows, .. } in &screens {
            desktop.go(route).await?;
            desktop.exists_text(shows).await?;
            found.extend(check(&desktop, &checker, &format!("{route} at {scale}")).await?);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

/// Checks the current screen in light and dark.
async fn check_both(desktop: &Desktop, checker: &str, what: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        desktop.script(&format!("document.documentElement.setAttribute('data-theme', '{theme}'); return 1")).await?;
        found.extend(check(desktop, checker, &format!("{what} in {theme}")).await?);
    }
    Ok(found)
}

fn checker() -> Result<String> {
    let file = std::env::var_os("HAPPENING_AXE").context("HAPPENING_AXE is not set")?;
    Ok(std::fs::read_to_string(file)?)
}

#[tokio::test]
async fn sign_in_screens_pass_the_accessibility_checker() -> Result<()> {
    let checker = checker()?;
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let mut desktop = Desktop::new(&world, "frances", false).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    let mut found = check_both(&desktop, &checker, "sign-in").await?;
    desktop.click("#change-server").await?;
    desktop.exists("#server").await?;
    found.extend(check_both(&desktop, &checker, "another server").await?);
    desktop.click("#sign-in").await?;
    desktop.sees("Continue in your browser").await?;
    found.extend(check_both(&desktop, &checker, "waiting for the browser").await?);
    let page = desktop.opened_page().await?;
    let state = page.query_pairs().find(|(name, _)| name == "state").context("no state")?.1.into_owned();
    desktop.follow(&format!("happening://auth/callback?state={state}&error=access_denied"))?;
    desktop.sees("The sign-in was cancelled in the browser.").await?;
    found.extend(check_both(&desktop, &checker, "sign-in that failed").await?);
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[tokio::test]
async fn every_dialog_passes_the_accessibility_checker() -> Result<()> {
    let checker = checker()?;
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 6).await?;
    world.set_role(event.org_id, &barbara, Role::User).await?;
    let own: Booking = ada.book(event.id, 1).await?.expect(201).json();
    barbara.book(event.id, 2).await?.expect(201);
    let invite = json!({ "org_id": event.org_id, "email": "mira@happening.invalid", "role": "user" });
    ada.post("/org-invites", invite).await?.expect(201);
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", &event.org_id.to_string()).await?;
    let (board, booking) = (format!("/organize/{}", event.id), format!("/bookings/{}", own.id));
    let dialogs = [
        (booking.as_str(), "Cancel booking", "Cancel this booking?"),
        (&board, "Cancel event", "Cancel this event?"),
        (&board, "Duplicate", "Duplicate this event"),
        ("/members", "Invite people", "valid for 7 days"),
        ("/members", "Edit organization", "Forget who came"),
        ("/members", "Revoke", "Revoke this invite?"),
        ("/members", "Remove", "Their access ends at once."),
        ("/members", "End the organization", "End this organization?"),
        ("/settings", "Delete my account", "Delete your account?"),
        ("/", "Find", "Event, booking, organization or action"),
    ];
    let mut found = Vec::new();
    for (route, button, shows) in dialogs {
        desktop.go(route).await?;
        desktop.click_text(button).await?;
        desktop.exists_text(shows).await.with_context(|| format!("{button} on {route}"))?;
        desktop.exists("dialog[open]").await?;
        found.extend(check_both(&desktop, &checker, button).await?);
        desktop.press("\u{e00c}").await?;
        desktop.exists_no_more("dialog[open]").await?;
    }
    desktop.go(&board).await?;
    desktop.click("button[aria-label='Cancel the booking of Barbara Liskov']").await?;
    desktop.exists("dialog[open] #reason").await?;
    found.extend(check_both(&desktop, &checker, "cancelling for somebody").await?);
    desktop.press("\u{e00c}").await?;
    desktop.exists_no_more("dialog[open]").await?;
    desktop.click("button[aria-label='Give seats to Barbara Liskov']").await?;
    desktop.exists("dialog[open] #reason").await?;
    found.extend(check_both(&desktop, &checker, "giving seats").await?);
    desktop.press("\u{e00c}").await?;
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

#[tokio::test]
async fn animations_follow_the_desktop_setting() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let running = "return document.getAnimations().some(one => one.playState === 'running')";
    for still in [false, true] {
        let mut desktop = Desktop::new(&world, if still { "ken" } else { "dennis" }, false).await?;
        if still {
            desktop.without_animations()?;
        }
        desktop.start_app().await?;
        desktop.click("#sign-in").await?;
        desktop.sees("Continue in your browser").await?;
        desktop.becomes(running, !still).await.with_context(|| format!("without animations: {still}"))?;
    }
    Ok(())
}

/// Presses Tab until the element has the focus.
async fn tab_to(desktop: &Desktop, css: &str) -> Result<()> {
    for _ in 0..80 {
        let there = desktop.script(&format!("return document.activeElement.matches(`{css}`)")).await?;
        if there == true {
            return Ok(());
        }
        desktop.press("\u{e004}").await?;
    }
    anyhow::bail!("Tab never comes to {css}")
}

#[tokio::test]
async fn seats_are_booked_and_cancelled_by_keyboard() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 12).await?;
    let desktop = signed_in(&world, "dennis").await?;
    desktop.sees("Test evening").await?;
    // no clicks from here on: keys go to the focused element
    desktop.press("\u{e009}2\u{e000}").await?;
    desktop.sees("Only with free seats").await?;
    // the first Tab leads to a link that skips the sidebar and stays on the same screen
    desktop.script("document.activeElement.blur(); return 1").await?;
    tab_to(&desktop, ".skip").await?;
    desktop.press("\u{e007}").await?;
    desktop.becomes("return [document.activeElement.id, location.hash]", vec!["main", "#/events"]).await?;
    tab_to(&desktop, ".event-card .button").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("None chosen yet").await?;
    tab_to(&desktop, ".hall-canvas").await?;
    // go to the third seat and choose it, then to the end of its row and choose that seat
    desktop.press("\u{e014}\u{e014} ").await?;
    desktop.press("\u{e010} ").await?;
    desktop.sees("2 chosen").await?;
    // F6 moves the focus from the map to the list, to the chosen seats, and back to the map
    for part in [".seat-list", ".seat-summary", ".hall-canvas", ".seat-list"] {
        desktop.press("\u{e036}").await?;
        let there = format!("return document.activeElement.matches('{part}')");
        desktop.becomes(&there, true).await?;
    }
    tab_to(&desktop, "#book").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("Booked: seats 3 and 10 for Test evening.").await?;
    assert_eq!(owner.event(event.id).await?.available_slots, 10);

    // a dialog keeps the focus inside, closes with Escape, and returns the focus
    tab_to(&desktop, ".booking-actions .danger").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("Cancel this booking?").await?;
    desktop.becomes("return document.querySelector('dialog').contains(document.activeElement)", true).await?;
    desktop.press("\u{e00c}").await?;
    desktop.sees_no_more("Cancel this booking?").await?;
    // the focus returns to the button that opened the dialog
    desktop.becomes("return document.activeElement.matches('.booking-actions .danger')", true).await?;
    desktop.press("\u{e007}").await?;
    tab_to(&desktop, "#confirm").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("is cancelled.").await?;
    assert_eq!(owner.event(event.id).await?.available_slots, 12);

    // a dialog with its own address returns the focus, too
    tab_to(&desktop, "#choose").await?;
    desktop.press("\u{e007}").await?;
    desktop.sees("None chosen yet").await?;
    desktop.press("\u{e00c}").await?;
    desktop.sees_no_more("None chosen yet").await?;
    desktop.becomes("return document.activeElement.id", "choose").await?;

    // the finder opens any page
    desktop.press("\u{e009}k\u{e000}").await?;
    desktop.press("settings\u{e007}").await?;
    desktop.sees("Tell me when").await?;
    Ok(())
}
