//! `bench reads`: measures what reads cost the database at a large event, compared with a small one.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, ensure};
use happening_api::{BookingId, EventId};
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Stack, postgres};
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;
use uuid::Uuid;

use super::filled::{Size, fill};
use super::{median, report_as};

const CALLS: usize = 30;

const SIZES: [Size; 2] = [
    Size { name: "small", holding: 100, waiting: 100, cancelled: 100 },
    Size { name: "large", holding: 50_000, waiting: 50_000, cancelled: 50_000 },
];

/// Runs the benchmark.
///
/// # Errors
/// When a service does not start, or a read is refused.
pub(super) async fn run() -> Result<()> {
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say).and_then(|()| stack.drop_test_databases()) {
        Ok(()) => read(&stack).await,
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

/// The cost of one call.
struct Cost {
    /// Duration of the first call. The first path's first call also loads the event's state into memory.
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
    for size in SIZES {
        step(&format!("Filling an event with {} bookings", size.holding + size.waiting + size.cancelled));
        let event = world.event(&ada, size.holding).await?;
        fill(&world, &ada, &event, &size).await?;
        paths.insert(size.name, paths_of(&world, &ada, event.id).await?);
    }
    world.run(&["reconcile"])?;
    world.audit().context("the audit of what was filled in")?;
    sqlx::query("analyze").execute(&world.pool).await?;
    // let Postgres log each statement with its duration
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
    report(&measured)
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

/// Measures repeated calls of a path. The first call, which may load a state, counts only as `first_ms`.
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
    // lines such as "LOG:  duration: 0.123 ms  execute sqlx_s_1: select …"; this program's own queries of the
    // statistics are skipped
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
    // Postgres' sessions report their counts up to a second after their last statement
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let query =
        "select (coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0))::bigint from pg_stat_user_tables";
    Ok(sqlx::query_scalar(query).fetch_one(&world.pool).await?)
}

fn report(measured: &BTreeMap<&str, BTreeMap<&str, Cost>>) -> Result<()> {
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
    report_as("reads", &json!(results))
}
