//! `bench reads`: what reads cost the database at a large event, beside the same reads at a small one.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, ensure};
use happening_api::{BookingId, Event, EventId};
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Stack, postgres};
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;
use uuid::Uuid;

use super::{median, report_as};

const CALLS: usize = 30;

/// How many bookings of each kind an event has.
struct Size {
    name: &'static str,
    holding: i32,
    waiting: i32,
    cancelled: i32,
}

const SIZES: [Size; 2] = [
    Size { name: "small", holding: 100, waiting: 100, cancelled: 100 },
    Size { name: "large", holding: 50_000, waiting: 50_000, cancelled: 50_000 },
];

/// Measures.
///
/// # Errors
/// When something does not start, or answers what it should not.
pub(super) async fn run() -> Result<()> {
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say).and_then(|()| stack.forget_worlds()) {
        Ok(()) => read(&stack).await,
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

/// What one call costs.
struct Cost {
    /// The first one; that of the first path brings the event's state into memory.
    first_ms: f64,
    database_ms: f64,
    statements: f64,
    rows: f64,
}

async fn read(stack: &Stack) -> Result<()> {
    let program = target().join("release/happening-backend");
    let options = WorldOptions { backends: 1, env: [("RELAY", "false".to_owned())].into(), ..WorldOptions::default() };
    let mut world = World::on(stack.clone(), &program, options).await?;
    let ada = world.person("ada").await?;
    let mut paths: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let mut large = None;
    for size in SIZES {
        step(&format!("Filling an event with {} bookings", size.holding + size.waiting + size.cancelled));
        let event = world.event(&ada, size.holding).await?;
        fill(&world, &ada, &event, &size).await?;
        paths.insert(size.name, paths_of(&world, &ada, event.id).await?);
        large = Some(event.id);
    }
    world.run(&["reconcile"])?;
    world.audit().context("the audit of what was filled in")?;
    sqlx::query("analyze").execute(&world.pool).await?;
    // statements are logged with the time that they took
    let database = world.database_url.rsplit('/').next().unwrap_or_default();
    let log = format!(r#"alter database "{database}" set log_min_duration_statement = 0"#);
    sqlx::query(sqlx::AssertSqlSafe(log)).execute(&world.pool).await?;
    world.stop_backend(0)?;
    world.start_backend(0).await?;
    step(&format!("{CALLS} calls of each"));
    let ada = ada.at(&world.base(0));
    let mut measured: BTreeMap<&str, BTreeMap<&str, Cost>> = BTreeMap::new();
    for (size, paths) in &paths {
        for (name, path) in paths {
            measured.entry(name).or_default().insert(size, cost(stack, &world, &ada, path).await?);
        }
    }
    step("Cancelling the large event");
    let ending = end(&world, &ada, large.context("an event")?).await?;
    world.audit().context("the audit of a cancelled event")?;
    report(&measured, &ending)
}

/// How an event with many bookings ends: in portions, each of which holds the event's row for less than until the next one.
async fn end(world: &World, ada: &Client, event: EventId) -> Result<serde_json::Value> {
    let started = std::time::Instant::now();
    ada.post(&format!("/events/{event}/cancel"), json!({})).await?.expect(200);
    let answered_ms = started.elapsed().as_secs_f64() * 1e3;
    let left = "select count(*) from bookings where event_id = $1 and status <> 'cancelled'";
    happening_tests::world::wait_for("the end of all bookings", std::time::Duration::from_secs(120), || async {
        let left: i64 = sqlx::query_scalar(left).bind(event.0).fetch_one(&world.pool).await?;
        Ok((left == 0).then_some(()))
    })
    .await?;
    let ended_s = started.elapsed().as_secs_f64();
    let portions = "select count(*), coalesce(percentile_cont(0.5) within group (order by ms), 0), coalesce(max(ms), 0)
        from (select extract(epoch from at - lag(at) over (order by version))::float8 * 1000 as ms from seat_log where event_id = $1) as x";
    let (portions, median_ms, longest_ms): (i64, f64, f64) =
        sqlx::query_as(portions).bind(event.0).fetch_one(&world.pool).await?;
    println!(
        "cancelled: answered after {answered_ms:.0} ms, all bookings ended after {ended_s:.1} s in {portions} portions, from one to the next \
        {median_ms:.0} ms, at most {longest_ms:.0} ms"
    );
    Ok(
        json!({ "answered_ms": answered_ms, "ended_s": ended_s, "portions": portions, "median_ms": median_ms, "longest_ms": longest_ms }),
    )
}

/// People and bookings, written as rows.
async fn fill(world: &World, ada: &Client, event: &Event, size: &Size) -> Result<()> {
    let all = size.holding + size.waiting + size.cancelled;
    let people =
        "insert into users (id, keycloak_id, name, email) select gen_random_uuid(), $1::text || n, 'Guest ' || n,
        n || '@happening.invalid' from generate_series(1, $2) as n";
    sqlx::query(people).bind(event.id.to_string()).bind(all).execute(&world.pool).await?;
    // the owner is the last one who waits
    let bookings = "with guests as (
            select id, row_number() over (order by id) as n from users where keycloak_id like $1::text || '%'
        ), rows as (
            select time_ordered_id(now() + make_interval(secs => n::int / 1000.0)) as id, n, now() + make_interval(secs => n::int / 1000.0) as at,
                case when n = $2 + $3 then $5 else id end as person,
                case when n <= $2 then 'confirmed' when n <= $2 + $3 then 'waiting' else 'cancelled' end as status from guests
        ), b as (
            insert into bookings (id, event_id, user_id, seats, waiting_seats, waiting_order, waiting_number, status, request_hash, created_at, updated_at)
            select id, $4, person, 1, (status = 'waiting')::int, case status when 'waiting' then n - $2 end,
                case status when 'waiting' then n - $2 end, status, '', at, at from rows
        ), s as (
            insert into booking_seats (event_id, booking_id, user_id, seat_no, status)
            select $4, id, person, n, 'booked' from rows where status = 'confirmed'
        ), c as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
            select gen_random_uuid(), id, $4, 'created', 1, case status when 'confirmed' then array[n::int] else '{}' end, person, at from rows
        ), o as (
            insert into outbox (id, payload, created_at, published_at)
            select id, json_build_object('bookingId', id, 'type', 'booking_confirmed'), at, null::timestamptz from rows
            union all
            select gen_random_uuid(), json_build_object('bookingId', id, 'type', 'booking_cancelled'), at, null from rows where status = 'cancelled'
        )
        insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
        select gen_random_uuid(), id, $4, 'cancelled', 0, '{}', person, at + interval '1 minute' from rows where status = 'cancelled'";
    sqlx::query(bookings)
        .bind(event.id.to_string())
        .bind(size.holding)
        .bind(size.waiting)
        .bind(event.id.0)
        .bind(ada.user.id.0)
        .execute(&world.pool)
        .await?;
    sqlx::query("update events set waiting_order_last = $2 where id = $1")
        .bind(event.id.0)
        .bind(i64::from(size.waiting))
        .execute(&world.pool)
        .await?;
    Ok(())
}

async fn paths_of(world: &World, ada: &Client, event: EventId) -> Result<Vec<(&'static str, String)>> {
    let last: Uuid = sqlx::query_scalar("select id from bookings where event_id = $1 and user_id = $2")
        .bind(event.0)
        .bind(ada.user.id.0)
        .fetch_one(&world.pool)
        .await?;
    let last = BookingId(last);
    Ok(vec![
        ("GET /bookings/{id}", format!("/bookings/{last}")),
        ("GET /bookings/user/{id}", format!("/bookings/user/{}", ada.user.id)),
        ("GET /bookings/{id}/waitlist", format!("/bookings/{last}/waitlist")),
        ("GET /events", "/events".to_owned()),
        ("GET /events/{id}", format!("/events/{event}")),
        ("GET /events/{id}/bookings", format!("/events/{event}/bookings")),
        ("GET /events/{id}/bookings?waiting=true", format!("/events/{event}/bookings?waiting=true")),
        ("GET /events/{id}/activity", format!("/events/{event}/activity")),
    ])
}

/// The first call, which may load a state, is not counted.
async fn cost(stack: &Stack, world: &World, ada: &Client, path: &str) -> Result<Cost> {
    let started = std::time::Instant::now();
    ada.get(path).await?.expect(200);
    let first_ms = started.elapsed().as_secs_f64() * 1e3;
    let mut log = std::fs::File::open(postgres::log_file(stack)?)?;
    log.seek(SeekFrom::End(0))?;
    let before = rows_read(world).await?;
    for _ in 0..CALLS {
        ada.get(path).await?.expect(200);
    }
    let rows = rows_read(world).await? - before;
    let mut text = String::new();
    log.read_to_string(&mut text)?;
    // "LOG:  duration: 0.123 ms  execute sqlx_s_1: select …"; those of this program ask the statistics
    let durations: Vec<f64> = text
        .lines()
        .filter(|line| !line.contains("pg_stat"))
        .filter_map(|line| line.split_once("duration: ")?.1.split_once(" ms")?.0.parse().ok())
        .collect();
    ensure!(!durations.is_empty(), "Postgres logged no statement");
    let each = |sum: f64| sum / CALLS as f64;
    let executed = text.lines().filter(|line| line.contains(" ms  execute ")).count();
    Ok(Cost {
        first_ms,
        database_ms: each(durations.iter().sum()),
        statements: each(executed as f64),
        rows: each(rows as f64),
    })
}

async fn rows_read(world: &World) -> Result<i64> {
    // a server tells its counts a second after its last statement
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let query =
        "select (coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0))::bigint from pg_stat_user_tables";
    Ok(sqlx::query_scalar(query).fetch_one(&world.pool).await?)
}

fn report(measured: &BTreeMap<&str, BTreeMap<&str, Cost>>, ending: &serde_json::Value) -> Result<()> {
    let mut results = serde_json::Map::new();
    println!(
        "{:<42} {:>10} {:>10} {:>6} {:>11} {:>10}",
        "", "small, ms", "large, ms", "ratio", "statements", "rows read"
    );
    for (name, costs) in measured {
        let (small, large) = (costs.get("small").context("a cost")?, costs.get("large").context("a cost")?);
        let ratio = large.database_ms / small.database_ms;
        println!(
            "{name:<42} {:>10.2} {:>10.2} {ratio:>6.1} {:>11.1} {:>10.0}",
            small.database_ms, large.database_ms, large.statements, large.rows
        );
        let figures = |cost: &Cost| json!({ "first_ms": cost.first_ms, "database_ms": cost.database_ms, "statements": cost.statements, "rows": cost.rows });
        results.insert((*name).to_owned(), json!({ "small": figures(small), "large": figures(large), "ratio": ratio }));
    }
    let loads = measured.values().filter_map(|costs| costs.get("large")).map(|cost| cost.first_ms);
    println!("the longest first call, which loads the large event's state: {:.0} ms", loads.fold(0.0, f64::max));
    let ratio = median(results.values().filter_map(|one| one["ratio"].as_f64()));
    println!("median ratio {ratio:.1}");
    report_as("reads", &json!({ "reads": results, "cancelled": ending }))
}
