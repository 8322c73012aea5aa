//! Bad input is answered with the field's name; things that the caller may not know of are answered 404.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, Role};
use happening_tests::World;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn bad_bodies_name_the_field() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let event = world.event(&a, 10).await?;
    let id = event.id;
    let table: [(Value, &str); 14] = [
        (json!({ "seats": 1 }), "event_id"),
        (json!({ "event_id": id }), "seats"),
        (json!({ "event_id": id, "seats": 0 }), "seats"),
        (json!({ "event_id": id, "seats": -3 }), "seats"),
        (json!({ "event_id": id, "seats": 51 }), "seats"),
        (json!({ "event_id": id, "seats": 11 }), "seats"),
        (json!({ "event_id": id, "seats": 1.5 }), "seats"),
        (json!({ "event_id": id, "seats": "two" }), "seats"),
        (json!({ "event_id": "nobody", "seats": 1 }), "event_id"),
        (json!({ "event_id": id, "seats": 2, "seat_numbers": [1] }), "seat_numbers"),
        (json!({ "event_id": id, "seats": 2, "seat_numbers": [1, 1] }), "seat_numbers"),
        (json!({ "event_id": id, "seats": 1, "seat_numbers": [11] }), "seat_numbers"),
        (json!({ "event_id": id, "seats": 1, "seat_numbers": [0] }), "seat_numbers"),
        (json!({ "event_id": id, "seats": 1, "colour": "red" }), "colour"),
    ];
    for (body, field) in table {
        let reply = a.post("/bookings", body.clone()).await?.refused(400, "invalid");
        let fields = reply.body["details"]["fields"].as_object().cloned().unwrap_or_default();
        assert!(fields.contains_key(field), "{body} names {fields:?} instead of {field}");
        assert!(reply.body["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
    assert_eq!(a.event(id).await?.available_slots, 10);
    world.audit()
}

#[tokio::test]
async fn malformed_oversized_and_unknown_requests_are_refused() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let http = reqwest::Client::new();
    let url = format!("{}/bookings", world.base(0));
    let post = |body: String, kind: &'static str| {
        http.post(&url).bearer_auth(&a.token).header("content-type", kind).body(body).send()
    };
    assert_eq!(post("{".to_owned(), "application/json").await?.status(), 400);
    assert_eq!(post("{}".to_owned(), "text/plain").await?.status(), 415);
    assert_eq!(post(" ".repeat(17 * 1024), "application/json").await?.status(), 413);
    // bodies of other calls may be longer
    let named = |kb: usize| json!({ "name": "x".repeat(kb * 1024) });
    a.post("/organizations", named(63)).await?.refused(400, "invalid");
    a.post("/organizations", named(65)).await?.refused(413, "too_large");
    assert_eq!(http.get(&url).bearer_auth(&a.token).send().await?.status(), 405);
    assert_eq!(http.get(format!("{}/nothing", world.base(0))).send().await?.status(), 404);
    assert_eq!(http.post(&url).body("{").send().await?.status(), 401, "the token must be checked before the body");
    a.call(Method::POST, "/bookings", Some(&json!({})), &[("Idempotency-Key", "two words")])
        .await?
        .refused(400, "invalid");
    a.get("/events?colour=red").await?.refused(400, "invalid");
    a.get("/events?limit=0").await?.refused(400, "invalid");
    a.get("/events?cursor=zzz").await?.refused(400, "invalid");
    a.get("/events/nobody").await?.refused(404, "not_found");
    Ok(())
}

#[tokio::test]
async fn hidden_things_answer_404() -> Result<()> {
    let world = World::new().await?;
    let (a, b, c) = (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let organization = world.organization(&a).await?;
    let event = world.event_in(&a, organization.id, 5, None).await?;
    a.put(&format!("/events/{}", event.id), json!({ "visibility": "members" })).await?.expect(200);
    let unknown = Uuid::from_u128(1);
    b.get(&format!("/events/{}", event.id)).await?.refused(404, "not_found");
    b.get(&format!("/events/{}/seats", event.id)).await?.refused(404, "not_found");
    b.book(event.id, 1).await?.refused(404, "not_found");
    b.book(unknown.into(), 1).await?.refused(404, "not_found");
    b.get(&format!("/organizations/{}/members", organization.id)).await?.refused(404, "not_found");
    b.put(&format!("/events/{}", event.id), json!({ "name": "Mine" })).await?.refused(404, "not_found");
    b.get(&format!("/bookings/user/{}", a.user.id)).await?.refused(403, "forbidden");

    world.set_role(organization.id, &b, Role::Organizer).await?;
    let mine: Booking = b.book(event.id, 1).await?.expect(201).json();
    b.put(&format!("/events/{}", event.id), json!({ "name": "Mine" })).await?.refused(403, "forbidden");
    c.get(&format!("/bookings/{}", mine.id)).await?.refused(404, "not_found");
    c.post(&format!("/bookings/{}/cancel", mine.id), json!({})).await?.refused(404, "not_found");
    b.post("/bookings", json!({ "event_id": event.id, "seats": 1, "user_id": a.user.id }))
        .await?
        .refused(403, "forbidden");

    // staff may cancel the booking, but must give a reason
    a.post(&format!("/bookings/{}/cancel", mine.id), json!({})).await?.refused(400, "invalid");
    a.post(&format!("/bookings/{}/cancel", mine.id), json!({ "reason": "The row is broken" })).await?.expect(200);
    world.audit()
}

#[tokio::test]
async fn refusals_name_seats_limits_and_fields() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let organization = world.organization(&a).await?;
    let event = world.event_in(&a, organization.id, 6, Some(4)).await?;
    let held: Booking = a.book_exactly(event.id, &[2, 3]).await?.expect(201).json();
    let reply = b.book_exactly(event.id, &[1, 2, 3]).await?.refused(409, "seats_taken");
    assert_eq!(reply.body["details"]["seats"], json!([2, 3]));
    let moved: Booking =
        b.post("/bookings", json!({ "event_id": event.id, "seats": 1, "seat_numbers": [2] })).await?.expect(201).json();
    assert_eq!((moved.reassigned, &moved.seat_numbers[..]), (true, &[1][..]));
    let reply = a.book(event.id, 3).await?.refused(409, "limit_reached");
    assert_eq!((&reply.body["details"]["limit"], &reply.body["details"]["have"]), (&json!(4), &json!(2)));
    // the limit is checked before the seats
    a.book_exactly(event.id, &[1, 4, 5]).await?.refused(409, "limit_reached");
    let reply = a
        .post(&format!("/bookings/{}/cancel-seats", held.id), json!({ "seat_numbers": [3, 6] }))
        .await?
        .refused(404, "not_found");
    assert_eq!(reply.body["details"]["seats"], json!([6]));
    for list in [json!([]), json!([3, 3])] {
        let body = json!({ "seat_numbers": list });
        let reply = a.post(&format!("/bookings/{}/cancel-seats", held.id), body).await?.refused(400, "invalid");
        assert!(reply.body["details"]["fields"]["seat_numbers"].is_string(), "{reply:?}");
    }
    let reply =
        a.put(&format!("/events/{}", event.id), json!({ "total_slots": 2 })).await?.refused(409, "seats_booked");
    assert_eq!(reply.body["details"]["seats"], json!([3]));
    let version = a.event(event.id).await?.version;
    let stale = format!("\"{}\"", version - 1);
    let path = format!("/events/{}", event.id);
    let reply = a.call(Method::PUT, &path, Some(&json!({ "name": "New" })), &[("If-Match", &stale)]).await?;
    assert_eq!(reply.refused(409, "stale").body["details"]["event"]["version"], json!(version));
    a.put(&path, json!({ "available_slots": 9 })).await?.refused(400, "invalid");
    a.put(&path, json!({ "name": null })).await?.refused(400, "invalid");
    world.audit()
}

#[tokio::test]
async fn taken_seats_are_refused_by_name_or_waited_for() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 4).await?;
    a.book_exactly(event.id, &[1, 2, 3]).await?.expect(201);
    let wish = |more: serde_json::Value| {
        let mut body = json!({ "event_id": event.id, "seats": 2, "seat_numbers": [3, 4] });
        body.as_object_mut().into_iter().for_each(|body| body.extend(more.as_object().cloned().unwrap_or_default()));
        body
    };
    for waitlist in [true, false] {
        let body = wish(json!({ "on_conflict": "reject", "waitlist": waitlist }));
        let reply = b.post("/bookings", body).await?.refused(409, "seats_taken");
        assert_eq!(reply.body["details"]["seats"], json!([3]));
    }
    b.post("/bookings", wish(json!({ "waitlist": false }))).await?.refused(409, "sold_out");
    let waits: Booking = b.post("/bookings", wish(json!({}))).await?.expect(201).json();
    assert_eq!((waits.status, waits.waiting_seats, waits.reassigned), (BookingStatus::Waiting, 2, false));
    // the last free seat is taken, and then nothing is left to replace the wished seats
    a.book_exactly(event.id, &[4]).await?.expect(201);
    let full: Booking = b.post("/bookings", wish(json!({}))).await?.expect(201).json();
    assert_eq!((full.status, full.waiting_number), (BookingStatus::Waiting, Some(2)));
    b.post("/bookings", wish(json!({ "on_conflict": "reject" }))).await?.refused(409, "seats_taken");
    world.audit()
}

#[tokio::test]
async fn the_seat_map_has_json_bits_and_an_etag() -> Result<()> {
    let world = World::new().await?;
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 10).await?;
    a.book_exactly(event.id, &[1, 10]).await?.expect(201);
    b.book_exactly(event.id, &[2]).await?.expect(201);
    let path = format!("/events/{}/seats", event.id);
    let reply = a.get(&path).await?.expect(200);
    assert_eq!(
        reply.body,
        json!({ "total": 10, "taken": [1, 2, 10], "mine": [1, 10], "version": reply.body["version"] })
    );
    let tag = reply.headers["etag"].to_str()?.to_owned();
    assert_eq!(reply.headers["vary"], "Authorization, Accept");
    a.call(Method::GET, &path, None, &[("If-None-Match", &tag)]).await?.expect(304);
    b.call(Method::GET, &path, None, &[("If-None-Match", &tag)]).await?.expect(200);
    let http = reqwest::Client::new();
    let request =
        http.get(format!("{}{path}", world.base(1))).bearer_auth(&b.token).header("accept", "application/octet-stream");
    let answer = request.send().await?;
    assert_eq!(answer.headers()["seats-total"], "10");
    assert_eq!(answer.bytes().await?[..], [0b1100_0000, 0b0100_0000]);
    Ok(())
}

#[tokio::test]
async fn spaces_around_a_reason_are_ignored() -> Result<()> {
    let world = World::new().await?;
    let a = world.person("ada").await?;
    let event = world.event(&a, 3).await?;
    for reason in [format!("{} ", "x".repeat(500)), format!("\n\t{}\u{a0}", "é".repeat(500))] {
        let booking: Booking = a.book(event.id, 1).await?.expect(201).json();
        let path = format!("/bookings/{}", booking.id);
        a.post(&format!("{path}/cancel"), json!({ "reason": reason })).await?.expect(200);
        let history = a.get(&format!("{path}/history")).await?.expect(200);
        let kept = history.body.as_array().and_then(|all| all.iter().find_map(|one| one["reason"].as_str()));
        assert_eq!(kept, Some(reason.trim()));
    }
    let booking: Booking = a.book(event.id, 1).await?.expect(201).json();
    for bad in ["x".repeat(501), " ".to_owned()] {
        let body = json!({ "reason": bad });
        a.post(&format!("/bookings/{}/cancel", booking.id), body).await?.refused(400, "invalid");
    }
    world.audit()
}
