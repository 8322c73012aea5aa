//! Changes between looking and clicking: the event is cancelled, seats are taken or freed, no answer comes.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, EventId};
use happening_tests::desktop::Desktop;
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

async fn world() -> Result<World> {
    World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await
}

/// Signs a person in who opens the seats of an event and chooses two.
async fn choosing(world: &World, login: &str, event: EventId) -> Result<Desktop> {
    let desktop = signed_in(world, login).await?;
    desktop.go(&format!("/events/{event}/seats")).await?;
    desktop.click("#best").await?;
    desktop.sees("2 chosen").await?;
    Ok(desktop)
}

#[tokio::test]
async fn choosing_seats_of_a_cancelled_event_says_too_late() -> Result<()> {
    let world = world().await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 12).await?;
    let desktop = choosing(&world, "dennis", event.id).await?;
    owner.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    desktop.click("#book").await?;
    desktop.sees("Too late").await?;
    desktop.exists_no_more("#book").await?;
    // the event's page says so, too
    desktop.click("dialog button[aria-label=Close]").await?;
    desktop.sees("This event takes no bookings").await?;
    world.audit()
}

#[tokio::test]
async fn retrying_an_unanswered_booking_creates_one_booking() -> Result<()> {
    let world = world().await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 12).await?;
    let desktop = choosing(&world, "ken", event.id).await?;
    world.freeze_backend(0)?;
    desktop.click("#book").await?;
    desktop.sees("The answer takes longer than usual. You will not be booked twice.").await?;
    desktop.sees("We don't know yet whether it is booked").await?;
    desktop.sees("Trying again cannot book twice.").await?;
    // nothing else can be booked until the outcome is known
    let fixed = "return document.querySelector('#book').disabled && document.querySelector('#best').disabled";
    desktop.becomes(fixed, true).await?;
    world.thaw_backend(0)?;
    desktop.click("#again").await?;
    desktop.sees("Booked: seats").await?;
    assert_eq!(owner.event(event.id).await?.available_slots, 10);
    world.audit()
}

#[tokio::test]
async fn with_too_few_seats_a_person_can_wait_then_claim() -> Result<()> {
    let world = world().await?;
    let owner = world.person("edsger").await?;
    let event = world.event(&owner, 6).await?;
    let held: Booking = owner.book(event.id, 4).await?.expect(201).json();
    let desktop = signed_in(&world, "margaret").await?;
    let person = world.person("margaret").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("None chosen yet").await?;
    desktop.click("dialog button[aria-label='One more']").await?;
    desktop.sees("Only 2 seats free, and you want 3.").await?;
    for choice in ["#take-free", "#take-and-wait", "#wait"] {
        desktop.exists(choice).await?;
    }
    desktop.click("#wait").await?;
    desktop.sees("1st on the waitlist").await?;
    let bookings: Vec<Booking> = person.get(&format!("/bookings/user/{}", person.user.id)).await?.expect(200).json();
    assert_eq!((bookings.len(), bookings[0].status, bookings[0].waiting_seats), (1, BookingStatus::Waiting, 3));

    // the booking's page offers the free seats; the person first wants fewer, then takes the free one
    desktop.go(&format!("/bookings/{}", bookings[0].id)).await?;
    desktop.sees("2 seats are free right now").await?;
    desktop.click_text("Take fewer").await?;
    desktop.sees("Take 1 free seat now").await?;
    desktop.click("#claim").await?;
    desktop.sees("You now hold seat 5.").await?;
    desktop.sees("1 seat is free right now").await?;
    // another person gives a seat back, and this person gets it without a click
    owner.post(&format!("/bookings/{}/cancel-seats", held.id), json!({ "seat_numbers": [2] })).await?.expect(200);
    assert_eq!(person.booking(bookings[0].id).await?.seat_numbers, [2, 5]);
    world.audit()
}

#[tokio::test]
async fn with_too_few_seats_a_person_can_take_fewer() -> Result<()> {
    let world = world().await?;
    let owner = world.person("edsger").await?;
    let event = world.event_in(&owner, world.organization(&owner).await?.id, 3, Some(2)).await?;
    owner.book(event.id, 2).await?.expect(201);
    let desktop = signed_in(&world, "ken").await?;
    desktop.go(&format!("/events/{}/seats", event.id)).await?;
    desktop.sees("Only 1 seat free, and you want 2.").await?;
    desktop.click("#take-free").await?;
    desktop.sees("Booked: seat 3").await?;
    let person = world.person("ken").await?;
    let mine: Vec<Booking> = person.get(&format!("/bookings/user/{}", person.user.id)).await?.expect(200).json();
    assert_eq!((mine.len(), mine[0].waiting_seats, mine[0].seat_numbers.as_slice()), (1, 0, [3].as_slice()));
    // the event is full now and offers its waitlist
    desktop.go("/events").await?;
    desktop.sees("Join the waitlist").await?;
    world.audit()
}

#[tokio::test]
async fn events_are_found_by_date_and_bad_dates_marked() -> Result<()> {
    let world = world().await?;
    let owner = world.person("edsger").await?;
    let org = world.organization(&owner).await?;
    for (name, date) in [("Soon enough", "2031-05-03T18:00:00Z"), ("Much later", "2031-06-20T18:00:00Z")] {
        let body =
            json!({ "org_id": org.id, "name": name, "event_date": date, "total_slots": 5, "visibility": "public" });
        owner.post("/events", body).await?.expect(201);
    }
    let desktop = signed_in(&world, "frances").await?;
    desktop.go("/events").await?;
    desktop.sees("Much later").await?;
    desktop.fill("#to-date", "2031-05-03").await?;
    desktop.sees_no_more("Much later").await?;
    desktop.sees("Soon enough").await?;
    desktop.fill("#from-date", "2031-05-04").await?;
    desktop.sees("No event fits").await?;
    desktop.fill("#from-date", "2031-5-").await?;
    desktop.exists("#from-date[aria-invalid=true]").await?;
    desktop.sees("Soon enough").await?;
    desktop.click_text("Soon enough").await?;
    desktop.sees("Saturday 3 May 2031").await?;
    world.audit()
}
