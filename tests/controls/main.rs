//! Negative controls: with a protection switched off, its check must fail. If one of these tests fails, the check would
//! not notice a bug either.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use happening_api::Booking;
use happening_tests::own::OwnPostgres;
use happening_tests::world::{backend_program, stack, wait_for};
use happening_tests::{World, WorldOptions};
use serde_json::json;

async fn world_without(protection: &'static str) -> Result<World> {
    World::with(WorldOptions { switches: protection, worker: true, ..WorldOptions::default() }).await
}

/// The failure that a check reported. Callers compare its text, since the check may have failed for another reason.
fn violation(checked: Result<()>) -> Result<String> {
    match checked {
        Ok(()) => anyhow::bail!("the check did not notice the missing protection"),
        Err(error) => Ok(format!("{error:#}")),
    }
}

/// Gives back a seat while another booking waits, and checks that the waiting booking gets it.
async fn give_up_while_somebody_waits(world: &World) -> Result<()> {
    let (a, b) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&a, 2).await?;
    let held: Booking = a.book(event.id, 2).await?.expect(201).json();
    let waiting: Booking = b.book(event.id, 1).await?.expect(201).json();
    a.post(&format!("/bookings/{}/cancel-seats", held.id), json!({ "seat_numbers": [1] })).await?.expect(200);
    anyhow::ensure!(b.booking(waiting.id).await?.seat_numbers == [1], "the freed seat was visible to others");
    Ok(())
}

#[tokio::test]
async fn late_promotion_exposes_a_freed_seat() -> Result<()> {
    give_up_while_somebody_waits(&World::new().await?).await?;
    let world = world_without("promote_later").await?;
    let noticed = violation(give_up_while_somebody_waits(&world).await)?;
    assert!(noticed.contains("the freed seat was visible to others"), "{noticed}");
    Ok(())
}

/// Sends a request while Postgres is frozen. Answers the status.
async fn ask_a_frozen_database(name: &str, switches: &'static str) -> Result<u16> {
    let own = OwnPostgres::start(&stack()?, name).await?;
    let options = WorldOptions { backends: 1, switches, ..WorldOptions::default() };
    let world = World::on(own.stack.clone(), &backend_program()?, options).await?;
    let a = world.person("ada").await?;
    // open idle connections, more than the server's own tasks use: a request without one would be refused in time by
    // the pool, even without the pulse
    for reply in join_all((0..12).map(|_| a.get("/notifications"))).await {
        reply?.expect(200);
    }
    own.freeze()?;
    let reply = tokio::time::timeout(Duration::from_secs(3), a.get("/notifications")).await;
    own.thaw()?;
    Ok(reply??.status.as_u16())
}

#[tokio::test]
async fn without_the_pulse_callers_wait_for_a_frozen_database() -> Result<()> {
    assert_eq!(ask_a_frozen_database("pulse", "").await?, 503);
    let noticed = ask_a_frozen_database("no-pulse", "no_pulse").await;
    let waited = noticed.as_ref().err().is_some_and(|error| error.is::<tokio::time::error::Elapsed>());
    assert!(waited, "{noticed:?}");
    Ok(())
}

/// Restarts Postgres while no request uses it, then sends requests. Answers the set of their statuses.
async fn ask_a_new_database(name: &str, switches: &'static str) -> Result<BTreeSet<u16>> {
    let own = OwnPostgres::start(&stack()?, name).await?;
    // the relay would find the broken connections before the person's requests do
    let env = [("RELAY", "false".to_owned())].into();
    let options = WorldOptions { backends: 1, switches, env, ..WorldOptions::default() };
    let world = World::on(own.stack.clone(), &backend_program()?, options).await?;
    let a = world.person("ada").await?;
    for reply in join_all((0..12).map(|_| a.get("/notifications"))).await {
        reply?.expect(200);
    }
    // this request reads no row, so it shows only whether the server considers the database reachable
    let wait_until_reachable_is = async |beats: bool| {
        wait_for("the pulse", Duration::from_secs(20), async || {
            Ok(((a.get("/events/none").await?.status != 503) == beats).then_some(()))
        })
        .await
    };
    own.stop().await?;
    wait_until_reachable_is(false).await?;
    own.start_again().await?;
    wait_until_reachable_is(true).await?;
    let mut seen = BTreeSet::new();
    for _ in 0..12 {
        seen.insert(a.get("/notifications").await?.status.as_u16());
    }
    Ok(seen)
}

#[tokio::test]
async fn without_the_connection_check_broken_connections_are_used() -> Result<()> {
    assert_eq!(ask_a_new_database("new-postgres", "").await?, BTreeSet::from([200]));
    let unchecked = ask_a_new_database("new-postgres-unchecked", "no_connection_check").await?;
    assert!(unchecked.contains(&503), "no request used a broken connection");
    Ok(())
}

#[tokio::test]
async fn the_audit_detects_invalid_rows() -> Result<()> {
    let mut world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let a = world.person("ada").await?;
    let event = world.event(&a, 5).await?;
    a.book(event.id, 2).await?.expect(201);
    let ended = world.event(&a, 5).await?;
    a.book(ended.id, 1).await?.expect(201);
    a.post(&format!("/events/{}/cancel", ended.id), json!({})).await?.expect(200);
    world.audit()?;
    // the servers are stopped, so that none reacts to the changed rows
    assert!(world.stop_backend(0)?, "the server did not end well");
    let told = "delete from outbox where payload->>'type' = 'event_cancelled' and $1 is not null";
    let harms = [
        (told, "I8 every ended booking"),
        ("update events set available_slots = 4 where id = $1", "I11"),
        ("delete from outbox where $1 is not null", "I8"),
        ("delete from booking_history where event_id = $1", "I6"),
        ("update bookings set status = 'waiting' where event_id = $1", "I7"),
        ("update booking_seats set seat_no = 9 where event_id = $1 and seat_no = 2", "I1"),
    ];
    let kept = Kept::now(&world).await?;
    for (sql, invariant) in harms {
        sqlx::query(sql).bind(event.id.0).execute(&world.pool).await?;
        let said = world.audit().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(invariant), "{sql}: the audit says {said:?}");
        // restore the rows before the next harm
        kept.put_back(&world).await?;
        world.audit()?;
    }
    Ok(())
}

/// Copies of the tables' rows that a harm may change.
struct Kept;

impl Kept {
    const TABLES: [&str; 6] = ["bookings", "booking_seats", "booking_history", "seat_log", "outbox", "deliveries"];

    async fn now(world: &World) -> Result<Self> {
        for table in Self::TABLES.iter().chain(&["events"]) {
            raw(world, format!("create table kept_{table} as table {table}")).await?;
        }
        Ok(Self)
    }

    async fn put_back(&self, world: &World) -> Result<()> {
        for table in Self::TABLES {
            raw(world, format!("begin; delete from {table}; insert into {table} table kept_{table}; commit")).await?;
        }
        let events = "update events e set (available_slots, people, status) = (k.available_slots, k.people, k.status)
            from kept_events k where k.id = e.id";
        raw(world, events.to_owned()).await?;
        raw(world, "update users set deleted_at = null where name <> ''".to_owned()).await
    }
}

async fn raw(world: &World, sql: String) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.pool).await?;
    Ok(())
}

/// The name of each invariant, and a statement that violates it.
const VIOLATIONS: [(&str, &str); 15] = [
    ("I1 seats lie inside the event", "update booking_seats set seat_no = 9 where status = 'booked' and seat_no = 2"),
    ("I6 a booking is created once", "delete from booking_history where action = 'created' and seats = 1"),
    ("I7 waiting bookings and their order", "update bookings set waiting_order = 99 where waiting_order is not null"),
    ("I7 a promoted booking was told", "delete from outbox where payload->>'type' = 'waitlist_promoted'"),
    ("I7 status says what is held and wanted", "update bookings set status = 'confirmed' where status = 'waiting'"),
    ("I7 wanted = held + waiting + given back", "update bookings set seats = seats + 1 where status = 'confirmed'"),
    (
        "I8 every booking and claim was told",
        "delete from outbox where id in (select id from outbox where payload->>'type' = 'booking_confirmed' limit 1)",
    ),
    (
        "I8 every ended booking and given seat was told",
        "delete from outbox where payload->>'type' = 'booking_cancelled'",
    ),
    (
        "I8 what was published was delivered once",
        "with old as (update outbox set published_at = now() - interval '1 hour') delete from deliveries",
    ),
    ("I9 rows belong together", "update booking_seats set user_id = gen_random_uuid() where seat_no = 2"),
    (
        "I9 nobody who is deleted holds seats",
        "update users set deleted_at = now() - interval '1 hour' where name <> ''",
    ),
    ("I9 bookings of a cancelled event end", "update events set status = 'cancelled'"),
    ("I11 people are counted", "update events set people = people + 1"),
    (
        "I11 available = total - booked",
        "update events set available_slots = available_slots + 1 where available_slots < 2",
    ),
    ("I11 history adds up to the seats", "update booking_history set seat_numbers = '{}' where action = 'claimed'"),
];

/// The same for invariants that compare rows with states in memory.
const HARMS_TO_STATES: [(&str, &str); 3] = [
    ("I3 the fold of the log equals the rows", "update seat_log set head = gen_random_uuid()"),
    ("I3 the fold of the log equals the rows", "delete from seat_log where version = 2"),
    (
        "I3 the counts of an event equal its rows",
        "update events set available_slots = available_slots + 1 where available_slots < 2",
    ),
];

#[tokio::test]
async fn every_audit_query_detects_its_violation() -> Result<()> {
    let mut world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (a, b, c) = (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let (event, open) = (world.event(&a, 3).await?, world.event(&a, 3).await?);
    a.book_exactly(event.id, &[1, 2]).await?.expect(201);
    let first = b.book(event.id, 2).await?.expect(201).json::<Booking>();
    c.book(event.id, 2).await?.expect(201);
    b.post(&format!("/bookings/{}/claim", first.id), json!({})).await?.expect(200);
    let held = a.get(&format!("/bookings/user/{}", a.user.id)).await?.expect(200).json::<Vec<Booking>>();
    a.post(&format!("/bookings/{}/cancel-seats", held[0].id), json!({ "seat_numbers": [1] })).await?.expect(200);
    c.book(open.id, 1).await?.expect(201);
    wait_for("every delivery", Duration::from_secs(30), || async {
        let query =
            "select count(*) from outbox o where not exists (select from deliveries d where d.message_id = o.id)";
        let waiting: i64 = sqlx::query_scalar(query).fetch_one(&world.pool).await?;
        Ok((waiting == 0).then_some(()))
    })
    .await?;
    world.audit()?;
    // the servers are stopped, so that none reacts to the changed rows
    assert!(world.stop_backend(0)?, "the server did not end well");
    world.ask_worker_to_stop()?;
    assert!(world.worker_ended_well().await?, "the worker did not end well");
    let kept = Kept::now(&world).await?;
    let said = || world.audit().err().map(|error| error.to_string()).unwrap_or_default();
    for (invariant, harm) in VIOLATIONS.into_iter().chain(HARMS_TO_STATES) {
        raw(&world, harm.to_owned()).await?;
        assert!(said().contains(invariant), "{harm}: {}", said());
        kept.put_back(&world).await?;
        assert_eq!(said(), "", "the audit still fails after {harm} was undone");
    }
    let mut redis =
        redis::Client::open(world.stack.env()["REDIS_URL"].as_str())?.get_multiplexed_async_connection().await?;
    let slots = format!("event:{{{}}}:slots", open.id);
    let shown: i32 = redis::cmd("GET").arg(&slots).query_async(&mut redis).await?;
    redis::cmd("SET").arg(&slots).arg(99).exec_async(&mut redis).await?;
    assert!(said().contains("I3 what Redis shows equals the rows"), "{}", said());
    redis::cmd("SET").arg(&slots).arg(shown).exec_async(&mut redis).await?;
    assert_eq!(said(), "");
    // drop the unique index that prevents selling a seat twice
    let sold_twice = format!(
        "drop index booking_seats_event_id_seat_no_key; update booking_seats set seat_no = 2 where event_id = '{}'",
        event.id
    );
    raw(&world, sold_twice).await?;
    assert!(said().contains("I1 no seat is booked twice"), "{}", said());
    let queries = include_str!("../../backend/src/audit/queries.rs");
    let named = VIOLATIONS.iter().filter(|(invariant, _)| queries.contains(&format!("(\"{invariant}\","))).count();
    let listed = queries.lines().filter(|line| line.starts_with("    (\"I")).count();
    assert_eq!((named, listed), (VIOLATIONS.len(), VIOLATIONS.len() + 1), "an invariant has no harm in this test");
    Ok(())
}

#[tokio::test]
async fn a_release_has_no_switches() -> Result<()> {
    let name = b"HAPPENING_SWITCHES";
    let has = |program: &[u8]| program.windows(name.len()).any(|window| window == name);
    let tested = std::fs::read(backend_program()?)?;
    assert!(has(&tested), "the tested server has no switches");
    let release = std::env::var_os("HAPPENING_PLAIN_BACKEND").context("HAPPENING_PLAIN_BACKEND is not set")?;
    assert!(!has(&std::fs::read(release)?), "a server without the feature has switches");
    Ok(())
}
