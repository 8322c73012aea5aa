//! `demo-data`: adds two organizations, people in three roles, and a dozen events in all states. Ids, names, seats and the days
//! relative to today are fixed, so that pictures and tests agree. Seats are booked through the usual operations.

mod events;

use chrono::{DateTime, Days, Utc};
use happening_api::{BookingId, CreateBooking, EventId, OnConflict, OrgId, Role, UserId};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::events::{DemoEvent, EVENTS, Phase};
use crate::app::App;
use crate::audit_log::{self, Entry};
use crate::bookings::{self, Create};
use crate::config::{Config, ServeConfig};
use crate::organizations::store as org_store;

/// All fixed ids are derived from this one.
const NAMESPACE: Uuid = Uuid::from_u128(0x6861_7070_656e_696e_675f_6465_6d6f_0001);
/// The action of the audit log entry that is written when the demo data is complete.
const DONE: &str = "demo_data_added";
const GUESTS: usize = 60;
const ORGANIZATIONS: [&str; 2] = ["Harbour Hall", "Civic Lab"];

/// Login name, full name, and the role in each organization. These people can sign in at the demo realm, since
/// `docker/keycloak/realm.json` has the same ids.
const PEOPLE: [(&str, &str, [Option<Role>; 2]); 10] = [
    ("ada", "Ada Lovelace", [Some(Role::OrgAdmin), Some(Role::User)]),
    ("grace", "Grace Hopper", [Some(Role::Organizer), Some(Role::OrgAdmin)]),
    ("alan", "Alan Turing", [Some(Role::User), Some(Role::Organizer)]),
    ("barbara", "Barbara Liskov", [Some(Role::User), Some(Role::User)]),
    ("edsger", "Edsger Dijkstra", [Some(Role::User), None]),
    ("frances", "Frances Allen", [Some(Role::User), None]),
    ("donald", "Donald Knuth", [Some(Role::User), None]),
    ("margaret", "Margaret Hamilton", [None, Some(Role::User)]),
    ("ken", "Ken Thompson", [None, None]),
    ("dennis", "Dennis Ritchie", [None, None]),
];

fn fixed_id(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// Fills an empty database. Demo data that is incomplete after an interruption is completed, because everything has a fixed id or
/// key; a database with other data is left as it is.
///
/// # Errors
/// When a service is away or the schema is missing.
pub(crate) async fn run(config: &Config, serve: &ServeConfig) -> anyhow::Result<()> {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let app = App::start(config, serve, &tasks, &stop)?;
    let mut conn = app.conn().await?;
    match found(&mut conn).await? {
        Found::Data => {
            println!("There is data already; nothing was changed.");
            return Ok(());
        }
        Found::Nothing => {
            let mut tx = app.pool.begin().await?;
            add_people(&mut tx).await?;
            tx.commit().await?;
        }
        Found::Part => {}
    }
    let today = today(&mut conn).await?;
    for event in EVENTS {
        add_event(&mut conn, event, today).await?;
        if is_upcoming(&mut conn, event).await? {
            book(&app, event).await?;
            age(&mut conn, event, today).await?;
        }
    }
    let entry = Entry {
        action: DONE,
        subject_type: "organization",
        subject: fixed_id(ORGANIZATIONS[0]),
        details: serde_json::json!({}),
    };
    audit_log::write(&mut conn, OrgId(fixed_id(ORGANIZATIONS[0])), None, &entry, app.clock).await?;
    drop(conn);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    println!("{} events of {} organizations are there.", EVENTS.len(), ORGANIZATIONS.len());
    Ok(())
}

/// The content of the database.
enum Found {
    Nothing,
    /// Incomplete demo data.
    Part,
    /// Complete demo data, or other data.
    Data,
}

async fn found(conn: &mut PgConnection) -> sqlx::Result<Found> {
    let (any, demo, done): (bool, bool, bool) = sqlx::query_as(
        "select exists (select from organizations), exists (select from organizations where id = $1),
            exists (select from audit_log where org_id = $1 and action = $2)",
    )
    .bind(fixed_id(ORGANIZATIONS[0]))
    .bind(DONE)
    .fetch_one(conn)
    .await?;
    Ok(match (any, demo && !done) {
        (false, _) => Found::Nothing,
        (true, true) => Found::Part,
        (true, false) => Found::Data,
    })
}

async fn is_upcoming(conn: &mut PgConnection, event: &DemoEvent) -> sqlx::Result<bool> {
    let query = "select exists (select from events where id = $1 and status = 'upcoming' and event_date > now())";
    sqlx::query_scalar(query).bind(event_id(event).0).fetch_one(conn).await
}

async fn today(conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("select date_trunc('day', now(), 'UTC')").fetch_one(conn).await
}

async fn add_people(conn: &mut PgConnection) -> anyhow::Result<()> {
    for name in ORGANIZATIONS {
        org_store::insert(conn, OrgId(fixed_id(name)), name).await?;
    }
    for (login, name, roles) in PEOPLE {
        let email = format!("{login}@happening.invalid");
        add_person(conn, login, name, &email, true).await?;
        for (org, role) in ORGANIZATIONS.iter().zip(roles) {
            if let Some(role) = role {
                add_member(conn, org, login, role).await?;
            }
        }
    }
    for number in 1..=GUESTS {
        let login = guest(number);
        add_person(conn, &login, &format!("Guest {number}"), &format!("{login}@happening.invalid"), false).await?;
        for org in ORGANIZATIONS {
            add_member(conn, org, &login, Role::User).await?;
        }
    }
    Ok(())
}

async fn add_member(conn: &mut PgConnection, org: &str, login: &str, role: Role) -> anyhow::Result<()> {
    let made = org_store::insert_member(conn, OrgId(fixed_id(org)), person(login), role).await?;
    anyhow::ensure!(made, "{login} was deleted meanwhile");
    Ok(())
}

async fn add_person(conn: &mut PgConnection, login: &str, name: &str, email: &str, verified: bool) -> sqlx::Result<()> {
    sqlx::query("insert into users (id, keycloak_id, name, email, email_verified) values ($1, $2, $3, $4, $5)")
        .bind(person(login).0)
        .bind(fixed_id(&format!("keycloak {login}")).to_string())
        .bind(name)
        .bind(email)
        .bind(verified)
        .execute(conn)
        .await
        .map(drop)
}

fn person(login: &str) -> UserId {
    UserId(fixed_id(&format!("user {login}")))
}

fn guest(number: usize) -> String {
    format!("guest{number:02}")
}

fn event_id(event: &DemoEvent) -> EventId {
    EventId(fixed_id(event.name))
}

/// Adds an event as an upcoming one, so that it can be booked; [`age`] moves it to its real date.
async fn add_event(conn: &mut PgConnection, event: &DemoEvent, today: DateTime<Utc>) -> anyhow::Result<()> {
    let day = today + Days::new(event.days_ahead.max(1).unsigned_abs());
    let start = day + chrono::Duration::minutes(event.start_minute);
    sqlx::query(
        "insert into events (id, org_id, created_by, owner_id, name, description, category, place, time_zone, event_date,
            ends_at, total_slots, available_slots, visibility, max_seats_per_user)
        values ($1, $2, $3, $3, $4, $5, $6, $7, 'Europe/Berlin', $8, $9, $10, $10, $11, $12)
        on conflict (id) do nothing",
    )
    .bind(event_id(event).0)
    .bind(fixed_id(ORGANIZATIONS[event.org]))
    .bind(person(event.owner).0)
    .bind(event.name)
    .bind(event.description)
    .bind(event.category)
    .bind(event.place)
    .bind(start)
    .bind(start + chrono::Duration::minutes(150))
    .bind(event.total_slots)
    .bind(event.visibility)
    .bind(event.max_seats_per_user)
    .execute(conn)
    .await?;
    Ok(())
}

/// Books an event: first small groups of guests; then the named bookings, of which the last may have to wait; then some people
/// cancel.
async fn book(app: &App, event: &DemoEvent) -> anyhow::Result<()> {
    let mut seed = u64::from(event.total_slots.unsigned_abs());
    let mut left = event.taken_by_guests;
    let mut number = 0;
    while left > 0 {
        // a linear congruential generator, which gives the same groups every time
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let size = (1 + ((seed >> 33) % 5) as i32).min(left);
        let first = 1 + ((seed >> 17) % u64::from(event.total_slots.unsigned_abs())) as i32;
        let seats: Vec<i32> = (first..first + size).map(|seat| 1 + (seat - 1) % event.total_slots).collect();
        let clear = seats.iter().all(|seat| !event.kept_free.contains(seat));
        number += 1;
        let mut booked = false;
        if clear && event.total_slots - event.taken_by_guests > 8 {
            booked = create(app, event, &guest(1 + number % GUESTS), size, Some(seats), number).await.is_ok();
        } else if clear || event.kept_free.is_empty() {
            create(app, event, &guest(1 + number % GUESTS), size, None, number).await?;
            booked = true;
        }
        left -= if booked { size } else { 0 };
    }
    for number in (1..=GUESTS).filter(|_| event.each_guest_takes > 0) {
        create(app, event, &guest(number), event.each_guest_takes, None, 50_000 + number).await?;
    }
    let mut made = Vec::new();
    for (at, (login, seats)) in event.bookings.iter().enumerate() {
        let id = create(app, event, login, *seats, None, 100_000 + at).await?;
        made.push((*login, id));
    }
    for login in event.leave {
        for (_, id) in made.iter().filter(|(name, _)| name == login) {
            let left =
                bookings::cancel_own(&app.seats, &app.bookings, app.clock, person(login), *id, "demo-data").await;
            left.map_err(|error| anyhow::anyhow!("{}: {login} could not leave: {error:?}", event.name))?;
        }
    }
    Ok(())
}

async fn create(
    app: &App,
    event: &DemoEvent,
    login: &str,
    seats: i32,
    seat_numbers: Option<Vec<i32>>,
    number: usize,
) -> anyhow::Result<BookingId> {
    let request = Create {
        caller: person(login),
        body: CreateBooking {
            event_id: event_id(event),
            seats,
            seat_numbers,
            on_conflict: OnConflict::Reject,
            waitlist: true,
            user_id: None,
            reason: None,
        },
        key: Some(format!("demo-{}-{number}", event.name.replace(' ', "-"))),
        request_hash: Vec::new(),
        request_id: "demo-data".to_owned(),
    };
    match bookings::create::create(&app.seats, &app.pools.identity, app.clock, request).await {
        Ok(created) => Ok(created.id),
        Err(error) => anyhow::bail!("{}: {login} could not book {seats} seats: {error:?}", event.name),
    }
}

/// Moves an event to its real date, and sets the status that it ends up with.
async fn age(conn: &mut PgConnection, event: &DemoEvent, today: DateTime<Utc>) -> anyhow::Result<()> {
    let start = match event.phase {
        Phase::Upcoming => return Ok(()),
        Phase::Ongoing => today,
        Phase::Completed | Phase::Cancelled => {
            today - Days::new(event.days_ahead.unsigned_abs()) + chrono::Duration::minutes(event.start_minute)
        }
    };
    let (end_minutes, status) = match event.phase {
        Phase::Ongoing => (48 * 60, "ongoing"),
        Phase::Cancelled => (150, "cancelled"),
        Phase::Completed | Phase::Upcoming => (150, "completed"),
    };
    sqlx::query("update events set event_date = $2, ends_at = $3, status = $4 where id = $1")
        .bind(event_id(event).0)
        .bind(start)
        .bind(start + chrono::Duration::minutes(end_minutes))
        .bind(status)
        .execute(conn)
        .await?;
    Ok(())
}
