//! `pictures`: takes pictures of every screen of the real app on demo data, in light and dark and in three sizes, into
//! `target/pictures`; those that the documents show go into `docs/pictures`.

mod states;

use std::path::PathBuf;

use anyhow::{Context, Result};
use happening_api::{Booking, Event, EventId, EventStatus};
use happening_stack::Stack;
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target};
use happening_tests::desktop::Desktop;
use happening_tests::{Client, People};

/// Window sizes: the smallest, the one that the screens were designed for, and a large one.
const SIZES: [(u32, u32); 3] = [(900, 600), (1280, 800), (1920, 1080)];
/// The window size of the documents' pictures.
const DOCUMENT_SIZE: (u32, u32) = (1280, 800);

/// A screen, and the text that must appear before its picture is taken.
struct Screen {
    name: &'static str,
    route: String,
    shows: &'static str,
    /// CSS selectors of the buttons to click once the screen is shown.
    clicks: &'static [&'static str],
    /// Whether the documents show this screen.
    documented: bool,
}

/// Takes all pictures.
///
/// # Errors
/// When a screen does not show its text.
pub(crate) async fn take() -> Result<()> {
    let stack = Stack::at(&target().join("stack"))?;
    step("Taking pictures");
    let server = format!("http://127.0.0.1:{}", stack.ports.backend);
    let people = People::of(&stack.issuer());
    let mut desktop = desktop(&stack, &server).await?;
    desktop.start_app().await?;
    desktop.sees("Sign in to Happening").await?;
    picture(&desktop, "sign-in", false, DOCUMENT_SIZE, true).await?;
    states::everywhere(&desktop, "sign-in").await?;
    states::sign_in(&desktop).await?;
    desktop.sign_in(&people, "ada").await?;
    desktop.sees("Upcoming events").await?;
    let ada = Client::new(&server, &people.token("ada").await?).await?;
    let screens = screens(&ada).await?;
    for dark in [false, true] {
        let theme = if dark { "dark" } else { "light" };
        desktop.script(&format!("localStorage.setItem('theme', '{theme}'); location.reload(); return 1")).await?;
        desktop.sees("Home").await?;
        for (width, height) in SIZES {
            desktop.resize(width, height).await?;
            for screen in &screens {
                show(&desktop, screen).await?;
                picture(&desktop, screen.name, dark, (width, height), screen.documented).await?;
                close_dialogs(&desktop).await?;
            }
        }
    }
    desktop.script("localStorage.removeItem('theme'); location.reload(); return 1").await?;
    desktop.resize(DOCUMENT_SIZE.0, DOCUMENT_SIZE.1).await?;
    let event = demo_event(&ada, "Harbour Strings").await?;
    states::signed_in(&desktop, &states::Cast { people: &people, server: &server, ada: &ada, event }).await?;
    desktop.close_app().await
}

async fn desktop(stack: &Stack, server: &str) -> Result<Desktop> {
    Desktop::at(&stack.folder.join("desktop"), &target().join("debug/happening"), server, true).await
}

/// The demo event whose name begins with `start`.
async fn demo_event(ada: &Client, start: &str) -> Result<EventId> {
    let events: Vec<Event> = ada.get("/events?limit=200").await?.expect(200).json();
    let found = events.iter().find(|event| event.name.starts_with(start));
    found.map(|event| event.id).with_context(|| format!("the demo event {start} is missing"))
}

async fn screens(ada: &Client) -> Result<Vec<Screen>> {
    let mine: Vec<Booking> = ada.get(&format!("/bookings/user/{}", ada.user.id)).await?.expect(200).json();
    let ahead = |one: &&Booking| one.event.as_ref().is_some_and(|event| event.status == EventStatus::Upcoming);
    let held =
        mine.iter().filter(ahead).find(|one| one.seat_numbers.len() > 1).context("no demo booking with seats")?.id;
    let waits = mine.iter().find(|one| one.waiting_seats > 0).context("no demo booking that waits")?.id;
    let strings = demo_event(ada, "Harbour Strings").await?;
    let screen = |name, route: String, shows| Screen { name, route, shows, clicks: &[], documented: false };
    let documented = |screen: Screen| Screen { documented: true, ..screen };
    let with = |screen: Screen, clicks| Screen { clicks, ..screen };
    Ok(vec![
        documented(screen("home", "/".to_owned(), "Organized by you")),
        documented(screen("events", "/events".to_owned(), "Harbour Strings")),
        documented(screen("event", format!("/events/{strings}"), "Who can book")),
        documented(with(screen("seats", format!("/events/{strings}/seats"), "None chosen yet"), &["#best"])),
        screen("bookings", "/bookings".to_owned(), "Ahead"),
        documented(screen("waitlist", format!("/bookings/{waits}"), "What happened so far")),
        documented(with(
            screen("manage-seats", format!("/bookings/{held}/seats"), "What happens"),
            &[".tick:nth-child(2) input"],
        )),
        screen("organize", "/organize".to_owned(), "Create event"),
        documented(screen("board", format!("/organize/{strings}"), "Recent activity")),
        documented(screen("edit-event", format!("/organize/{strings}/edit"), "When you save")),
        screen("create-event", "/organize/new".to_owned(), "When you create it"),
        documented(screen("members", "/members".to_owned(), "Member since")),
        with(screen("invite", "/members".to_owned(), "Member since"), &["#invite"]),
        documented(screen("notifications", "/notifications".to_owned(), "Mark all as read")),
        documented(screen("settings", "/settings".to_owned(), "Tell me when")),
        screen("about", "/about".to_owned(), "webview:"),
        with(screen("finder", "/".to_owned(), "Organized by you"), &[".nav-find"]),
    ])
}

async fn show(desktop: &Desktop, screen: &Screen) -> Result<()> {
    desktop.go(&screen.route).await?;
    // "Member since" is shown in wide windows only
    if screen.shows != "Member since" {
        desktop.sees(screen.shows).await.with_context(|| format!("the screen {}", screen.name))?;
    } else {
        desktop.sees("Role").await?;
    }
    for css in screen.clicks {
        desktop.click(css).await?;
    }
    Ok(())
}

async fn close_dialogs(desktop: &Desktop) -> Result<()> {
    desktop
        // the button that opened the dialog gets the focus back; blur it, so that the next picture has no focus ring
        .script("document.querySelectorAll('dialog button[aria-label=Close]').forEach(b => b.click()); requestAnimationFrame(() => document.activeElement?.blur()); return 1")
        .await
        .map(drop)
}

async fn picture(desktop: &Desktop, name: &str, dark: bool, size: (u32, u32), documented: bool) -> Result<()> {
    // give the window time to draw the latest changes
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let theme = if dark { "dark" } else { "light" };
    let (width, height) = size;
    let folder: PathBuf = target().join("pictures").join(format!("{width}x{height}-{theme}"));
    say(&format!("{width}x{height} {theme}: {name}"));
    let file = folder.join(format!("{name}.png"));
    desktop.picture_of(&file, &format!("{width}x{height}"))?;
    if documented && !dark && size == DOCUMENT_SIZE {
        std::fs::copy(&file, root().join(format!("docs/pictures/{name}.png")))?;
    }
    if name == "home" && dark && size == DOCUMENT_SIZE {
        std::fs::copy(&file, root().join("docs/pictures/home-dark.png"))?;
    }
    Ok(())
}
