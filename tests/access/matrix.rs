//! Every route of the OpenAPI document, which the server makes from its router, with every kind of token and every kind
//! of caller. A route that is missing here fails the test.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use happening_api::{Booking, CreatedInvite, Event, Organization, Role};
use happening_tests::issuer::Issuer;
use happening_tests::world::{new_id, stack};
use happening_tests::{Client, World, WorldOptions};
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::Method;
use serde_json::{Value, json};

/// The kinds of callers, in the order of the columns below.
const CALLERS: [&str; 6] = ["stranger", "user", "organizer", "owner", "orgAdmin", "orgAdmin elsewhere"];

/// A route, a body, and the status for each caller.
type Row = (&'static str, Value, [u16; 6]);

/// Routes that need no token.
const OPEN: [&str; 7] = [
    "GET /",
    "GET /db-test",
    "GET /health/live",
    "GET /health/ready",
    "GET /open/event/{id}",
    "GET /open/invite/{token}",
    "GET /org-invites/{token}",
];

const ALL: [u16; 6] = [200; 6];
const MEMBERS: [u16; 6] = [404, 200, 200, 200, 200, 404];
const ADMIN: [u16; 6] = [404, 403, 403, 403, 200, 404];
const STAFF: [u16; 6] = [404, 403, 403, 200, 200, 404];
/// The statuses of routes on the user's booking.
const BOOKING: [u16; 6] = [404, 200, 404, 200, 200, 404];

/// The expected statuses. `{user}`, `{org}`, `{event}`, `{booking}`, `{invite}`, `{token}` and `{notification}` are
/// replaced by the fixture's ids.
fn table() -> Vec<Row> {
    let none = Value::Null;
    let date = json!({ "event_date": "2099-01-01T20:00:00Z" });
    vec![
        ("POST /users", none.clone(), ALL),
        ("GET /users?keycloak_id={sub}", none.clone(), [404, 200, 404, 404, 200, 404]),
        ("GET /users/me", none.clone(), ALL),
        ("PATCH /users/me", json!({}), ALL),
        ("DELETE /users/me", none.clone(), [204, 204, 204, 204, 409, 409]),
        ("GET /users/me/export", none.clone(), ALL),
        ("POST /organizations", json!({ "name": "New" }), [201; 6]),
        ("GET /organizations", none.clone(), ALL),
        ("GET /organizations/user/{user}", none.clone(), [403, 200, 403, 403, 403, 403]),
        ("GET /organizations/{org}", none.clone(), MEMBERS),
        ("PUT /organizations/{org}", json!({ "name": "Other" }), ADMIN),
        ("DELETE /organizations/{org}", none.clone(), [404, 403, 403, 403, 409, 404]),
        ("GET /organizations/{org}/members", none.clone(), MEMBERS),
        ("PATCH /organizations/{org}/members/{user}", json!({ "role": "organizer" }), ADMIN),
        ("DELETE /organizations/{org}/members/{user}", none.clone(), [404, 204, 403, 403, 204, 404]),
        ("GET /organizations/{org}/audit", none.clone(), ADMIN),
        (
            "POST /org-invites",
            json!({ "org_id": "{org}", "email": "b@happening.invalid", "role": "user" }),
            [404, 403, 403, 403, 201, 404],
        ),
        ("GET /org-invites?org_id={org}", none.clone(), ADMIN),
        ("GET /org-invites/{token}", none.clone(), ALL),
        ("POST /org-invites/{token}/accept", none.clone(), [403; 6]),
        ("POST /org-invites/{invite}/resend", none.clone(), ADMIN),
        ("DELETE /org-invites/{invite}", none.clone(), [404, 403, 403, 403, 204, 404]),
        (
            "POST /events",
            json!({ "org_id": "{org}", "name": "New", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 }),
            [404, 403, 201, 201, 201, 404],
        ),
        ("GET /events", none.clone(), ALL),
        ("GET /events/{event}", none.clone(), MEMBERS),
        ("PUT /events/{event}", json!({ "name": "Other" }), STAFF),
        ("DELETE /events/{event}", none.clone(), [404, 403, 403, 409, 409, 404]),
        ("POST /events/{event}/cancel", none.clone(), STAFF),
        ("POST /events/{event}/duplicate", date, [404, 403, 403, 201, 201, 404]),
        ("GET /events/{event}/seats", none.clone(), MEMBERS),
        ("GET /events/{event}/calendar.ics", none.clone(), MEMBERS),
        ("GET /events/{event}/bookings", none.clone(), STAFF),
        ("GET /events/{event}/attendees.csv", none.clone(), STAFF),
        ("GET /events/{event}/activity", none.clone(), STAFF),
        ("POST /bookings", json!({ "event_id": "{event}", "seats": 1 }), [404, 201, 201, 201, 201, 404]),
        ("GET /bookings/user/{user}", none.clone(), [403, 200, 403, 403, 403, 403]),
        ("GET /bookings/{booking}", none.clone(), BOOKING),
        ("POST /bookings/{booking}/cancel", json!({ "reason": "Because" }), BOOKING),
        ("POST /bookings/{booking}/cancel-seats", json!({ "seat_numbers": [1], "reason": "Because" }), BOOKING),
        ("POST /bookings/{booking}/claim", none.clone(), [404, 409, 404, 403, 403, 404]),
        ("GET /bookings/{booking}/history", none.clone(), BOOKING),
        ("GET /bookings/{booking}/waitlist", none.clone(), BOOKING),
        ("GET /notifications", none.clone(), ALL),
        ("POST /notifications/{notification}/read", none.clone(), [404, 200, 404, 404, 404, 404]),
        ("POST /notifications/read-all", none, ALL),
    ]
}

struct Stage {
    world: World,
    issuer: Issuer,
}

impl Stage {
    async fn new() -> Result<Self> {
        let folder = stack()?.folder.join(format!("issuer-{}", new_id().simple()));
        let issuer = Issuer::start(&folder).await?;
        std::fs::remove_dir_all(folder)?;
        let env = [("OIDC_ISSUER_URL", issuer.url.clone()), ("OIDC_JWKS_URL", issuer.url.clone())].into();
        let world = World::with(WorldOptions { env, ..WorldOptions::default() }).await?;
        Ok(Self { world, issuer })
    }

    async fn person(&self, name: &str) -> Result<Client> {
        Client::new(&self.world.base(0), &self.issuer.sign(&self.issuer.claims(name))?).await
    }

    /// Creates the callers, and an organization with an event, a booking, an invite and a notification. Each row of the
    /// table gets a new one, so that no call is affected by another.
    async fn fixture(&self, n: usize) -> Result<(Vec<Client>, Vec<(&'static str, String)>)> {
        let mut people = Vec::new();
        for caller in CALLERS {
            people.push(self.person(&format!("{}-{n}", caller.replace(' ', "-").to_lowercase())).await?);
        }
        let [_, user, organizer, owner, admin, elsewhere] = people.as_slice() else { unreachable!("six callers") };
        let org: Organization = self.world.organization(admin).await?;
        self.world.organization(elsewhere).await?;
        for (person, role) in [(user, Role::User), (organizer, Role::Organizer), (owner, Role::Organizer)] {
            self.world.set_role(org.id, person, role).await?;
        }
        let event: Event = self.world.event_in(owner, org.id, 10, None).await?;
        owner.put(&format!("/events/{}", event.id), json!({ "visibility": "members" })).await?.expect(200);
        let booking: Booking = user.book(event.id, 2).await?.expect(201).json();
        let invite = json!({ "org_id": org.id, "email": "a@happening.invalid", "role": "user" });
        let invite: CreatedInvite = admin.post("/org-invites", invite).await?.expect(201).json();
        let notification = new_id();
        sqlx::query("insert into notifications (id, user_id, type, message, created_at) values ($1, $2, 'org_invite', 'x', now())")
            .bind(notification)
            .bind(user.user.id.0)
            .execute(&self.world.pool)
            .await?;
        let ids = vec![
            ("{sub}", user.user.keycloak_id.clone()),
            ("{user}", user.user.id.to_string()),
            ("{org}", org.id.to_string()),
            ("{event}", event.id.to_string()),
            ("{booking}", booking.id.to_string()),
            ("{invite}", invite.invite.id.to_string()),
            ("{token}", invite.token),
            ("{notification}", notification.to_string()),
        ];
        Ok((people, ids))
    }

    /// The document's routes: method, path, and whether a token is required.
    async fn routes(&self) -> Result<Vec<(String, String, bool)>> {
        let document: Value = reqwest::get(format!("{}/openapi.json", self.world.base(0))).await?.json().await?;
        let mut routes = Vec::new();
        for (path, methods) in document["paths"].as_object().context("no paths")? {
            for (method, operation) in methods.as_object().context("no methods")? {
                let secured = operation["security"].as_array().is_some_and(|all| !all.is_empty());
                routes.push((method.to_uppercase(), path.clone(), secured));
            }
        }
        assert!(routes.len() > 40);
        Ok(routes)
    }
}

fn filled(text: &str, ids: &[(&str, String)]) -> String {
    ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

/// A route with each parameter as `{}`, so that parameters' names do not matter.
fn shape(route: &str) -> String {
    let path = route.split('?').next().unwrap_or(route);
    let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
    parts.join("/")
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() -> Result<()> {
    let stage = Stage::new().await?;
    let listed: BTreeSet<String> = table().iter().map(|(route, ..)| shape(route)).chain(OPEN.map(shape)).collect();
    let served: BTreeSet<String> =
        stage.routes().await?.iter().map(|(method, path, _)| shape(&format!("{method} {path}"))).collect();
    assert_eq!(served, listed, "the table and the router differ");
    let mut wrong = Vec::new();
    for (n, (route, body, expected)) in table().into_iter().enumerate() {
        let (method, path) = route.split_once(' ').context("method and path")?;
        for (at, expected) in expected.into_iter().enumerate() {
            let (people, ids) = stage.fixture(n * CALLERS.len() + at).await?;
            let body: Option<Value> = match &body {
                Value::Null => None,
                body => Some(serde_json::from_str(&filled(&body.to_string(), &ids))?),
            };
            let reply = people[at]
                .call(Method::from_bytes(method.as_bytes())?, &filled(path, &ids), body.as_ref(), &[])
                .await?;
            if reply.status != expected {
                wrong.push(format!(
                    "{route} as {}: {} instead of {expected}: {}",
                    CALLERS[at], reply.status, reply.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stage.world.audit()
}

/// Tokens that every protected route must refuse.
fn bad_tokens(issuer: &Issuer) -> Result<Vec<(&'static str, Option<String>)>> {
    let good = issuer.claims("ada");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        issuer.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().map(|claims| claims.remove(name));
        issuer.sign(&claims)
    };
    let now = good["iat"].as_u64().unwrap_or_default();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": "test-key" })), part(&good));
    let public = EncodingKey::from_secret(&issuer.public_key);
    Ok(vec![
        ("no token", None),
        ("an expired one", Some(with("exp", json!(now - 60))?)),
        ("one that is not valid yet", Some(with("nbf", json!(now + 120))?)),
        ("one for another audience", Some(with("aud", json!("account"))?)),
        ("one of another issuer", Some(with("iss", json!("https://elsewhere.invalid"))?)),
        ("one of another client", Some(with("azp", json!("other"))?)),
        ("one without an end", Some(without("exp")?)),
        ("one without audience", Some(without("aud")?)),
        ("one without issuer", Some(without("iss")?)),
        ("an ID token", Some(with("typ", json!("ID"))?)),
        ("one signed with another key", Some(issuer.sign_with(Algorithm::RS256, &good, &issuer.other_key)?)),
        ("an unsigned one", Some(unsigned)),
        ("HS256 with the public key", Some(issuer.sign_with(Algorithm::HS256, &good, &public)?)),
    ])
}

#[tokio::test]
async fn no_route_takes_a_bad_token() -> Result<()> {
    let stage = Stage::new().await?;
    stage.person("ada").await?; // a valid token is accepted
    let tokens = bad_tokens(&stage.issuer)?;
    let http = reqwest::Client::new();
    let mut wrong = Vec::new();
    for (method, path, secured) in stage.routes().await? {
        let route = format!("{method} {path}");
        assert_eq!(secured, !OPEN.iter().any(|open| shape(open) == shape(&route)), "{route}");
        if !secured {
            continue;
        }
        let path: Vec<String> = path
            .split('/')
            .map(|part| if part.starts_with('{') { new_id().to_string() } else { part.to_owned() })
            .collect();
        for (what, token) in &tokens {
            let url = format!("{}{}", stage.world.base(0), path.join("/"));
            // the body is invalid, too: the token must be checked first, so the answer is 401
            let mut request = http.request(Method::from_bytes(method.as_bytes())?, url).body("{");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await?;
            if answer.status() != 401 || !answer.headers().contains_key("www-authenticate") {
                wrong.push(format!("{route} with {what}: {}", answer.status()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let people: i64 =
        sqlx::query_scalar("select count(*) from users where deleted_at is null").fetch_one(&stage.world.pool).await?;
    assert_eq!(people, 1, "a bad token created a person");
    Ok(())
}

#[tokio::test]
async fn simultaneous_first_calls_create_one_person() -> Result<()> {
    let stage = Stage::new().await?;
    let token = stage.issuer.sign(&stage.issuer.claims("newcomer"))?;
    let http = reqwest::Client::new();
    let calls = (0..20_usize).map(|n| {
        let url = format!("{}/users{}", stage.world.base(n / 2 % 2), if n % 2 == 0 { "" } else { "/me" });
        let method = if n % 2 == 0 { Method::POST } else { Method::GET };
        http.request(method, url).bearer_auth(&token).send()
    });
    let answers = futures_util::future::try_join_all(calls).await?;
    let created = answers.iter().filter(|answer| answer.status() == 201).count();
    assert!(created <= 1 && answers.iter().all(|answer| answer.status().is_success()));
    let people: i64 =
        sqlx::query_scalar("select count(*) from users where deleted_at is null").fetch_one(&stage.world.pool).await?;
    assert_eq!(people, 1);
    stage.world.audit()
}

#[tokio::test]
async fn refreshed_tokens_do_not_restore_deleted_people() -> Result<()> {
    let stage = Stage::new().await?;
    let mut claims = stage.issuer.claims("leaver");
    let signed_in = claims["auth_time"].as_i64().unwrap_or_default();
    let leaver = Client::new(&stage.world.base(0), &stage.issuer.sign(&claims)?).await?;
    let there = leaver.at(&stage.world.base(1));
    there.get("/users/me").await?.expect(200); // the other server has cached this person now
    leaver.delete("/users/me").await?.expect(204);
    there.get("/users/me").await?.refused(401, "unauthenticated");
    there.patch("/users/me", json!({ "name": "Still here" })).await?.refused(401, "unauthenticated");
    there.get("/users/me/export").await?.refused(401, "unauthenticated");
    there.delete("/users/me").await?.refused(401, "unauthenticated");

    // a refreshed token: issued later, from the same sign-in
    claims["iat"] = json!(signed_in + 60);
    claims["jti"] = json!("refreshed");
    leaver.with_token(&stage.issuer.sign(&claims)?).get("/users/me").await?.refused(401, "unauthenticated");
    // a token without the time of the sign-in might be from before the deletion
    claims.as_object_mut().map(|claims| claims.remove("auth_time"));
    leaver.with_token(&stage.issuer.sign(&claims)?).get("/users/me").await?.refused(401, "unauthenticated");
    // a new sign-in creates a new person
    claims["auth_time"] = json!(signed_in + 60);
    let again = Client::new(&stage.world.base(0), &stage.issuer.sign(&claims)?).await?;
    assert_ne!(again.user.id, leaver.user.id);
    let names: Vec<String> = sqlx::query_scalar("select name from users").fetch_all(&stage.world.pool).await?;
    assert!(!names.iter().any(|name| name == "Still here"), "{names:?}");
    stage.world.audit()
}
