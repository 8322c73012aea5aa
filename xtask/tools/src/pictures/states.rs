//! Pictures of screens that show a problem or ask for a confirmation.

use anyhow::{Context, Result};
use happening_api::{CreateBooking, CreatedInvite, Event, EventId, OnConflict, Organization};
use happening_stack::Stack;
use happening_stack::progress::say;
use happening_stack::project::target;
use happening_tests::desktop::Desktop;
use happening_tests::{Client, People};
use serde_json::json;

use super::{DOCUMENT_SIZE, SIZES, close_dialogs, picture};

/// Takes pictures of the current screen in light and dark and in all sizes.
pub(super) async fn everywhere(desktop: &Desktop, name: &str) -> Result<()> {
    for theme in ["light", "dark"] {
        desktop.script(&format!("document.documentElement.setAttribute('data-theme', '{theme}'); return 1")).await?;
        for (width, height) in SIZES {
            desktop.resize(width, height).await?;
            picture(desktop, name, theme == "dark", (width, height), false).await?;
        }
    }
    desktop.script("document.documentElement.setAttribute('data-theme', 'light'); return 1").await?;
    desktop.resize(DOCUMENT_SIZE.0, DOCUMENT_SIZE.1).await
}

/// Takes pictures of signing in: while the browser is open, and after the person cancelled there. Ends at the start
/// screen.
pub(super) async fn sign_in(desktop: &Desktop) -> Result<()> {
    desktop.click("#sign-in").await?;
    desktop.sees("Continue in your browser").await?;
    everywhere(desktop, "sign-in-waiting").await?;
    let page = desktop.opened_page().await?;
    let state = page.query_pairs().find(|(name, _)| name == "state").context("no state")?.1.into_owned();
    desktop.follow(&format!("happening://auth/callback?state={state}&error=access_denied"))?;
    desktop.sees("The sign-in was cancelled in the browser.").await?;
    everywhere(desktop, "sign-in-failed").await
}

/// The people and data that the pictures need.
pub(super) struct Cast<'a> {
    pub(super) people: &'a People,
    pub(super) server: &'a str,
    pub(super) ada: &'a Client,
    /// An event of Ada's with free seats.
    pub(super) event: EventId,
}

/// Takes all pictures after signing in. The last ones stop the stack.
pub(super) async fn signed_in(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    conflict(desktop, cast).await?;
    too_few(desktop, cast).await?;
    confirm(desktop, cast).await?;
    give_seats(desktop, cast).await?;
    nothing_found(desktop).await?;
    invite(desktop, cast).await?;
    compare(desktop, cast).await?;
    offline(desktop, cast).await
}

/// Another person books one of the chosen seats just before.
async fn conflict(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    desktop.go(&format!("/events/{}/seats", cast.event)).await?;
    desktop.sees("None chosen yet").await?;
    desktop.click("#best").await?;
    desktop.sees("2 chosen").await?;
    let chosen = desktop
        .script("return [...document.querySelectorAll('.seat-chip:not(.lost) button')].slice(0, 1).map(b => Number(b.parentElement.textContent))")
        .await?;
    let seats: Vec<i32> = serde_json::from_value(chosen)?;
    let other = Client::new(cast.server, &cast.people.token("donald").await?).await?;
    let body = CreateBooking {
        event_id: cast.event,
        seats: seats.len() as i32,
        seat_numbers: Some(seats),
        on_conflict: OnConflict::Reject,
        waitlist: false,
        user_id: None,
        reason: None,
    };
    other.post("/bookings", serde_json::to_value(body)?).await?.expect(201);
    desktop.click("#book").await?;
    desktop.sees("just taken").await?;
    picture(desktop, "seats-conflict", false, DOCUMENT_SIZE, true).await?;
    everywhere(desktop, "seats-conflict").await?;
    close_dialogs(desktop).await
}

/// A person wants more seats than are free.
async fn too_few(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    let org: Organization =
        cast.ada.post("/organizations", json!({ "name": "Quay Players" })).await?.expect(201).json();
    let body = json!({ "org_id": org.id, "name": "Improvised Harbour Tales", "event_date": "2031-05-03T18:00:00Z",
        "total_slots": 3, "visibility": "public", "category": "concert" });
    let event: Event = cast.ada.post("/events", body).await?.expect(201).json();
    cast.ada.book(event.id, 2).await?.expect(201);
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("None chosen yet").await?;
    desktop.exists("#take-free").await?;
    everywhere(desktop, "seats-too-few").await?;
    close_dialogs(desktop).await
}

/// The dialog that explains what cancelling an event does.
async fn confirm(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    desktop.go(&format!("/organize/{}", cast.event)).await?;
    desktop.click_text("Cancel event").await?;
    desktop.sees("Cancel this event?").await?;
    everywhere(desktop, "confirm").await?;
    close_dialogs(desktop).await?;
    desktop.press("\u{e00c}").await
}

/// Ada, as staff, gives free seats to a person.
async fn give_seats(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    desktop.go(&format!("/organize/{}", cast.event)).await?;
    desktop.click("button[aria-label^='Give seats to']").await?;
    desktop.sees("Give free seats").await?;
    desktop.fill("#reason", "They waited at the door, and a row is free.").await?;
    everywhere(desktop, "give-seats").await?;
    close_dialogs(desktop).await?;
    desktop.press("\u{e00c}").await
}

async fn nothing_found(desktop: &Desktop) -> Result<()> {
    desktop.go("/events").await?;
    desktop.fill("#event-search", "zither").await?;
    desktop.sees("No event fits").await?;
    everywhere(desktop, "events-none").await
}

/// The page of an invite after its link was opened.
async fn invite(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    let barbara = Client::new(cast.server, &cast.people.token("barbara").await?).await?;
    let org: Organization =
        barbara.post("/organizations", json!({ "name": "Lantern Film Club" })).await?.expect(201).json();
    let body = json!({ "org_id": org.id, "email": cast.ada.user.email, "role": "organizer" });
    let invite: CreatedInvite = barbara.post("/org-invites", body).await?.expect(201).json();
    desktop.follow(&format!("happening://invite/{}", invite.token))?;
    desktop.sees("Join Lantern Film Club").await?;
    everywhere(desktop, "invite-link").await
}

/// The comparison of two versions of an event, after another person saved first.
async fn compare(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    desktop.go(&format!("/organize/{}/edit", cast.event)).await?;
    desktop.sees("Nothing has changed yet.").await?;
    desktop.fill("#name", "Harbour Strings: Winter Matinee").await?;
    let event = cast.ada.event(cast.event).await?;
    let theirs = json!({ "name": "Harbour Strings: A Winter Evening" });
    cast.ada.put(&format!("/events/{}", cast.event), theirs).await?.expect(200);
    desktop.click("#save").await?;
    desktop.sees("changed while you were editing").await?;
    everywhere(desktop, "compare").await?;
    cast.ada.put(&format!("/events/{}", cast.event), json!({ "name": event.name })).await?.expect(200);
    Ok(())
}

/// Pictures without a server: a screen whose last answer was cached, and one that was never read.
async fn offline(desktop: &Desktop, cast: &Cast<'_>) -> Result<()> {
    desktop.go("/events").await?;
    desktop.sees("Harbour Strings").await?;
    Stack::at(&target().join("stack"))?.stop(&say)?;
    desktop.script("window.dispatchEvent(new Event('focus')); return 1").await?;
    desktop.sees("This is what we knew at").await?;
    everywhere(desktop, "offline").await?;
    desktop.go(&format!("/events/{}", cast.event)).await?;
    everywhere(desktop, "offline-event").await
}
