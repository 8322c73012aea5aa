//! What organizers do: create an event, edit it, resolve a conflict with another person's edit, cancel a person's
//! booking, duplicate and cancel the event.

use anyhow::{Context, Result};
use happening_api::{Booking, Event, Role};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn an_organizer_creates_and_runs_an_event() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, grace, barbara) =
        (world.person("ada").await?, world.person("grace").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &grace, Role::Organizer).await?;
    let desktop = signed_in(&world, "grace").await?;

    // the form names its mistakes and sends nothing
    desktop.press("\u{e009}n\u{e000}").await?;
    desktop.sees("When you create it").await?;
    desktop.click("#save").await?;
    desktop.sees("2 things need your attention").await?;
    desktop.sees("Give the event a name").await?;
    desktop.fill("#name", "Spring Gala").await?;
    desktop.fill("#event_date", "2030-04-24").await?;
    desktop.fill("#total_slots", "4").await?;
    desktop.click(".choice:nth-child(2) input").await?;
    desktop.click("#save").await?;
    desktop.sees("Spring Gala is created.").await?;
    desktop.sees("Nobody has booked yet.").await?;

    let events: Vec<Event> = grace.get("/events?mine=true").await?.expect(200).json();
    let event = events.first().context("the event")?;
    assert_eq!((event.total_slots, event.max_seats_per_user), (4, Some(10)));
    let held: Booking = barbara.book(event.id, 4).await?.expect(201).json();
    desktop.sees("4 of 4 booked").await?;
    desktop.sees("Barbara Liskov").await?;

    // with too few seats, the form names the booked seat that prevents it
    desktop.click_text_of("a", "Edit").await?;
    desktop.fill("#total_slots", "3").await?;
    desktop.click("#save").await?;
    desktop.sees("Seat 4 is booked, so 4 is the smallest number.").await?;
    desktop.fill("#total_slots", "6").await?;
    desktop.sees("2 new seats are open to everybody.").await?;
    // another person saves first: the form shows both versions and overwrites nothing
    ada.put(&format!("/events/{}", event.id), json!({ "name": "Summer Gala" })).await?.expect(200);
    desktop.click("#save").await?;
    desktop.sees("This event was changed while you were editing").await?;
    desktop.sees("Summer Gala").await?;
    desktop.click("#keep-mine").await?;
    desktop.click("#save").await?;
    desktop.sees("Saved.").await?;
    let now = grace.event(event.id).await?;
    assert_eq!((now.name.as_str(), now.total_slots), ("Spring Gala", 6));

    // staff cancel a seat and give a reason, which the person can read
    desktop.click("button[aria-label='Cancel the booking of Barbara Liskov']").await?;
    for seat in 1..=3 {
        desktop.click(&format!(".tick:nth-child({seat}) input")).await?;
    }
    desktop.fill("#reason", "A pillar stands there.").await?;
    desktop.click_text("Take 1 seat").await?;
    desktop.sees("The person is told, with your reason.").await?;
    let left = barbara.booking(held.id).await?;
    assert_eq!(left.seat_numbers, [1, 2, 3]);

    desktop.click_text("Duplicate").await?;
    desktop.fill("#copy-date", "2030-05-01").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Nobody has booked it yet.").await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.sees("Barbara Liskov").await?;
    desktop.click_text("Cancel event").await?;
    desktop.sees("1 person is told.").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Everybody with a booking is told.").await?;
    desktop.sees("Delete event").await?;
    world.audit()
}

#[tokio::test]
async fn staff_release_and_give_seats_after_the_start() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let event = world.event(&ada, 3).await?;
    edsger.book(event.id, 3).await?.expect(201);
    barbara.book(event.id, 2).await?.expect(201);
    world.move_event(event.id, -1).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", &event.org_id.to_string()).await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.click("button[aria-label='Cancel the booking of Edsger Dijkstra']").await?;
    desktop.click(".tick:nth-child(1) input").await?;
    desktop.fill("#reason", "Two did not come.").await?;
    desktop.click_text("Take 2 seats").await?;
    desktop.sees("The person is told, with your reason.").await?;
    // Barbara waited until the event started
    desktop.click("button[aria-label='Give seats to Barbara Liskov']").await?;
    desktop.click("[aria-label='One more']").await?;
    desktop.fill("#reason", "You stood at the door.").await?;
    desktop.click_text("Give 2 seats").await?;
    desktop.sees("Barbara Liskov has seats 2 and 3 now, and is told, with your reason.").await?;
    desktop.sees("gave seats 2 and 3 to Barbara Liskov").await?;
    let hers: Vec<Booking> = barbara.get(&format!("/bookings/user/{}", barbara.user.id)).await?.expect(200).json();
    assert_eq!(hers.first().map(|one| one.seat_numbers.clone()), Some(vec![2, 3]));
    world.audit()
}

#[tokio::test]
async fn leaving_a_form_still_reports_its_result() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 4).await?;
    let desktop = signed_in(&world, "ada").await?;
    let save_and_leave = async || -> Result<()> {
        desktop.click("#save").await?;
        desktop.go("/notifications").await?;
        desktop.sees("Mark all as read").await
    };
    let edit = async |name: &str| -> Result<()> {
        desktop.go(&format!("/organize/{}/edit", event.id)).await?;
        desktop.sees("Nothing has changed yet.").await?;
        desktop.fill("#name", name).await
    };
    edit("Held too long").await?;
    // another transaction holds the event's row until the server gives up
    let mut holder = world.pool.begin().await?;
    sqlx::query("select 1 from events where id = $1 for update").bind(event.id.0).execute(&mut *holder).await?;
    save_and_leave().await?;
    desktop.sees("Your last action was not done.").await?;
    holder.rollback().await?;
    assert_ne!(ada.event(event.id).await?.name, "Held too long");

    edit("Held for a moment").await?;
    world.freeze_backend(0)?;
    let left = save_and_leave().await;
    world.thaw_backend(0)?;
    left?;
    desktop.sees("Saved.").await?;
    desktop.sees("Mark all as read").await?;
    assert_eq!(ada.event(event.id).await?.name, "Held for a moment");
    Ok(())
}

#[tokio::test]
async fn a_person_can_accept_the_other_edit_and_delete() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 4).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}/edit", event.id)).await?;
    desktop.sees("Nothing has changed yet.").await?;
    desktop.fill("#name", "Mine").await?;
    ada.put(&format!("/events/{}", event.id), json!({ "name": "Theirs" })).await?.expect(200);
    desktop.click("#save").await?;
    desktop.sees("Saved meanwhile").await?;
    desktop.click("#take-theirs").await?;
    desktop.sees("Nothing has changed yet.").await?;
    desktop.becomes("return document.querySelector('#name').value", "Theirs").await?;
    assert_eq!(ada.event(event.id).await?.name, "Theirs");

    // an event that has started cannot be transferred
    world.move_event(event.id, -10).await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.sees("Going on now").await?;
    desktop.go(&format!("/organize/{}/edit", event.id)).await?;
    desktop.sees("An event that has begun stays with its organizer").await?;
    desktop.exists("#owner:disabled").await?;

    world.move_event(event.id, 600).await?;
    desktop.go(&format!("/organize/{}", event.id)).await?;
    desktop.press("\u{e009}r\u{e000}").await?;
    desktop.sees_no_more("Going on now").await?;
    desktop.click_text("Cancel event").await?;
    desktop.click("#confirm").await?;
    desktop.click_text("Delete event").await?;
    desktop.sees("It disappears from every list.").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Theirs is deleted.").await?;
    ada.get(&format!("/events/{}", event.id)).await?.refused(404, "not_found");
    world.audit()
}
