//! Examples for the OpenAPI document: one value for each type, built from the Rust type itself, so that it always matches the code. A
//! new type of body or answer needs an entry in [`of`]; a test fails when it is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::{
    ActivityEntry, AuditEntry, Booking, BookingEvent, BookingStatus, BookingUser, CancelBooking, CancelSeats, Category,
    Channel, ClaimSeats, CreateBooking, CreateEvent, CreateInvite, CreateOrganization, CreatedInvite, DuplicateEvent,
    ErrorBody, Event, EventOrg, EventStatus, HistoryAction, HistoryEntry, Invite, InvitePreview, InviteStatus, Marked,
    Member, NoFields, Notification, NotificationStatus, NotificationType, OnConflict, Organization, Role, SeatMap,
    UpdateEvent, UpdateMember, UpdateOrganization, UpdateUser, User, Visibility, WaitlistMove,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, Schema};
use uuid::Uuid;

use super::answer::body_of;
use super::context::RequestContext;
use super::health::{About, DatabaseTest, Live, Ready, SignIn};
use super::open;
use crate::events::attendees;
use crate::events::calendar::{self, CalendarEvent};
use crate::invites;
use crate::limits::Standing;
use crate::problem::Problem;
use crate::users::store::Export;

/// Adds an example to every body and answer of the document, except the bitmap of seats: JSON cannot show its bytes, so the
/// description of its route does.
pub(super) fn add(document: &mut OpenApi) {
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
        operations.into_iter().flatten().for_each(add_to);
    }
}

fn add_to(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for (kind, content) in &mut body.content {
            give(content, |content| of_content(kind, content, "200"));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(Response { content, .. }) = response else { continue };
        for (kind, content) in content {
            give(content, |content| of_content(kind, content, status));
        }
    }
}

fn give(content: &mut RefOr<Content>, example: impl Fn(&Content) -> Option<Value>) {
    if let RefOr::T(content) = content {
        content.example = example(content);
    }
}

fn of_content(kind: &str, content: &Content, status: &str) -> Option<Value> {
    match kind {
        "text/calendar" => return Some(calendar_file().into()),
        "text/csv" => return String::from_utf8(attendees::csv(std::iter::once(booking())).ok()?).ok().map(Value::from),
        "text/html" => return Some(open::page_of_event(id(3).into()).into()),
        _ => {}
    }
    let name = |reference: &Ref| reference.ref_location.rsplit('/').next().and_then(|name| of(name, status));
    match content.schema.as_ref()? {
        RefOr::Ref(reference) => name(reference),
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(item) => match item.as_ref() {
                RefOr::Ref(reference) => name(reference).map(|one| json!([one])),
                RefOr::T(_) => None,
            },
            ArrayItems::False => None,
        },
        // a body that may be omitted
        RefOr::T(Schema::OneOf(either)) => either.items.iter().find_map(|one| match one {
            RefOr::Ref(reference) => name(reference),
            RefOr::T(_) => None,
        }),
        RefOr::T(_) => None,
    }
}

fn of(name: &str, status: &str) -> Option<Value> {
    Some(match name {
        "ActivityEntry" => value(&activity()),
        "AuditEntry" => value(&audit_entry()),
        "Booking" => value(&booking()),
        "CancelBooking" => value(&CancelBooking { reason: Some("The hall is smaller than planned.".to_owned()) }),
        "CancelSeats" => value(&CancelSeats { seat_numbers: vec![15], reason: None }),
        "ClaimSeats" => value(&ClaimSeats { seats: Some(2) }),
        "CreateBooking" => value(&create_booking()),
        "CreateEvent" => value(&create_event()),
        "CreateInvite" => {
            value(&CreateInvite { org_id: id(2).into(), email: "mary@example.org".to_owned(), role: Role::Organizer })
        }
        "CreateOrganization" => value(&CreateOrganization { name: "Harbour Hall".to_owned() }),
        "CreatedInvite" => value(&created_invite()),
        "Export" => value(&export()),
        "DuplicateEvent" => value(&DuplicateEvent { event_date: at(50), ends_at: None, name: None }),
        "ErrorBody" => value(&error(status)?),
        "Event" => value(&event()),
        "HistoryEntry" => value(&history()),
        "WaitlistMove" => value(&waitlist_move()),
        "Invite" => value(&invite()),
        "InvitePreview" => value(&preview()),
        "Member" => value(&member()),
        "NoFields" => value(&NoFields {}),
        "Notification" => value(&notification()),
        "Organization" => value(&organization()),
        "SeatMap" => value(&SeatMap { total: 20, taken: vec![1, 2, 14, 15], mine: vec![14, 15], version: 3 }),
        "UpdateEvent" => value(&UpdateEvent { place: Some(Some("Quay 4".to_owned())), ..UpdateEvent::default() }),
        "UpdateMember" => value(&UpdateMember { role: Role::Organizer }),
        "UpdateOrganization" => {
            value(&UpdateOrganization { name: Some("Harbour Hall".to_owned()), retention_days: None })
        }
        "UpdateUser" => value(&update_user()),
        "User" => value(&user()),
        "About" => value(&About::of(SignIn::at("https://login.example.org/realms/happening", "happening-desktop"))),
        "DatabaseTest" => value(&DatabaseTest::took(Duration::from_micros(400))),
        "Live" => value(&Live::now()),
        "Marked" => value(&Marked { read: 3 }),
        "Ready" => value(&Ready::example(status)),
        _ => return None,
    })
}

fn calendar_file() -> String {
    let shown = event();
    let url = format!("https://happening.example.org/open/event/{}", shown.id);
    calendar::file(&CalendarEvent::of(&shown, &url), at(-12))
}

fn export() -> Export {
    let (event, booking, org) = (event(), booking(), organization());
    Export {
        user: value(&user()),
        memberships: vec![
            json!({ "org_id": org.id, "organization": org.name, "role": Role::User, "joined_at": at(-60) }),
        ],
        bookings: vec![json!({ "id": booking.id, "seats": booking.seats, "seat_numbers": booking.seat_numbers,
            "status": booking.status, "created_at": booking.created_at, "history": [history()],
            "event": { "id": event.id, "name": event.name, "event_date": event.event_date, "place": event.place } })],
        notifications: vec![value(&notification())],
        events_owned: Vec::new(),
        events_created: Vec::new(),
        invites_received: Vec::new(),
        changes_to_you: Vec::new(),
        invites_sent: Vec::new(),
        actions: vec![value(&audit_entry())],
    }
}

/// An example of the problem that is answered with this status, made by the functions that the handlers use.
fn error(status: &str) -> Option<ErrorBody> {
    let error = match status {
        "400" => Problem::field("seats", "must be 1 to 50"),
        "401" => Problem::unauthenticated(),
        "403" => Problem::forbidden(),
        "404" => Problem::not_found(),
        "409" => happening_seating::Refusal::EventNotOpen.into(),
        "410" => invites::gone(),
        "413" => Problem::too_large(),
        "415" => Problem::not_json(),
        "422" => Problem::key_reused(),
        "429" => Problem::rate_limited(Standing { requests: 600, window_s: 60, wait_s: 1 }),
        "503" => Problem::unavailable(anyhow::anyhow!("Postgres does not answer")),
        _ => return None,
    };
    // a write without an Idempotency-Key
    let context = RequestContext { request_id: id(99).to_string(), writes: true, keyed: false };
    Some(body_of(&error, &context))
}

fn value<T: Serialize>(example: &T) -> Value {
    serde_json::to_value(example).expect("examples have string keys and finite numbers")
}

/// An id of the same form as real ones: first the time, then a random part.
fn id(n: u16) -> Uuid {
    Uuid::from_u128(0x0198_a7a4_3c5e_7d3f_9a65_0d2b_0c4f_0000 | u128::from(n))
}

/// A time that many days after an evening in March.
fn at(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_899_484_200 + days * 86_400, 0).unwrap_or_default()
}

fn booking() -> Booking {
    Booking {
        id: id(4).into(),
        event_id: id(3).into(),
        user_id: id(1).into(),
        seats: 2,
        seat_numbers: vec![14, 15],
        waiting_seats: 0,
        status: BookingStatus::Confirmed,
        waiting_number: None,
        position: None,
        bookings_ahead: None,
        seats_ahead: None,
        reassigned: false,
        created_at: at(-9),
        updated_at: at(-9),
        user: Some(BookingUser { name: "Mary Somerville".to_owned(), email: "mary@example.org".to_owned() }),
        event: Some(BookingEvent {
            id: id(3).into(),
            org_id: id(2).into(),
            name: "Spring Evening".to_owned(),
            event_date: at(0),
            place: Some("Quay 3".to_owned()),
            status: EventStatus::Upcoming,
            time_zone: "Europe/Berlin".to_owned(),
            category: Some(Category::Concert),
            available_slots: 248,
        }),
    }
}

fn create_booking() -> CreateBooking {
    CreateBooking {
        event_id: id(3).into(),
        seats: 2,
        seat_numbers: Some(vec![14, 15]),
        on_conflict: OnConflict::Reject,
        waitlist: true,
        user_id: None,
        reason: None,
    }
}

fn event() -> Event {
    Event {
        id: id(3).into(),
        org_id: id(2).into(),
        org: EventOrg { id: id(2).into(), name: "Harbour Hall".to_owned() },
        created_by: id(1).into(),
        owner_id: id(1).into(),
        name: "Spring Evening".to_owned(),
        description: "Doors open at 19:00.".to_owned(),
        category: Some(Category::Concert),
        place: Some("Quay 3".to_owned()),
        time_zone: "Europe/Berlin".to_owned(),
        event_date: at(0),
        ends_at: None,
        total_slots: 1200,
        available_slots: 248,
        status: EventStatus::Upcoming,
        visibility: Visibility::Public,
        max_seats_per_user: Some(10),
        waiting_bookings: 0,
        waiting_seats: 0,
        people: Some(388),
        version: 2,
        created_at: at(-40),
        updated_at: at(-12),
    }
}

fn create_event() -> CreateEvent {
    let like = event();
    CreateEvent {
        org_id: like.org_id,
        name: like.name,
        description: like.description,
        category: like.category,
        place: like.place,
        time_zone: like.time_zone,
        event_date: like.event_date,
        ends_at: like.ends_at,
        total_slots: like.total_slots,
        visibility: like.visibility,
        max_seats_per_user: like.max_seats_per_user,
    }
}

fn history() -> HistoryEntry {
    HistoryEntry {
        id: id(5).into(),
        action: HistoryAction::Promoted,
        seats: 1,
        seat_numbers: vec![14],
        actor_id: None,
        reason: None,
        created_at: at(-3),
    }
}

fn waitlist_move() -> WaitlistMove {
    WaitlistMove {
        action: HistoryAction::Promoted,
        seat_numbers: vec![17, 18],
        still_waits_for: 0,
        from: 3,
        to: 2,
        created_at: at(-3),
    }
}

fn activity() -> ActivityEntry {
    ActivityEntry {
        id: id(6).into(),
        action: "booking_created".to_owned(),
        actor_id: Some(id(1).into()),
        actor: Some("Mary Somerville".to_owned()),
        booking_id: Some(id(4).into()),
        person: Some("Mary Somerville".to_owned()),
        seat_numbers: vec![14, 15],
        reason: None,
        details: Value::Null,
        created_at: at(-9),
    }
}

fn audit_entry() -> AuditEntry {
    AuditEntry {
        id: id(7).into(),
        actor_id: Some(id(1).into()),
        action: "role_changed".to_owned(),
        subject_type: "member".to_owned(),
        subject_id: id(8),
        details: json!({ "from": "user", "to": "organizer" }),
        created_at: at(-20),
    }
}

fn invite() -> Invite {
    Invite {
        id: id(9).into(),
        org_id: id(2).into(),
        email: "mary@example.org".to_owned(),
        role: Role::Organizer,
        invited_by: id(1).into(),
        created_at: at(-30),
        expires_at: at(-23),
        status: InviteStatus::Pending,
    }
}

fn created_invite() -> CreatedInvite {
    let token = "AZinpDxefT-aZQ0rDE8ACa9".to_owned();
    let url = format!("https://happening.example.org/open/invite/{token}");
    CreatedInvite { invite: invite(), token, url }
}

fn preview() -> InvitePreview {
    InvitePreview {
        organization: "Harbour Hall".to_owned(),
        role: Role::Organizer,
        inviter: "Ada Lovelace".to_owned(),
        email: "m…@example.org".to_owned(),
        expires_at: at(-23),
    }
}

fn member() -> Member {
    Member {
        user_id: id(1).into(),
        name: "Mary Somerville".to_owned(),
        role: Role::User,
        email: Some("mary@example.org".to_owned()),
        joined_at: at(-60),
    }
}

fn notification() -> Notification {
    Notification {
        id: id(10).into(),
        kind: NotificationType::WaitlistPromoted,
        event_id: Some(id(3).into()),
        booking_id: Some(id(4).into()),
        seats: Some(1),
        seat_numbers: vec![14],
        message: "You got seat 14 for Spring Evening. It was given back and you were next.".to_owned(),
        status: NotificationStatus::Delivered,
        created_at: at(-3),
        read_at: None,
    }
}

fn organization() -> Organization {
    Organization {
        id: id(2).into(),
        name: "Harbour Hall".to_owned(),
        role: Role::OrgAdmin,
        member_count: 214,
        retention_days: Some(365),
        created_at: at(-400),
    }
}

fn user() -> User {
    User {
        id: id(1).into(),
        keycloak_id: "6a1f7c0e-35a6-4c0e-9f5e-2f6d1f0f8a10".to_owned(),
        name: "Mary Somerville".to_owned(),
        email: "mary@example.org".to_owned(),
        email_verified: true,
        locale: Some("en-GB".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        channels: BTreeMap::from([(NotificationType::BookingWaitlisted, Channel { email: false })]),
        created_at: at(-60),
    }
}

fn update_user() -> UpdateUser {
    UpdateUser {
        name: Some("Mary Somerville".to_owned()),
        locale: None,
        time_zone: Some(Some("Europe/Berlin".to_owned())),
        channels: Some(BTreeMap::from([(NotificationType::BookingWaitlisted, Channel { email: false })])),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_body_and_answer_has_an_example() {
        let document = serde_json::to_value(crate::http::router::document()).expect("JSON");
        let mut missing = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let bodies = operation.get("requestBody").into_iter();
                let answers = operation["responses"].as_object().expect("responses").values();
                for (kind, content) in bodies.chain(answers).filter_map(|one| one["content"].as_object()).flatten() {
                    if kind != "application/octet-stream" && content.get("example").is_none() {
                        missing.push(format!("{method} {path}: {kind} {}", content["schema"]));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn every_reference_can_be_resolved() {
        let text = serde_json::to_string(&crate::http::router::document()).expect("JSON");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
