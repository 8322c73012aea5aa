//! `pictures`: the documents' pictures, taken from the real app on demo data.

use anyhow::Result;
use happening_api::{CreateBooking, Event, OnConflict};
use happening_tests::desktop::Desktop;
use happening_tests::{Client, People};

use crate::{build, packages, root, say, services, step, ui};

/// Takes them into `docs/pictures`.
///
/// # Errors
/// When a screen does not show what it should.
pub(crate) async fn take(ask: bool) -> Result<()> {
    packages::ensure(ask, &[packages::SERVICES, packages::SHELL, packages::VIRTUAL_DISPLAY, packages::WEBDRIVER])?;
    services::down().await?;
    // demo data is only added to an empty database
    std::fs::remove_dir_all(root().join("target/stack")).ok();
    let stack = services::up(ask, false).await?;
    ui::bundle()?;
    build::cargo(&["build", "--package", "happening"])?;
    step("Taking pictures");
    let server = format!("http://127.0.0.1:{}", stack.ports.backend);
    let people = People::of(&stack.issuer());
    let mut desktop =
        Desktop::at(&stack.folder.join("desktop"), &build::target().join("debug/happening"), &server, true).await?;
    let folder = root().join("docs/pictures");
    let picture = |desktop: &Desktop, name: &str| -> Result<()> {
        say(name);
        // what was just clicked has a moment to be drawn
        std::thread::sleep(std::time::Duration::from_millis(700));
        desktop.picture_at(&folder.join(format!("{name}.png")))
    };
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    picture(&desktop, "sign-in")?;
    desktop.sign_in(&people, "ada").await?;
    desktop.sees("Upcoming events").await?;
    desktop.sees("Harbour Strings").await?;
    desktop.sees("Confirmed").await?;
    picture(&desktop, "home")?;

    desktop.click("button[aria-label='Book seats: Harbour Strings: Winter Evening']").await?;
    desktop.sees("Choose your seats").await?;
    for _ in 0..2 {
        desktop.click(".seat-panel button[aria-label='One more']").await?;
    }
    desktop.click("#best").await?;
    desktop.sees("4 chosen").await?;
    picture(&desktop, "seats")?;
    take_two_away(&desktop, &people, &server).await?;
    desktop.click("#book").await?;
    desktop.sees("just taken").await?;
    picture(&desktop, "seats-conflict")?;
    desktop.click("dialog button[aria-label='Close']").await?;

    desktop.click_text("Manage seats").await?;
    desktop.sees("Which seats do you give up?").await?;
    desktop.click(".tick:nth-child(3) input").await?;
    desktop.click(".tick:nth-child(4) input").await?;
    desktop.sees("Give up 2 seats").await?;
    picture(&desktop, "manage-seats")?;
    desktop.click("dialog button[aria-label='Close']").await?;
    desktop.click("a[href='#/notifications']").await?;
    desktop.sees("Mark all as read").await?;
    desktop.sees("Booked").await?;
    picture(&desktop, "notifications")?;
    desktop.close_app().await
}

/// Somebody else books two of the seats that are chosen on the screen.
async fn take_two_away(desktop: &Desktop, people: &People, server: &str) -> Result<()> {
    let chosen = desktop
        .script("return [...document.querySelectorAll('.seat-chip:not(.lost) button')].slice(0, 2).map(b => Number(b.parentElement.textContent))")
        .await?;
    let seats: Vec<i32> = serde_json::from_value(chosen)?;
    let other = Client::new(server, &people.token("donald").await?).await?;
    let events: Vec<Event> = other.get("/events?limit=200").await?.expect(200).json();
    let event = events.iter().find(|event| event.name.starts_with("Harbour Strings")).map(|event| event.id);
    let Some(event_id) = event else { anyhow::bail!("the demo event is missing") };
    let body = CreateBooking {
        event_id,
        seats: seats.len() as i32,
        seat_numbers: Some(seats),
        on_conflict: OnConflict::Reject,
        waitlist: false,
        user_id: None,
    };
    other.post("/bookings", serde_json::to_value(body)?).await?.expect(201);
    Ok(())
}
