//! What an event's staff see: bookings with people, files, activity. Other people are refused.

use anyhow::{Context, Result};
use happening_api::{ActivityEntry, AuditEntry, Booking, BookingStatus, Notification, NotificationType, Role};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

async fn text(person: &Client, path: &str) -> Result<(String, String)> {
    let answer = reqwest::Client::new()
        .get(format!("{}{path}", person.base))
        .bearer_auth(&person.token)
        .send()
        .await?
        .error_for_status()?;
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    Ok((kind, answer.text().await?))
}

/// Checks that pages of the board follow each other, and that the list of waiting bookings has them in the waitlist's
/// order, whether or not they hold seats already.
async fn pages_follow(staff: &Client, path: &str, board: &[Booking]) -> Result<()> {
    let first_two = async |query: &str| -> Result<Vec<Booking>> {
        let page = staff.get(&format!("{path}/bookings?{query}")).await?.expect(200);
        let next = page.next_page().context("a second page")?;
        let (one, two): (Vec<Booking>, Vec<Booking>) = (page.json(), staff.get(&next).await?.expect(200).json());
        Ok([one, two].concat())
    };
    assert_eq!(first_two("limit=2").await?, board[..4]);
    assert_eq!(first_two("limit=1&waiting=true").await?, [board[1].clone(), board[3].clone()]);
    let waiting = staff.get(&format!("{path}/bookings?waiting=true")).await?.expect(200);
    assert_eq!(waiting.headers["x-total-count"], "2");
    Ok(())
}

#[tokio::test]
async fn staff_see_and_export_bookings_in_order() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, edsger, donald) = (
        world.person("ada").await?,
        world.person("barbara").await?,
        world.person("edsger").await?,
        world.person("donald").await?,
    );
    let event = world.event(&ada, 4).await?;
    let path = format!("/events/{}", event.id);
    edsger.book_exactly(event.id, &[3, 4]).await?.expect(201);
    let first: Booking = barbara.book_exactly(event.id, &[1]).await?.expect(201).json();
    let left: Booking = donald.book_exactly(event.id, &[2]).await?.expect(201).json();
    let waits: Booking = donald.book(event.id, 3).await?.expect(201).json();
    let behind: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    ada.post(&format!("/bookings/{}/cancel", left.id), json!({})).await?.refused(400, "invalid");
    ada.post(&format!("/bookings/{}/cancel", left.id), json!({ "reason": "Double booked" })).await?.expect(200);

    let board: Vec<Booking> = ada.get(&format!("{path}/bookings")).await?.expect(200).json();
    let order: Vec<_> = board.iter().map(|one| (one.status, one.seat_numbers.clone(), one.position)).collect();
    assert_eq!(
        order,
        [
            (BookingStatus::Confirmed, vec![1], None),
            (BookingStatus::Confirmed, vec![2], Some(1)),
            (BookingStatus::Confirmed, vec![3, 4], None),
            (BookingStatus::Waiting, vec![], Some(2)),
            (BookingStatus::Cancelled, vec![], None),
        ]
    );
    assert_eq!((board[1].id, board[3].id, board[3].seats_ahead), (waits.id, behind.id, Some(2)));
    assert_eq!(board[0].user.as_ref().map(|user| user.email.as_str()), Some("barbara@happening.invalid"));
    pages_follow(&ada, &path, &board).await?;

    sqlx::query("update users set name = '=1+1\"' where id = $1").bind(donald.user.id.0).execute(&world.pool).await?;
    let (kind, csv) = text(&ada, &format!("{path}/attendees.csv")).await?;
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert!(kind.starts_with("text/csv"));
    assert_eq!(lines[0], "name,e-mail,status,seats,position,booked at");
    assert!(lines[2].starts_with("\"'=1+1\"\"\",donald@happening.invalid,confirmed,2,1,"), "{csv}");
    assert_eq!(lines.len(), 7, "{csv}");
    let (kind, calendar) = text(&barbara, &format!("{path}/calendar.ics")).await?;
    assert!(
        kind.starts_with("text/calendar")
            && calendar.contains("SUMMARY:Test evening")
            && calendar.contains(&event.id.to_string()),
        "{calendar}"
    );

    let activity: Vec<ActivityEntry> = ada.get(&format!("{path}/activity")).await?.expect(200).json();
    let actions: Vec<&str> = activity.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions[..2], ["booking_promoted", "booking_cancelled"].map(|action| action), "{activity:?}");
    assert_eq!(actions.last(), Some(&"event_created"));
    let cancelled = &activity[1];
    assert_eq!(
        (cancelled.reason.as_deref(), cancelled.actor_id, cancelled.booking_id),
        (Some("Double booked"), Some(ada.user.id), Some(left.id))
    );
    assert_eq!(barbara.booking(first.id).await?.user, None, "a person who is not staff sees whose booking it is");
    world.audit()
}

#[tokio::test]
async fn people_who_are_not_staff_get_403_or_404() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, edsger, donald) = (
        world.person("ada").await?,
        world.person("barbara").await?,
        world.person("edsger").await?,
        world.person("donald").await?,
    );
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::Organizer).await?;
    world.set_role(org.id, &edsger, Role::User).await?;
    let public = world.event_in(&ada, org.id, 3, None).await?;
    let hidden = world.event_in(&ada, org.id, 3, None).await?;
    ada.put(&format!("/events/{}", hidden.id), json!({ "visibility": "members" })).await?.expect(200);
    let booking: Booking = ada.book(hidden.id, 1).await?.expect(201).json();
    for route in ["bookings", "attendees.csv", "activity"] {
        let (open, closed) = (format!("/events/{}/{route}", public.id), format!("/events/{}/{route}", hidden.id));
        donald.get(&open).await?.refused(403, "forbidden");
        donald.get(&closed).await?.refused(404, "not_found");
        for member in [&barbara, &edsger] {
            member.get(&open).await?.refused(403, "forbidden");
            member.get(&closed).await?.refused(403, "forbidden");
        }
    }
    donald.get(&format!("/events/{}/calendar.ics", hidden.id)).await?.refused(404, "not_found");
    // Barbara may know this event of a colleague: its lists are refused, while a single booking is answered as missing
    barbara.get(&format!("/bookings/{}", booking.id)).await?.refused(404, "not_found");
    world.audit()
}

#[tokio::test]
async fn former_staff_cannot_cancel() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara, donald) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("donald").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::Organizer).await?;
    let event = world.event_in(&barbara, org.id, 3, None).await?;
    let booking: Booking = donald.book(event.id, 2).await?.expect(201).json();
    for call in ["cancel", "cancel-seats"] {
        world.set_role(org.id, &barbara, Role::Organizer).await?;
        let mut body = json!({ "reason": "The row is broken" });
        if call == "cancel-seats" {
            body["seat_numbers"] = json!([1]);
        }
        // Barbara passed the check of her role and waits for the event's row
        let mut holder = world.pool.begin().await?;
        sqlx::query("select 1 from events where id = $1 for update").bind(event.id.0).execute(&mut *holder).await?;
        let demoted = async {
            world.held_up(1).await?;
            world.set_role(org.id, &barbara, Role::User).await?;
            anyhow::Ok(holder.commit().await?)
        };
        let path = format!("/bookings/{}/{call}", booking.id);
        let (reply, demoted) = tokio::join!(barbara.post(&path, body), demoted);
        demoted?;
        reply?.refused(403, "forbidden");
    }
    assert_eq!(donald.booking(booking.id).await?.seat_numbers, [1, 2]);
    world.audit()
}

#[tokio::test]
async fn cancellations_by_staff_are_explained_and_logged() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 4).await?;
    let booking: Booking = barbara.book(event.id, 2).await?.expect(201).json();
    let reason = json!({ "reason": "The row is broken" });
    ada.post(&format!("/bookings/{}/cancel", booking.id), reason).await?.expect(200);
    let told = wait_for("the notification", std::time::Duration::from_secs(30), || async {
        let all: Vec<Notification> = barbara.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == NotificationType::BookingCancelled))
    })
    .await?;
    assert!(told.message.contains("Reason: The row is broken"), "{}", told.message);
    let log: Vec<AuditEntry> = ada.get(&format!("/organizations/{}/audit", event.org_id)).await?.expect(200).json();
    let entry = log.iter().find(|entry| entry.action == "booking_cancelled").context("nothing in the log")?;
    assert_eq!((entry.actor_id, entry.subject_id), (Some(ada.user.id), booking.id.0));
    // the audit log does not record a person's cancellation of their own booking
    let own: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    barbara.post(&format!("/bookings/{}/cancel", own.id), json!({})).await?.expect(200);
    let log: Vec<AuditEntry> = ada.get(&format!("/organizations/{}/audit", event.org_id)).await?.expect(200).json();
    assert_eq!(log.iter().filter(|entry| entry.action == "booking_cancelled").count(), 1);
    world.audit()
}
