//! `bench large`: measures changes of events with thousands of bookings. Another connection locks each event's row
//! again and again; its longest wait tells how long the change holds the row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use happening_api::EventId;
use happening_stack::Stack;
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::drop::{Strangers, booking};
use super::filled::{Size, fill};
use super::report_as;

/// The longest time that a change may hold an event's row.
const HELD_MS_MAX: f64 = 300.0;
const ASK_EVERY: Duration = Duration::from_millis(5);
const PROMOTED: i32 = 10_000;
const CANCELLING: usize = 2_000;
/// How many people book while the others cancel.
const BOOKING: usize = 200;
const AT_ONCE: u32 = (CANCELLING + BOOKING) as u32;

/// Runs the benchmark.
///
/// # Errors
/// When a row is held too long, a request is refused, or the audit finds a violation.
pub(super) async fn run() -> Result<()> {
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say).and_then(|()| stack.drop_test_databases()) {
        Ok(()) => on(&stack).await,
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

async fn on(stack: &Stack) -> Result<()> {
    let program = target().join("release/happening-backend");
    let options = WorldOptions { backends: 1, env: [("RELAY", "false".to_owned())].into(), ..WorldOptions::default() };
    let mut world = World::on(stack.clone(), &program, options).await?;
    let ada = world.person("ada").await?;
    let sizes = [
        Size { name: "raised", holding: 1, waiting: PROMOTED, cancelled: 0 },
        Size { name: "cancelled", holding: 50_000, waiting: 50_000, cancelled: 0 },
    ];
    let mut events = Vec::new();
    for size in sizes {
        step(&format!("Filling an event with {} bookings", size.holding + size.waiting));
        let event = world.event(&ada, size.holding).await?;
        fill(&world, &ada, &event, &size).await?;
        events.push(event.id);
    }
    world.run(&["reconcile"])?;
    world.audit().context("the audit of what was filled in")?;
    sqlx::query("analyze").execute(&world.pool).await?;
    world.stop_backend(0)?;
    world.start_backend(0).await?;
    let ada = ada.at(&world.base(0));
    let [raised, cancelled] = events[..] else { unreachable!("two sizes") };

    step(&format!("Raising a capacity, so that {PROMOTED} are promoted"));
    let raising = "select count(*) from events where id = $1 and raising_to is not null";
    let body = json!({ "total_slots": PROMOTED + 1 });
    let request = async || Ok(ada.put(&format!("/events/{raised}"), body.clone()).await?.expect(200));
    let raise = portions(&world, raised, raising, request).await?;
    step("Cancelling an event");
    let left = "select count(*) from bookings where event_id = $1 and status <> 'cancelled'";
    let request = async || Ok(ada.post(&format!("/events/{cancelled}/cancel"), json!({})).await?.expect(200));
    let cancel = portions(&world, cancelled, left, request).await?;
    world.audit().context("the audit of the large events")?;
    let crowd = cancelling_at_once(&world, &ada).await?;
    report_as("large", &json!({ "raise": raise, "cancel": cancel, "cancelling_at_once": crowd }))?;
    for (name, one) in [("raise", &raise), ("cancel", &cancel)] {
        let held = one["held_ms_max"].as_f64().context("a time")?;
        ensure!(held < HELD_MS_MAX, "{name}: the event's row was held for {held:.0} ms");
    }
    Ok(())
}

/// Requests a change and measures it until the count of the query `left`, what the portions still have to do, is 0.
async fn portions(
    world: &World,
    event: EventId,
    left: &'static str,
    request: impl AsyncFn() -> Result<happening_tests::Reply>,
) -> Result<Value> {
    let done = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(longest_wait(world.pool.clone(), event, Arc::clone(&done)));
    let started = Instant::now();
    request().await?;
    let answered_ms = started.elapsed().as_secs_f64() * 1e3;
    wait_for("the end of all portions", Duration::from_secs(120), || async {
        let left: i64 = sqlx::query_scalar(left).bind(event.0).fetch_one(&world.pool).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    let ended_s = started.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    let held_ms_max = asking.await??;
    let query = "select count(*) from seat_log where event_id = $1";
    let transactions: i64 = sqlx::query_scalar(query).bind(event.0).fetch_one(&world.pool).await?;
    println!(
        "answered after {answered_ms:.0} ms, done after {ended_s:.1} s in {transactions} transactions; the event's row was held for \
        {held_ms_max:.0} ms at most"
    );
    let figures = json!({ "answered_ms": answered_ms, "ended_s": ended_s, "transactions": transactions, "held_ms_max": held_ms_max });
    Ok(figures)
}

/// The longest wait for an event's row, in milliseconds.
async fn longest_wait(pool: PgPool, event: EventId, done: Arc<AtomicBool>) -> Result<f64> {
    let mut longest = Duration::ZERO;
    let mut conn = pool.acquire().await?;
    while !done.load(Ordering::Relaxed) {
        let asked = Instant::now();
        sqlx::query("select 1 from events where id = $1 for no key update").bind(event.0).execute(&mut *conn).await?;
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(longest.as_secs_f64() * 1e3)
}

/// Lets [`CANCELLING`] people cancel at the same time, while others book.
async fn cancelling_at_once(world: &World, ada: &Client) -> Result<Value> {
    step(&format!("Signing {} people in", super::drop::PEOPLE));
    let strangers = Strangers::gather(world, ada).await?;
    let event = strangers.event(world, ada, CANCELLING as i32).await?;
    let server = strangers.server_for(world, AT_ONCE).await?;
    let (cancelling, rest) = strangers.tokens.split_at(CANCELLING);
    let book = |token: &String| booking(event.id, token);
    ensure!(server.crowd(world, cancelling.iter().map(book), 0)?.all, "not every booking succeeded");
    let held: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select b.id, u.name from bookings b join users u on u.id = b.user_id where event_id = $1")
            .bind(event.id.0)
            .fetch_all(&world.pool)
            .await?;
    step(&format!("{CANCELLING} people cancel and {BOOKING} book at once"));
    let mut requests: Vec<_> = held
        .iter()
        .filter_map(|(id, name)| {
            let token = strangers.token_of(name)?.to_owned();
            Some((format!("/bookings/{id}/cancel"), token, "{}".to_owned()))
        })
        .collect();
    // spread the bookings evenly among the cancellations
    for (n, token) in rest.iter().take(BOOKING).enumerate() {
        requests.insert(n * (CANCELLING / BOOKING), book(token));
    }
    let seen = server.crowd_of(AT_ONCE, world, requests, 0)?;
    server.stop()?;
    println!("{} requests at once, {:.0} answered a second", seen.done, seen.per_s);
    ensure!(seen.all && seen.done == i64::from(AT_ONCE), "of {AT_ONCE} only {} were done", seen.done);
    world.audit().context("the audit after many cancelled at once")?;
    Ok(json!({ "requests": seen.done, "per_s": seen.per_s }))
}
