//! Two organizations, each with an event, bookings and an invite: no call from one reaches into the other, or reveals
//! what exists in the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use happening_api::{Booking, CreatedInvite, Event, Organization, Role};
use happening_tests::world::new_id;
use happening_tests::{Client, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

struct House {
    admin: Client,
    member: Client,
    org: Organization,
    event: Event,
    booking: Booking,
    invite: CreatedInvite,
    notification: Uuid,
}

impl House {
    fn names(&self) -> Names {
        Names {
            org: self.org.id.to_string(),
            user: self.member.user.id.to_string(),
            sub: self.member.user.keycloak_id.clone(),
            event: self.event.id.to_string(),
            booking: self.booking.id.to_string(),
            invite: self.invite.invite.id.to_string(),
            notification: self.notification.to_string(),
        }
    }
}

/// The ids that calls can name.
struct Names {
    org: String,
    user: String,
    sub: String,
    event: String,
    booking: String,
    invite: String,
    notification: String,
}

impl Names {
    fn of_nothing() -> Self {
        let [org, user, sub, event, booking, invite, notification] = std::array::from_fn(|_| new_id().to_string());
        Self { org, user, sub, event, booking, invite, notification }
    }
}

async fn house(world: &World, admin: &str, member: &str) -> Result<House> {
    let (admin, member) = (world.person(admin).await?, world.person(member).await?);
    let org = world.organization(&admin).await?;
    world.set_role(org.id, &member, Role::User).await?;
    let event = world.event_in(&admin, org.id, 5, None).await?;
    admin.put(&format!("/events/{}", event.id), json!({ "visibility": "members" })).await?.expect(200);
    let booking: Booking = member.book(event.id, 2).await?.expect(201).json();
    member.book(event.id, 4).await?.expect(201);
    let invite = json!({ "org_id": org.id, "email": "new@happening.invalid", "role": "user" });
    let invite: CreatedInvite = admin.post("/org-invites", invite).await?.expect(201).json();
    let notification = new_id();
    sqlx::query(
        "insert into notifications (id, user_id, type, message, created_at) values ($1, $2, 'org_invite', 'x', now())",
    )
    .bind(notification)
    .bind(member.user.id.0)
    .execute(&world.pool)
    .await?;
    Ok(House { admin, member, org, event, booking, invite, notification })
}

/// Every call that names something, with the given ids.
fn calls(names: &Names) -> Vec<(Method, String, Option<Value>)> {
    let Names { org, user, sub, event, booking, invite, notification } = names;
    let reason = || Some(json!({ "reason": "Because" }));
    vec![
        (Method::GET, format!("/organizations/{org}"), None),
        (Method::PUT, format!("/organizations/{org}"), Some(json!({ "name": "Taken over" }))),
        (Method::DELETE, format!("/organizations/{org}"), None),
        (Method::GET, format!("/organizations/{org}/members"), None),
        (Method::PATCH, format!("/organizations/{org}/members/{user}"), Some(json!({ "role": "orgAdmin" }))),
        (Method::DELETE, format!("/organizations/{org}/members/{user}"), None),
        (Method::GET, format!("/organizations/{org}/audit"), None),
        (Method::GET, format!("/organizations/user/{user}"), None),
        (Method::GET, format!("/bookings/user/{user}"), None),
        (Method::GET, format!("/users?keycloak_id={sub}"), None),
        (Method::POST, format!("/notifications/{notification}/read"), None),
        (Method::GET, format!("/org-invites?org_id={org}"), None),
        (
            Method::POST,
            "/org-invites".to_owned(),
            Some(json!({ "org_id": org, "email": "x@happening.invalid", "role": "user" })),
        ),
        (Method::POST, format!("/org-invites/{invite}/resend"), None),
        (Method::DELETE, format!("/org-invites/{invite}"), None),
        (
            Method::POST,
            "/events".to_owned(),
            Some(json!({ "org_id": org, "name": "Mine", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 })),
        ),
        (Method::GET, format!("/events/{event}"), None),
        (Method::PUT, format!("/events/{event}"), Some(json!({ "name": "Taken over" }))),
        (Method::DELETE, format!("/events/{event}"), None),
        (Method::POST, format!("/events/{event}/cancel"), None),
        (Method::POST, format!("/events/{event}/duplicate"), Some(json!({ "event_date": "2099-01-01T20:00:00Z" }))),
        (Method::GET, format!("/events/{event}/seats"), None),
        (Method::GET, format!("/events/{event}/bookings"), None),
        (Method::GET, format!("/events/{event}/attendees.csv"), None),
        (Method::GET, format!("/events/{event}/calendar.ics"), None),
        (Method::GET, format!("/events/{event}/activity"), None),
        (Method::POST, "/bookings".to_owned(), Some(json!({ "event_id": event, "seats": 1 }))),
        (Method::GET, format!("/bookings/{booking}"), None),
        (Method::POST, format!("/bookings/{booking}/cancel"), reason()),
        (
            Method::POST,
            format!("/bookings/{booking}/cancel-seats"),
            Some(json!({ "seat_numbers": [1], "reason": "Because" })),
        ),
        (Method::POST, format!("/bookings/{booking}/claim"), None),
        (Method::GET, format!("/bookings/{booking}/history"), None),
        (Method::GET, format!("/bookings/{booking}/waitlist"), None),
    ]
}

/// The parts of an answer that a caller can compare; the request's id is left out because it always differs.
fn seen(reply: &Reply) -> (u16, Value, Vec<String>) {
    let mut body = reply.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    (reply.status.as_u16(), body, reply.headers.keys().map(ToString::to_string).collect())
}

/// The rows of an organization in all tables.
async fn rows(world: &World, house: &House) -> Result<BTreeMap<&'static str, String>> {
    let mut all = BTreeMap::new();
    for (table, sql) in [
        (
            "organizations",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from organizations x where id = $1",
        ),
        (
            "members",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by user_id), '') from organization_users x where org_id = $1",
        ),
        (
            "invites",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from organization_invites x where org_id = $1",
        ),
        (
            "events",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from events x where org_id = $1",
        ),
        (
            "bookings",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from bookings x where event_id in (select id from events where org_id = $1)",
        ),
        (
            "seats",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by seat_no), '') from booking_seats x where event_id in (select id from events where org_id = $1)",
        ),
        (
            "notifications",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from notifications x where user_id in (select user_id from organization_users where org_id = $1)",
        ),
        (
            "log",
            "select coalesce(string_agg(to_jsonb(x)::text, ',' order by id), '') from audit_log x where org_id = $1",
        ),
    ] {
        let text: String = sqlx::query_scalar(sql).bind(house.org.id.0).fetch_one(&world.pool).await?;
        all.insert(table, text);
    }
    Ok(all)
}

/// Routes that are left out: open pages look up nothing, and the holder of an invite's token may use it.
const ROUTES_WITHOUT_ORGANIZATION: [&str; 4] = [
    "get /open/event/{id}",
    "get /open/invite/{token}",
    "get /org-invites/{invite}",
    "post /org-invites/{invite}/accept",
];

/// Fails when a route that names something is missing in [`calls`].
async fn every_route_that_names_something_is_called(
    world: &World,
    made_up: &[(Method, String, Option<Value>)],
    nothing: &Names,
) -> Result<()> {
    let Names { org, user, event, booking, invite, notification, .. } = nothing;
    let ids = [org, user, event, booking, invite, notification];
    let shape = |method: &str, path: &str| {
        let path = path.split('?').next().unwrap_or_default();
        let parts = path
            .split('/')
            .map(|part| if part.starts_with('{') || ids.iter().any(|id| *id == part) { "{}" } else { part });
        format!("{} {}", method.to_lowercase(), parts.collect::<Vec<_>>().join("/"))
    };
    let called: BTreeSet<String> = made_up.iter().map(|(method, path, _)| shape(method.as_str(), path)).collect();
    let document: Value = reqwest::get(format!("{}/openapi.json", world.base(0))).await?.json().await?;
    for (path, methods) in document["paths"].as_object().context("no paths")? {
        for method in methods.as_object().context("no methods")?.keys() {
            let route = format!("{method} {path}");
            let names_something = path.contains('{') && !ROUTES_WITHOUT_ORGANIZATION.contains(&route.as_str());
            assert!(!names_something || called.contains(&shape(method, path)), "{route} is not called");
        }
    }
    Ok(())
}

#[tokio::test]
async fn organizations_cannot_reach_into_each_other() -> Result<()> {
    let world = World::new().await?;
    let ours = house(&world, "ada", "barbara").await?;
    let theirs = house(&world, "edsger", "donald").await?;
    let before = rows(&world, &theirs).await?;
    let (names, nothing) = (theirs.names(), Names::of_nothing());
    let Names { org, user, event, booking, .. } = &names;
    let (real, made_up) = (calls(&names), calls(&nothing));
    every_route_that_names_something_is_called(&world, &made_up, &nothing).await?;
    for caller in [&ours.admin, &ours.member] {
        for ((method, path, body), (_, other_path, other_body)) in real.iter().zip(&made_up) {
            let there = caller.call(method.clone(), path, body.as_ref(), &[]).await?;
            assert!(matches!(there.status.as_u16(), 403 | 404), "{method} {path}: {there:?}");
            let nowhere = caller.call(method.clone(), other_path, other_body.as_ref(), &[]).await?;
            assert_eq!(seen(&there), seen(&nowhere), "{method} {path} reveals that the thing exists");
        }
        // lists contain nothing of the other organization, whatever a query asks for
        for path in [
            "/organizations",
            "/events",
            "/notifications",
            &format!("/events?org_id={org}"),
            "/events?q=Test",
            "/users/me/export",
        ] {
            let text = caller.get(path).await?.expect(200).body.to_string();
            assert!(
                ![org, event, booking].iter().any(|id| text.contains(id.as_str())),
                "{path} lists something of the other organization"
            );
        }
    }
    // calls that mix ids of both organizations: a member or owner from the other one
    let mixed = format!("/organizations/{}/members/{user}", ours.org.id);
    ours.admin.patch(&mixed, json!({ "role": "orgAdmin" })).await?.refused(404, "not_found");
    ours.admin
        .put(&format!("/events/{}", ours.event.id), json!({ "owner_id": theirs.admin.user.id }))
        .await?
        .refused(400, "invalid");
    assert_eq!(rows(&world, &theirs).await?, before, "a call changed something of the other organization");
    assert_eq!(ours.booking.status, happening_api::BookingStatus::Confirmed);
    world.audit()
}
