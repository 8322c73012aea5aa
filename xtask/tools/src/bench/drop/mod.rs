//! `bench drop`: durable bookings per second on one event, against bare inserts by pgbench.

mod cpu;
mod measured;
mod strangers;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use happening_api::EventId;
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Stack, run as run_command};
use happening_tests::{Client, World, WorldOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use self::cpu::Cpu;
use self::measured::CONNECTIONS;
pub(super) use self::measured::Server;
pub(super) use self::strangers::{PEOPLE, Strangers};
use super::{median, report_as};

const SEATS: i32 = 100_000;
const PGBENCH_CLIENTS: u32 = 64;

const WARM: &str = "bookings";
const WITHOUT_RELAY: &str = "bookings, relay off";
const WITHOUT_REDIS: &str = "bookings, Redis away";
const COLD: &str = "first bookings of strangers";
const PROMOTING: &str = "cancellations that promote";
const AT_MANY: &str = "bookings at many events";
const CLAIMS: &str = "claims at many events";
const ONE_COMMAND: &str = "bookings, one command per transaction";
const VARIANTS: [&str; 8] = [WARM, WITHOUT_RELAY, WITHOUT_REDIS, COLD, PROMOTING, AT_MANY, CLAIMS, ONE_COMMAND];
/// The least ratio of a bare insert's processor time to a booking's, each including the program that requests it.
/// Processor time is compared because the rate of bare inserts, which wait for the disk one by one, varies by a factor
/// of two within minutes.
const FLOORS: [(&str, f64); 2] = [(WARM, 0.75), (COLD, 0.5)];
/// The most processor time of a booking without Redis, as a multiple of its time with Redis.
const WITHOUT_REDIS_MAX: f64 = 1.2;

/// Starts the relay, which is off by default in this world.
const RELAY: (&str, &str) = ("RELAY", "true");

/// Measures the variants whose name contains `only`.
///
/// # Errors
/// When a service does not start, or the audit finds a violation.
pub(super) async fn run(pairs: u32, seconds: u32, only: &str) -> Result<()> {
    let variants: Vec<_> = VARIANTS.into_iter().filter(|name| name.contains(only)).collect();
    ensure!(!variants.is_empty(), "nothing that is measured has {only:?} in its name: {VARIANTS:?}");
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say) {
        Ok(()) => match stack.drop_test_databases() {
            Ok(()) => drop_on(&stack, pairs, seconds, &variants).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

/// The people whose requests are measured.
struct Crowd<'w> {
    world: &'w World,
    ada: Client,
    tokens: Vec<String>,
    strangers: Strangers,
    seconds: u32,
}

impl Crowd<'_> {
    async fn measure(&self, name: &str) -> Result<Measured> {
        match name {
            WARM => warm(self, &[RELAY]).await,
            WITHOUT_RELAY => warm(self, &[]).await,
            WITHOUT_REDIS => warm(self, &[RELAY, ("REDIS_URL", "redis://127.0.0.1:9")]).await,
            COLD => cold(self).await,
            PROMOTING => promoting(self).await,
            AT_MANY => at_many(self, false).await,
            CLAIMS => at_many(self, true).await,
            _ => warm(self, &[RELAY, ("HAPPENING_SWITCHES", "batches_of_one")]).await,
        }
    }
}

async fn drop_on(stack: &Stack, pairs: u32, seconds: u32, variants: &[&'static str]) -> Result<()> {
    let program = target().join("release/happening-backend");
    // the world's own server only creates people and events; each measurement starts another server
    let world = World::on(
        stack.clone(),
        &program,
        WorldOptions { backends: 1, env: [("RELAY", "false".to_owned())].into(), ..WorldOptions::default() },
    )
    .await?;
    let mut tokens = Vec::new();
    for name in ["ada", "grace", "alan", "barbara", "edsger", "frances", "donald", "margaret"] {
        tokens.push(world.person(name).await?.token);
    }
    step(&format!("Signing {} people in", strangers::PEOPLE));
    let ada = world.person("ada").await?;
    let strangers = Strangers::gather(&world, &ada).await?;
    let crowd = Crowd { world: &world, ada, tokens, strangers, seconds };
    step(&format!("{pairs} pairs, {CONNECTIONS} connections, 1 of {SEATS} seats per booking"));
    let mut measured: BTreeMap<&str, Vec<(Measured, Inserts)>> = BTreeMap::new();
    for pair in 1..=pairs {
        for &name in variants {
            let one = crowd.measure(name).await.with_context(|| name.to_owned())?;
            let inserts = bare_inserts(stack, &world.database_url, seconds)?;
            let (per_s, bare, ratio) = (one.per_s, inserts.per_s, one.per_s / inserts.per_s);
            say(&format!("pair {pair}, {name}: {per_s:.0}/s, {bare:.0} bare inserts/s, ratio {ratio:.2}"));
            measured.entry(name).or_default().push((one, inserts));
        }
    }
    // only after all variants there are enough messages to measure
    let delivered = if variants == VARIANTS { Some(delivered_per_s(&world, seconds).await?) } else { None };
    if let Some(delivered) = delivered {
        say(&format!("what waited in the outbox: a worker gives {delivered:.0} messages their effect per second"));
    }
    step("Auditing");
    world.audit().context("the audit after the benchmark")?;
    say("0 violations");
    report(&measured, seconds, delivered)
}

/// A worker process that is killed when dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Messages per second that one worker delivers while the queue is full.
async fn delivered_per_s(world: &World, seconds: u32) -> Result<f64> {
    let count = || sqlx::query_scalar::<_, i64>("select count(*) from notifications").fetch_one(&world.pool);
    let mut command = world.command(&["worker"]);
    command.env("LOG", "warn").stdout(Stdio::null()).stderr(Stdio::null());
    let worker = Worker(command.spawn()?);
    let before = count().await?;
    happening_tests::world::wait_for("the worker's first message", Duration::from_secs(20), || async {
        Ok((count().await? > before).then_some(()))
    })
    .await?;
    let (first, started) = (count().await?, Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    let per_s = (count().await? - first) as f64 / started.elapsed().as_secs_f64();
    drop(worker);
    Ok(per_s)
}

fn report(
    measured: &BTreeMap<&str, Vec<(Measured, Inserts)>>,
    seconds: u32,
    delivered_per_s: Option<f64>,
) -> Result<()> {
    let mut results = BTreeMap::new();
    for (name, pairs) in measured {
        let per_s = median(pairs.iter().map(|(one, _)| one.per_s));
        let inserts = median(pairs.iter().map(|(_, inserts)| inserts.per_s));
        let ratio = median(pairs.iter().map(|(one, inserts)| one.per_s / inserts.per_s));
        println!("{name}: median {per_s:.0}/s, {inserts:.0} bare inserts/s, ratio {ratio:.2}");
        let cpu = |part: &str| median(pairs.iter().filter_map(|(one, _)| one.cpu[part].as_f64()));
        let cpu: BTreeMap<&str, f64> =
            ["server_us", "postgres_us", "redis_us", "load_us"].into_iter().map(|part| (part, cpu(part))).collect();
        let insert_us = median(pairs.iter().map(|(_, inserts)| inserts.cpu_us));
        let cpu_ratio = insert_us / cpu.values().sum::<f64>();
        println!("  processor time for each, µs: {cpu:?}; of a bare insert {insert_us:.0}: ratio {cpu_ratio:.2}");
        let pairs: Vec<(f64, f64)> = pairs.iter().map(|(one, inserts)| (one.per_s, inserts.per_s)).collect();
        results.insert(
            *name,
            json!({ "per_s": per_s, "inserts_per_s": inserts, "ratio": ratio, "cpu_each": cpu, "insert_us": insert_us,
                "cpu_ratio": cpu_ratio, "pairs": pairs }),
        );
    }
    let of = |name: &str| results.get(name).and_then(|one| one["per_s"].as_f64());
    let times = of(WARM).zip(of(ONE_COMMAND)).map(|(batches, one)| batches / one);
    if let Some(times) = times {
        println!("batches do {times:.1} times what one command per transaction does");
    }
    let cpu = |name: &str| {
        let each = &results.get(name)?["cpu_each"];
        Some(each["server_us"].as_f64()? + each["postgres_us"].as_f64()?)
    };
    let without_redis = cpu(WITHOUT_REDIS).zip(cpu(WARM)).map(|(without, with)| without / with);
    let claims = cpu(CLAIMS).zip(cpu(AT_MANY)).map(|(claims, bookings)| claims / bookings);
    for (what, times) in [("a booking without Redis", without_redis), ("a claim", claims)] {
        if let Some(times) = times {
            println!("{what} takes {times:.2} times the processor time of a booking");
        }
    }
    let all = json!({ "connections": CONNECTIONS, "seats": SEATS, "seconds": seconds, "people": strangers::PEOPLE,
        "times_one_command": times, "without_redis": without_redis, "claims": claims, "worker_messages_per_s": delivered_per_s, "results": results });
    // figures of some variants do not overwrite those of all
    report_as(if results.len() == VARIANTS.len() { "drop" } else { "drop-part" }, &all)?;
    for (name, floor) in FLOORS {
        let Some(ratio) = results.get(name).and_then(|one| one["cpu_ratio"].as_f64()) else { continue };
        ensure!(ratio >= floor, "{name}: {ratio:.2} in processor time, and {floor} is the floor");
    }
    ensure!(without_redis.is_none_or(|times| times <= WITHOUT_REDIS_MAX), "Redis is needed for speed");
    Ok(())
}

/// A measurement: the rate per second, and processor time per request.
struct Measured {
    per_s: f64,
    cpu: Value,
}

/// Measures bookings of people whom the server knows already, repeated for `seconds`.
async fn warm(crowd: &Crowd<'_>, env: &[(&str, &str)]) -> Result<Measured> {
    let Crowd { world, ada, tokens, seconds, .. } = crowd;
    let event = world.event(ada, SEATS).await?;
    let server = Server::start(world, env).await?;
    let requests = tokens.iter().map(|token| booking(event.id, token));
    let seen = server.crowd(world, requests, *seconds)?;
    server.stop()?;
    // with one command per transaction (`batches_of_one`) this load leads to refusals; with batches it must not
    ensure!(
        seen.all || env.iter().any(|(name, _)| *name == "HAPPENING_SWITCHES"),
        "not every booking succeeded, see target/bench-stack/measured-server.log"
    );
    ensure!(seen.done < i64::from(SEATS), "the event was full; measure fewer seconds");
    let rows = rows(world, event.id).await?;
    ensure!(rows == seen.done || !seen.all, "{} bookings were answered, {rows} are in the database", seen.done);
    Ok(Measured { per_s: seen.per_s, cpu: seen.cpu })
}

/// Measures one booking each of many people whom the server sees for the first time.
async fn cold(crowd: &Crowd<'_>) -> Result<Measured> {
    let Crowd { world, ada, strangers, .. } = crowd;
    let event = strangers.event(world, ada, SEATS).await?;
    let server = strangers.server(world).await?;
    let seen = server.crowd(world, strangers.tokens.iter().map(|token| booking(event.id, token)), 0)?;
    server.stop()?;
    ensure!(seen.all, "not every booking succeeded, see target/bench-stack/measured-server.log");
    ensure!(rows(world, event.id).await? == strangers::PEOPLE as i64, "not every booking is in the database");
    Ok(Measured { per_s: seen.per_s, cpu: seen.cpu })
}

/// Measures promotions: half of the people hold a seat each and cancel; each freed seat goes to the next of the other
/// half, who wait.
async fn promoting(crowd: &Crowd<'_>) -> Result<Measured> {
    const HELD: usize = strangers::PEOPLE / 2;
    let Crowd { world, ada, strangers, .. } = crowd;
    let event = strangers.event(world, ada, HELD as i32).await?;
    let server = strangers.server(world).await?;
    let all = strangers.tokens.iter().map(|token| booking(event.id, token));
    ensure!(server.crowd(world, all, 0)?.all, "not every booking succeeded");
    let held: Vec<(Uuid, String)> = sqlx::query_as(
        "select b.id, u.name from bookings b join users u on u.id = b.user_id where event_id = $1 and status = 'confirmed'",
    )
    .bind(event.id.0)
    .fetch_all(&world.pool)
    .await?;
    let cancels = held.iter().filter_map(|(booking, name)| {
        let token = strangers.token_of(name)?.to_owned();
        Some((format!("/bookings/{booking}/cancel"), token, "{}".to_owned()))
    });
    let seen = server.crowd(world, cancels, 0)?;
    server.stop()?;
    ensure!(seen.all && seen.done == HELD as i64, "not every cancellation succeeded");
    let promoted = "select count(*) from booking_history where event_id = $1 and action = 'promoted'";
    let promoted: i64 = sqlx::query_scalar(promoted).bind(event.id.0).fetch_one(&world.pool).await?;
    ensure!(promoted == HELD as i64, "{promoted} of {HELD} who waited got a seat");
    Ok(Measured { per_s: seen.per_s, cpu: seen.cpu })
}

/// Measures seats taken one by one at many events at the same time, by a new booking or by a claim. Claims need many
/// events: while a booking waits at an event, fewer seats are free there than it wants, so one event allows few claims.
async fn at_many(crowd: &Crowd<'_>, claims: bool) -> Result<Measured> {
    const EVENTS: usize = CONNECTIONS as usize;
    const SEATS: i32 = 50;
    let Crowd { world, ada, strangers, .. } = crowd;
    let server = strangers.server(world).await?;
    let mut events = Vec::new();
    for token in strangers.tokens.iter().take(EVENTS) {
        let event = world.event_in(ada, strangers.org, SEATS, Some(SEATS)).await?;
        ada.book(event.id, 1).await?.expect(201);
        events.push((event.id, token.clone()));
    }
    let waits = |(event, token): &(EventId, String)| {
        let body = json!({ "event_id": event, "seats": SEATS }).to_string();
        ("/bookings".to_owned(), token.clone(), body)
    };
    let mut calls: Vec<_> = events.iter().map(|(event, token)| booking(*event, token)).collect();
    if claims {
        ensure!(server.crowd(world, events.iter().map(waits), 0)?.all, "not everyone waits");
        let ids: Vec<Uuid> = events.iter().map(|(event, _)| event.0).collect();
        let waiting = "select event_id, id from bookings where event_id = any($1) and status = 'waiting'";
        let waiting: Vec<(Uuid, Uuid)> = sqlx::query_as(waiting).bind(ids).fetch_all(&world.pool).await?;
        let waiting: BTreeMap<Uuid, Uuid> = waiting.into_iter().collect();
        for ((event, token), call) in events.iter().zip(&mut calls) {
            let booking = waiting.get(&event.0).context("nobody waits")?;
            *call = (format!("/bookings/{booking}/claim"), token.clone(), json!({ "seats": 1 }).to_string());
        }
    }
    // the first request of each event loads its state into memory, as it is in the middle of a drop
    ensure!(server.crowd(world, calls.iter().cloned(), 0)?.all, "not everyone got the first seat");
    let rounds = SEATS as usize - 2;
    let seen = server.crowd(world, (0..rounds).flat_map(|_| calls.iter().cloned()), 0)?;
    server.stop()?;
    ensure!(seen.all && seen.done == (rounds * EVENTS) as i64, "not everyone got a seat each time");
    Ok(Measured { per_s: seen.per_s, cpu: seen.cpu })
}

pub(super) fn booking(event: EventId, token: &str) -> (String, String, String) {
    let body = json!({ "event_id": event, "seats": 1 }).to_string();
    ("/bookings".to_owned(), token.to_owned(), body)
}

async fn rows(world: &World, event: EventId) -> Result<i64> {
    let query = sqlx::query_scalar("select count(*) from bookings where event_id = $1").bind(event.0);
    Ok(query.fetch_one(&world.pool).await?)
}

/// The rate of bare inserts, each in its own transaction.
struct Inserts {
    per_s: f64,
    /// Processor microseconds of Postgres and pgbench per insert.
    cpu_us: f64,
}

fn bare_inserts(stack: &Stack, database_url: &str, seconds: u32) -> Result<Inserts> {
    let script = stack.folder.join("bare_insert.sql");
    std::fs::write(&script, "insert into bare_rows (id, n) values (gen_random_uuid(), 1);\n")?;
    let bin = Stack::postgres_programs()?;
    run_command(Command::new(bin.join("psql")).args([
        database_url,
        "-qc",
        "create table if not exists bare_rows (id uuid primary key, n integer)",
    ]))?;
    let before = Cpu::now(stack, None)?;
    let output = run_command(
        Command::new(bin.join("pgbench"))
            .args([
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-c",
                &PGBENCH_CLIENTS.to_string(),
                "-T",
                &seconds.to_string(),
                "-f",
            ])
            .arg(&script)
            .arg(database_url),
    )?;
    let after = Cpu::now(stack, None)?;
    let line = output.lines().find(|line| line.starts_with("tps = ")).context("pgbench said no rate")?;
    let per_s: f64 = line.split_whitespace().nth(2).context("a rate")?.parse()?;
    Ok(Inserts { per_s, cpu_us: after.all_since(before, per_s * f64::from(seconds)) })
}
