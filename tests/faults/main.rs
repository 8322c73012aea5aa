//! Dependencies and servers fail under load. No answered booking is lost, requests that do not need the failed part
//! continue, and everything recovers without a restart.

mod pools;
mod sign_in;
mod without_redis;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use happening_api::{Booking, EventId};
use happening_tests::own::{OwnPostgres, OwnRabbitMq};
use happening_tests::world::{backend_program, stack, wait_for};
use happening_tests::{Client, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

/// The server answers within a second; the rest is a margin for a busy machine.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(1500);

/// The answers that a crowd got.
#[derive(Default)]
struct Journal {
    /// Bookings that were answered 201.
    booked: Vec<Booking>,
    /// Requests whose outcome is unknown: the caller, and the key for the retry.
    unclear: Vec<(Client, String)>,
}

/// Callers who book one seat after the other until they are stopped.
struct Crowd {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<Journal>>,
}

impl Crowd {
    fn start(world: &World, people: &[Client], event: EventId, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tasks = (0..count)
            .map(|n| {
                let caller = people[n % people.len()].at(&world.base(n % world.backends()));
                tokio::spawn(book_until(caller, event, n, Arc::clone(&stop)))
            })
            .collect();
        Self { stop, tasks }
    }

    async fn stop(self) -> Result<Journal> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Journal::default();
        for task in self.tasks {
            let journal = task.await?;
            all.booked.extend(journal.booked);
            all.unclear.extend(journal.unclear);
        }
        Ok(all)
    }
}

async fn book_until(caller: Client, event: EventId, n: usize, stop: Arc<AtomicBool>) -> Journal {
    let mut journal = Journal::default();
    let mut count = 0;
    while !stop.load(Ordering::SeqCst) {
        count += 1;
        let key = format!("crowd-{n}-{count}");
        match caller.book_with_key(event, 1, &key).await {
            Ok(reply) if reply.status == 201 => journal.booked.push(reply.json()),
            Ok(reply) if reply.status == 503 => {
                assert!(reply.headers.contains_key("retry-after"), "{reply:?}");
                journal.unclear.push((caller.clone(), key));
            }
            Ok(reply) => panic!("{reply:?}"),
            Err(_) => journal.unclear.push((caller.clone(), key)),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    journal
}

/// Checks that every booking answered 201 is in the database with exactly its seats, and that every unclear request led
/// to no booking or to the one that its retry returns.
async fn check(world: &World, event: EventId, journal: &Journal) -> Result<()> {
    for booking in &journal.booked {
        let seats: Vec<i32> = sqlx::query_scalar("select seat_no from booking_seats where booking_id = $1 order by 1")
            .bind(booking.id.0)
            .fetch_all(&world.pool)
            .await?;
        assert_eq!(seats, booking.seat_numbers, "an answered booking was lost or changed");
    }
    for (caller, key) in &journal.unclear {
        let caller = caller.at(&world.base(0));
        let first: Booking = wait_for("a retry", Duration::from_secs(20), || async {
            let reply = caller.book_with_key(event, 1, key).await?;
            Ok((reply.status == 201).then(|| reply.json()))
        })
        .await?;
        let again: Booking = caller.book_with_key(event, 1, key).await?.expect(201).json();
        assert_eq!(first.id, again.id);
    }
    world.audit()
}

async fn people(world: &World) -> Result<Vec<Client>> {
    let mut people = Vec::new();
    for name in ["ada", "barbara", "edsger", "frances"] {
        people.push(world.person(name).await?);
    }
    Ok(people)
}

async fn until_booked(world: &World, event: EventId, more: i64) -> Result<()> {
    let before = count(world, event).await?;
    wait_for("bookings", Duration::from_secs(30), || async {
        Ok((count(world, event).await? >= before + more).then_some(()))
    })
    .await
}

async fn count(world: &World, event: EventId) -> Result<i64> {
    let query = sqlx::query_scalar("select count(*) from bookings where event_id = $1").bind(event.0);
    Ok(query.fetch_one(&world.pool).await?)
}

/// Waits until each message has had its effect exactly once, as long as their number still grows.
async fn every_message_has_its_effect_once(world: &World) -> Result<()> {
    let query = "select (select count(*) from outbox) - (select count(*) from notifications)";
    let mut left = i64::MAX;
    while left != 0 {
        left = wait_for("the next message", Duration::from_secs(30), || async {
            let now: i64 = sqlx::query_scalar(query).fetch_one(&world.pool).await?;
            Ok((now < left).then_some(now))
        })
        .await?;
        anyhow::ensure!(left >= 0, "{left} more effects than messages");
    }
    Ok(())
}

#[tokio::test]
async fn a_killed_server_loses_no_answered_booking() -> Result<()> {
    let mut world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let people = people(&world).await?;
    let event = world.event(&people[0], 5_000).await?;
    let crowd = Crowd::start(&world, &people, event.id, 24);
    for _ in 0..3 {
        until_booked(&world, event.id, 60).await?;
        world.kill_backend(1)?;
        until_booked(&world, event.id, 60).await?;
        world.start_backend(1).await?;
    }
    let journal = crowd.stop().await?;
    assert!(!journal.unclear.is_empty(), "no request was interrupted by the kills");
    check(&world, event.id, &journal).await
}

#[tokio::test]
async fn a_killed_rabbitmq_only_delays_messages() -> Result<()> {
    let own = OwnRabbitMq::start(&stack()?, "killed-rabbitmq").await?;
    let world =
        World::on(own.stack.clone(), &backend_program()?, WorldOptions { worker: true, ..WorldOptions::default() })
            .await?;
    let people = people(&world).await?;
    let event = world.event(&people[0], 5_000).await?;
    // few callers, because RabbitMQ takes many seconds to start, and the messages of all bookings made meanwhile are
    // delivered afterwards
    let crowd = Crowd::start(&world, &people, event.id, 2);
    until_booked(&world, event.id, 60).await?;
    own.kill()?;
    until_booked(&world, event.id, 100).await?;
    own.start_again().await?;
    until_booked(&world, event.id, 60).await?;
    let journal = crowd.stop().await?;
    assert!(journal.unclear.is_empty(), "a request did not succeed");
    every_message_has_its_effect_once(&world).await?;
    check(&world, event.id, &journal).await
}

/// Starts a world with its own Postgres, an event, and a waiting booking.
async fn on_own_postgres(name: &str) -> Result<(OwnPostgres, World, Vec<Client>, Vec<Booking>)> {
    let own = OwnPostgres::start(&stack()?, name).await?;
    let world = World::on(own.stack.clone(), &backend_program()?, WorldOptions::default()).await?;
    let people = people(&world).await?;
    let event = world.event(&people[0], 3).await?;
    let mut bookings = Vec::new();
    for (n, person) in people.iter().take(2).enumerate() {
        bookings.push(person.book_with_key(event.id, 2, &format!("before-{n}")).await?.expect(201).json());
    }
    Ok((own, world, people, bookings))
}

/// While a synchronous standby is away, COMMIT takes effect locally but does not return. No answered booking is lost,
/// and a retry finds it.
#[tokio::test]
async fn a_commit_that_waits_for_a_standby_is_done_once() -> Result<()> {
    let (_own, world, people, bookings) = on_own_postgres("standby").await?;
    let event = bookings[0].event_id;
    let set = async |value: &str| {
        sqlx::query(sqlx::AssertSqlSafe(format!("alter system {value}"))).execute(&world.pool).await?;
        sqlx::query("select pg_reload_conf()").execute(&world.pool).await?;
        anyhow::Ok(())
    };
    set("set synchronous_standby_names = 'standby_that_is_away'").await?;
    let waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep' and datname = current_database()";
    let (reply, waited) = tokio::join!(people[0].book_with_key(event, 1, "waits"), async {
        wait_for("a commit that waits", Duration::from_secs(10), || async {
            let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&world.pool).await?;
            Ok((waiting > 0).then_some(()))
        })
        .await
    });
    waited?;
    let reply = reply?;
    assert!(reply.status == 201 || reply.body["details"]["outcome"] == "unknown", "{reply:?}");
    set("reset synchronous_standby_names").await?;
    let again: Booking = wait_for("the database", Duration::from_secs(20), || async {
        let again = people[0].book_with_key(event, 1, "waits").await?;
        Ok((again.status == 201).then(|| again.json()))
    })
    .await?;
    let made: i64 = sqlx::query_scalar("select count(*) from bookings where event_id = $1 and user_id = $2")
        .bind(event.0)
        .bind(people[0].user.id.0)
        .fetch_one(&world.pool)
        .await?;
    assert_eq!(made, 2, "the one from before, and {}", again.id);
    world.audit()
}

/// Every kind of call, for a person who may do all of them.
fn calls(booking: &Booking) -> Vec<(Method, String, Option<Value>)> {
    let (event, id) = (booking.event_id, booking.id);
    vec![
        (Method::GET, "/users/me".to_owned(), None),
        (Method::GET, "/events".to_owned(), None),
        (Method::GET, format!("/events/{event}"), None),
        (Method::GET, format!("/events/{event}/seats"), None),
        (Method::GET, format!("/bookings/{id}"), None),
        (Method::GET, "/notifications".to_owned(), None),
        (Method::PUT, format!("/events/{event}"), Some(json!({ "total_slots": 4 }))),
        (Method::POST, "/bookings".to_owned(), Some(json!({ "event_id": event, "seats": 1 }))),
        (Method::POST, format!("/bookings/{id}/cancel-seats"), Some(json!({ "seat_numbers": [1] }))),
        (Method::POST, format!("/bookings/{id}/cancel"), Some(json!({}))),
    ]
}

/// Sends all calls at the same time. Each must be answered 503 soon, with `Retry-After` and whether the call may have
/// taken effect.
async fn all_are_refused_soon(world: &World, person: &Client, booking: &Booking) -> Result<()> {
    let started = Instant::now();
    let replies = calls(booking).into_iter().map(|(method, path, body)| async move {
        let reply = person.call(method.clone(), &path, body.as_ref(), &[("Idempotency-Key", "during")]).await?;
        let reply = reply.refused(503, "unavailable");
        assert!(reply.headers.contains_key("retry-after"), "{method} {path}: {reply:?}");
        // an earlier call with this key may have taken effect
        let outcome = if method == Method::GET { Value::Null } else { json!("unknown") };
        assert_eq!(reply.body["details"]["outcome"], outcome, "{method} {path}: {reply:?}");
        anyhow::Ok(())
    });
    // 100 more requests wait for the same resources
    let crowd = (0..100).map(|_| async {
        person.book(booking.event_id, 1).await?.refused(503, "unavailable");
        anyhow::Ok(())
    });
    let (replies, crowd) =
        tokio::join!(futures_util::future::try_join_all(replies), futures_util::future::try_join_all(crowd));
    replies?;
    crowd?;
    assert!(started.elapsed() < ANSWER_TIME_MAX, "{:?}", started.elapsed());
    let unkeyed = person.post("/organizations", json!({ "name": "Nowhere" })).await?.refused(503, "unavailable");
    // a caller with a bad token gets 401 nevertheless; a route that is open to all gets 503
    let stranger = person.with_token("none");
    for (method, path, body) in calls(booking) {
        stranger.call(method, &path, body.as_ref(), &[]).await?.refused(401, "unauthenticated");
    }
    stranger.get("/db-test").await?.refused(503, "unavailable");
    assert_eq!(unkeyed.body["details"]["outcome"], "nothing");
    assert_eq!(reqwest::get(format!("{}/health/ready", world.base(0))).await?.status(), 503);
    assert_eq!(reqwest::get(format!("{}/health/live", world.base(0))).await?.status(), 200);
    Ok(())
}

/// Checks that the requests without a good answer led to no booking or to the one that their retry returns, and that
/// all calls work again.
async fn all_is_well_again(world: &World, person: &Client, booking: &Booking) -> Result<()> {
    let first: Booking = wait_for("the database", Duration::from_secs(20), || async {
        let reply = person.book_with_key(booking.event_id, 1, "during").await?;
        Ok((reply.status == 201).then(|| reply.json()))
    })
    .await?;
    let again: Booking = person.book_with_key(booking.event_id, 1, "during").await?.expect(201).json();
    assert_eq!(first.id, again.id);
    for (method, path, body) in calls(booking) {
        if method == Method::GET {
            person.call(method, &path, body.as_ref(), &[]).await?.expect(200);
        }
    }
    world.audit()
}

#[tokio::test]
async fn requests_fail_fast_and_recover_around_a_stopped_postgres() -> Result<()> {
    let (own, world, people, bookings) = on_own_postgres("stopped-postgres").await?;
    own.stop().await?;
    // the first requests find the failure, the second ones come when the server knows of it
    all_are_refused_soon(&world, &people[0], &bookings[0]).await?;
    all_are_refused_soon(&world, &people[0], &bookings[0]).await?;
    own.start_again().await?;
    all_is_well_again(&world, &people[0], &bookings[0]).await
}

#[tokio::test]
async fn requests_fail_fast_while_postgres_is_frozen() -> Result<()> {
    let (own, world, people, bookings) = on_own_postgres("frozen-postgres").await?;
    own.freeze()?;
    // the first requests find the failure, the second ones come when the server knows of it
    all_are_refused_soon(&world, &people[0], &bookings[0]).await?;
    all_are_refused_soon(&world, &people[0], &bookings[0]).await?;
    own.thaw()?;
    all_is_well_again(&world, &people[0], &bookings[0]).await
}

#[tokio::test]
async fn a_stopping_server_finishes_its_requests() -> Result<()> {
    let mut world = World::new().await?;
    let people = people(&world).await?;
    let event = world.event(&people[0], 5_000).await?;
    let crowd = Crowd::start(&world, &people, event.id, 12);
    until_booked(&world, event.id, 60).await?;
    assert!(world.stop_backend(1)?, "the server did not exit with success");
    world.start_backend(1).await?;
    until_booked(&world, event.id, 30).await?;
    let journal = crowd.stop().await?;
    check(&world, event.id, &journal).await
}

// the caller's connection must close while this thread waits for the server's end
#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_finishes_an_abandoned_deletion() -> Result<()> {
    let env = [("SHUTDOWN_DELAY_MS", "0".to_owned())].into();
    let mut world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    barbara.book(event.id, 1).await?.expect(201);
    // the server must be asked to stop before it has read which bookings to cancel; the database itself releases the
    // table after 0.7 s
    let pool = world.pool.clone();
    let holder = tokio::spawn(async move {
        let hold = "begin; lock table bookings in access exclusive mode; select pg_sleep(0.7); commit";
        sqlx::raw_sql(hold).execute(&pool).await
    });
    wait_for("the table that is held", Duration::from_secs(5), || async {
        let held = "select count(*) from pg_locks where relation = 'bookings'::regclass and granted
            and mode = 'AccessExclusiveLock'";
        Ok((sqlx::query_scalar::<_, i64>(held).fetch_one(&world.pool).await? == 1).then_some(()))
    })
    .await?;
    tokio::select! {
        reply = barbara.delete("/users/me") => anyhow::bail!("it was answered: {reply:?}"),
        waits = world.held_up(1) => waits?, // `select!` then drops the deletion's request, as if its caller left
    }
    assert!(world.stop_backend(0)?, "the server did not exit with success");
    holder.await??;
    let query = "select deleted_at is not null from users where id = $1";
    let deleted: bool = sqlx::query_scalar(query).bind(barbara.user.id.0).fetch_one(&world.pool).await?;
    assert!(deleted, "the server ended before the deletion was finished");
    world.audit()
}

#[tokio::test]
async fn cut_connections_are_replaced_quickly() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name = 'happening'";
    for _ in 0..3 {
        let _: i64 = sqlx::query_scalar(cut).fetch_one(&world.pool).await?;
        wait_for("an answer", Duration::from_secs(2), || async {
            Ok((ada.get("/notifications").await?.status == 200).then_some(()))
        })
        .await?;
    }
    Ok(())
}
