//! `bench drop`: durable bookings per second on one event, against bare inserts by pgbench.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Stack, run as run_command};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use super::{median, report_as};

const CONNECTIONS: u32 = 256;
const SEATS: i32 = 100_000;
const PGBENCH_CLIENTS: u32 = 64;

/// How the server is run for a measurement.
const VARIANTS: [(&str, &str, &str); 3] = [
    // name, switches, relay
    ("seat writer", "", "true"),
    ("seat writer, relay off", "", "false"),
    ("one command per transaction", "batches_of_one", "true"),
];

/// Measures.
///
/// # Errors
/// When something does not start, or the audit afterwards finds something.
pub(super) async fn run(pairs: u32, seconds: u32) -> Result<()> {
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say) {
        Ok(()) => match stack.forget_worlds() {
            Ok(()) => drop_on(&stack, pairs, seconds).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

async fn drop_on(stack: &Stack, pairs: u32, seconds: u32) -> Result<()> {
    let program = target().join("release/happening-backend");
    // the world's own servers only make people and events; each measurement has a server of its own
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
    let tokens = tokens.join(",");
    step(&format!("{pairs} pairs of {seconds} s, {CONNECTIONS} connections, 1 of {SEATS} seats per booking"));
    let mut measured: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for pair in 1..=pairs {
        for (name, switches, relay) in VARIANTS {
            let bookings = bookings_per_s(&world, &tokens, switches, relay, seconds).await?;
            let inserts = inserts_per_s(stack, &world.database_url, seconds)?;
            say(&format!(
                "pair {pair}, {name}: {bookings:.0} bookings/s, {inserts:.0} bare inserts/s, ratio {:.2}",
                bookings / inserts
            ));
            measured.entry(name).or_default().push((bookings, inserts));
        }
    }
    let delivered = delivered_per_s(&world, seconds).await?;
    say(&format!("what waited in the outbox: a worker gives {delivered:.0} messages their effect per second"));
    step("Auditing");
    world.audit().context("the audit after the benchmark")?;
    say("0 violations");
    report(&measured, seconds, delivered)
}

/// One worker, with as many messages as it can take.
async fn delivered_per_s(world: &World, seconds: u32) -> Result<f64> {
    let count = || sqlx::query_scalar::<_, i64>("select count(*) from notifications").fetch_one(&world.pool);
    let mut command = world.command(&["worker"]);
    command.env("LOG", "warn").stdout(Stdio::null()).stderr(Stdio::null());
    let worker = Server(command.spawn()?);
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

fn report(measured: &BTreeMap<&str, Vec<(f64, f64)>>, seconds: u32, delivered_per_s: f64) -> Result<()> {
    let mut results = BTreeMap::new();
    for (name, pairs) in measured {
        let bookings = median(pairs.iter().map(|pair| pair.0));
        let inserts = median(pairs.iter().map(|pair| pair.1));
        let ratio = median(pairs.iter().map(|pair| pair.0 / pair.1));
        println!("{name}: median {bookings:.0} bookings/s, {inserts:.0} bare inserts/s, ratio {ratio:.2}");
        results.insert(
            *name,
            json!({ "bookings_per_s": bookings, "inserts_per_s": inserts, "ratio": ratio, "pairs": pairs }),
        );
    }
    let of = |name: &str| measured.get(name).map(|pairs| median(pairs.iter().map(|pair| pair.0))).unwrap_or_default();
    let times = of(VARIANTS[0].0) / of(VARIANTS[2].0);
    println!("batches do {times:.1} times what one command per transaction does");
    let all = json!({ "connections": CONNECTIONS, "seats": SEATS, "seconds": seconds, "times_one_command": times, "worker_messages_per_s": delivered_per_s, "results": results });
    report_as("drop", &all)
}

/// A server process that ends with its measurement.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn bookings_per_s(world: &World, tokens: &str, switches: &str, relay: &str, seconds: u32) -> Result<f64> {
    let ada = world.person("ada").await?;
    let event = world.event(&ada, SEATS).await?;
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let mut command = world.command(&["serve"]);
    command.env("PORT", port.to_string()).env("HAPPENING_SWITCHES", switches).env("RELAY", relay).env("LOG", "warn");
    // kept, so that a refusal can be explained
    let log = std::fs::File::options().create(true).append(true).open(world.stack.log_file("measured-server"))?;
    let mut server = Server(command.stdout(Stdio::null()).stderr(log).spawn()?);
    let url = format!("http://127.0.0.1:{port}/health/ready");
    happening_tests::world::wait_for("the measured server", Duration::from_secs(20), || async {
        Ok(happening_tests::world::answers(&url).await.then_some(()))
    })
    .await?;
    let output = run_command(
        Command::new(target().join("release/drop-load"))
            .args([port.to_string(), event.id.to_string(), CONNECTIONS.to_string(), seconds.to_string()])
            .arg(tokens),
    )?;
    // a graceful end: what was begun is done before the next one starts
    run_command(Command::new("kill").arg(server.0.id().to_string()))?;
    server.0.wait()?;
    let seen: serde_json::Value = serde_json::from_str(output.trim())?;
    // one command per transaction turns people away under such a crowd; batches must not
    let all_served = seen["other"] == 0 && seen["broken"] == 0;
    ensure!(
        all_served || !switches.is_empty(),
        "not every booking succeeded, see target/bench-stack/measured-server.log: {seen}"
    );
    let created = seen["created"].as_i64().unwrap_or_default();
    ensure!(created < i64::from(SEATS), "the event was full; measure fewer seconds");
    let rows: i64 = sqlx::query_scalar("select count(*) from bookings where event_id = $1")
        .bind(event.id.0)
        .fetch_one(&world.pool)
        .await?;
    ensure!(rows == created || !all_served, "{created} bookings were answered, {rows} are in the database");
    seen["per_s"].as_f64().context("no rate")
}

fn inserts_per_s(stack: &Stack, database_url: &str, seconds: u32) -> Result<f64> {
    let script = stack.folder.join("bare_insert.sql");
    std::fs::write(&script, "insert into bare_rows (id, n) values (gen_random_uuid(), 1);\n")?;
    let bin = Stack::postgres_programs()?;
    run_command(Command::new(bin.join("psql")).args([
        database_url,
        "-qc",
        "create table if not exists bare_rows (id uuid primary key, n integer)",
    ]))?;
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
    let line = output.lines().find(|line| line.starts_with("tps = ")).context("pgbench said no rate")?;
    Ok(line.split_whitespace().nth(2).context("a rate")?.parse()?)
}
