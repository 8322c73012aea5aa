//! Tools of operators: metrics, logs, settings, backups, traces.

mod connections;
mod document;
mod guide;
mod restore;
mod schema;
mod traces;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use happening_stack::ports::free_port;
use happening_tests::own::OwnRedis;
use happening_tests::world::{stack, wait_for};
use happening_tests::{World, WorldOptions};
use serde_json::{Value, json};

async fn metrics(port: u16) -> Result<String> {
    Ok(reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await?.error_for_status()?.text().await?)
}

/// The value of the metric in the line that begins with `start`.
fn value(text: &str, start: &str) -> Option<f64> {
    text.lines().find(|line| line.starts_with(start))?.rsplit(' ').next()?.parse().ok()
}

/// Checks that every metric in the dashboard and the alerts is served under that name.
fn monitoring_is_served(served: &str) -> Result<()> {
    for file in ["dashboard.json", "alerts.yml"] {
        let path = format!("{}/../docker/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path)?;
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let names: BTreeSet<&str> =
            words.filter(|word| word.starts_with("happening_") || word.starts_with("http_server_")).collect();
        assert!(names.len() > 3, "{file}: {names:?}");
        for name in names {
            let there =
                served.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
            assert!(there, "{file} names {name}, which is not served");
        }
    }
    Ok(())
}

#[tokio::test]
async fn requests_bookings_messages_and_audits_are_measured() -> Result<()> {
    let (serve, worker) = (free_port()?, free_port()?);
    let env = [
        ("METRICS_ADDR", format!("127.0.0.1:{serve}")),
        ("LOG_FORMAT", "json".to_owned()),
        ("LOG", "debug".to_owned()),
    ];
    let world = World::with(WorldOptions { backends: 1, env: env.into(), ..WorldOptions::default() }).await?;
    let mut command = world.command(&["worker"]);
    command.env("METRICS_ADDR", format!("127.0.0.1:{worker}")).env("AUDIT_EVERY_S", "15");
    let log = std::fs::File::create(world.folder.join("metered-worker.log"))?;
    let mut process = command.stdout(log.try_clone()?).stderr(log).spawn()?;

    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let booked = ada.book(event.id, 2).await?.expect(201);
    ada.book(event.id, 2).await?.expect(201);
    let first = ada.get(&format!("/events/{}", event.id)).await?.expect(200);
    let text = metrics(serve).await?;
    let created = "http_server_request_duration_seconds_count{http_request_method=\"POST\",http_route=\"/bookings\",http_response_status_code=\"201\"}";
    assert_eq!(value(&text, created), Some(2.0), "{text}");
    assert!(!text.contains(&event.id.to_string()), "a label contains an event's id");
    assert_eq!(value(&text, "happening_batch_items_count"), Some(2.0), "{text}");
    assert!(text.contains("# HELP happening_seat_writer_restarts_total"), "{text}");
    let counted = wait_for("the worker's counts", Duration::from_secs(40), || async {
        let text = metrics(worker).await.unwrap_or_default();
        Ok((value(&text, "happening_waitlist_bookings") == Some(1.0)
            && value(&text, "happening_messages_consumed_total{fate=\"done\"}") >= Some(2.0))
        .then_some(text))
    })
    .await?;
    assert_eq!(value(&counted, "happening_bookings{category=\"none\",status=\"waiting\"}"), Some(1.0), "{counted}");
    assert_eq!(value(&counted, "happening_bookings{category=\"none\",status=\"confirmed\"}"), Some(1.0), "{counted}");
    assert_eq!(
        value(&counted, "happening_audit_violations{invariant=\"I1 no seat is booked twice\"}"),
        Some(0.0),
        "{counted}"
    );

    monitoring_is_served(&format!("{}{counted}", metrics(serve).await?))?;

    // the metrics show a count that differs from the rows
    sqlx::query("update events set available_slots = 3").execute(&world.pool).await?;
    wait_for("the drift", Duration::from_secs(60), || async {
        let text = metrics(worker).await?;
        Ok((value(&text, "happening_audit_violations{invariant=\"I11 available") == Some(1.0)).then_some(()))
    })
    .await?;
    process.kill()?;
    process.wait()?;

    // the log has a line for each request, with the id that the caller was given, and contains no token
    let request_id = first.headers["x-request-id"].to_str()?;
    let log = std::fs::read_to_string(world.folder.join("backend0.log"))?;
    let line = log.lines().find(|line| line.contains(request_id)).context("no line for the request")?;
    let line: Value = serde_json::from_str(line)?;
    assert_eq!((&line["route"], &line["status"]), (&json!("/events/{id}"), &json!(200)));
    assert!(!log.contains(&ada.token), "a token is in the log");
    let settings = log.lines().find(|line| line.contains("\"settings\"")).context("no settings in the log")?;
    assert!(settings.contains("amqp://127.0.0.1") && !log.contains("guest"), "{settings}");
    // the worker's log names the request that caused the message
    let request_id = booked.headers["x-request-id"].to_str()?;
    let log = std::fs::read_to_string(world.folder.join("metered-worker.log"))?;
    let line = log.lines().find(|line| line.contains(request_id)).context("the worker does not name the request")?;
    assert_eq!(serde_json::from_str::<Value>(line)?["message"], "a message has its effect");
    Ok(())
}

#[tokio::test]
async fn settings_are_listed_and_bad_ones_named() -> Result<()> {
    let world = World::with(WorldOptions { backends: 0, ..WorldOptions::default() }).await?;
    let help = |command: &str| -> Result<String> {
        let output = world.command(&[command, "--help"]).output()?;
        // join the lines of the help, which may be wrapped anywhere
        Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (serve, worker) = (help("serve")?, help("worker")?);
    for name in [
        "PORT",
        "DATABASE_URL",
        "REDIS_URL",
        "RABBITMQ_URL",
        "OIDC_ISSUER_URL",
        "OIDC_AUDIENCE",
        "LOG_FORMAT",
        "METRICS_ADDR",
        "SERVER_KEY",
        "PUBLIC_URL",
    ] {
        assert!(serve.contains(&format!("[env: {name}")), "{name} is not in the help");
    }
    assert!(worker.contains("[env: SMTP_URL") && worker.contains("[env: AUDIT_EVERY_S"));
    let key = world.stack.server_key.clone();
    assert!(!serve.contains(&key), "the help shows a secret");
    for (name, bad) in [
        ("PORT", "x"),
        ("DATABASE_URL", "mysql://x"),
        ("SERVER_KEY", "short"),
        ("RATE_LIMIT_PER_PERSON", "-1"),
        ("METRICS_ADDR", "here"),
        ("WRITE_TIMEOUT_MS", "1"),
        ("CONNECTIONS_PER_ADDRESS_MAX", "many"),
    ] {
        let mut command: Command = world.command(&["serve"]);
        let output = command.env(name, bad).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        assert!(!output.status.success() && said.contains(&flag), "{name}: {said}");
    }
    // the flags of these settings have shorter names than the variables
    for (name, bad) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "here"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("LOG", "happening=loud"),
    ] {
        let output = world.command(&["serve"]).env(name, bad).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(name), "{name}: {said}");
    }
    let mut command: Command = world.command(&["serve"]);
    let said = String::from_utf8_lossy(&command.env_remove("SERVER_KEY").output()?.stderr).into_owned();
    assert!(said.contains("--server-key"), "{said}");
    Ok(())
}

#[tokio::test]
async fn redis_over_tls_needs_a_trusted_certificate() -> Result<()> {
    let redis = OwnRedis::start_with_tls(&stack()?, "tls").await?;
    let trusting = |certificate: PathBuf| {
        let env = [("REDIS_URL", redis.url()), ("SSL_CERT_FILE", certificate.display().to_string())].into();
        World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() })
    };
    let world = trusting(redis.certificate()).await?;
    let ada = world.person("ada").await?;
    ada.book(world.event(&ada, 3).await?.id, 2).await?.expect(201);
    world.audit()?;
    drop(world);

    let other = OwnRedis::start_with_tls(&stack()?, "tls-other").await?;
    let world = trusting(other.certificate()).await?;
    let ready: Value = reqwest::get(format!("{}/health/ready", world.base(0))).await?.json().await?;
    assert_eq!((&ready["ready"], &ready["redis"]), (&json!(true), &json!("away")));
    Ok(())
}

#[tokio::test]
async fn the_api_pages_policy_allows_its_own_files() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let page = reqwest::get(format!("{}/docs", world.base(0))).await?.error_for_status()?;
    let policy = page.headers()["content-security-policy"].to_str()?.to_owned();
    let (base, html) = (page.url().clone(), page.text().await?);
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let parts: Vec<&str> =
        html.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert!(parts.len() >= 3, "{html}");
    for part in parts {
        let url = base.join(part)?;
        assert_eq!(url.origin(), base.origin(), "the policy refuses {part}");
        reqwest::get(url).await?.error_for_status()?;
    }
    // the policy forbids inline scripts
    assert!(
        html.split("<script").skip(1).all(|tag| tag.split('>').next().unwrap_or_default().contains("src=")),
        "{html}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_reports_its_version_and_database() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let get = async |path: &str| -> Result<Value> {
        Ok(reqwest::get(format!("{}{path}", world.base(0))).await?.error_for_status()?.json().await?)
    };
    let about = get("/").await?;
    assert_eq!((&about["name"], &about["version"]), (&json!("happening"), &json!(env!("CARGO_PKG_VERSION"))));
    let sign_in = json!({ "issuer": world.stack.issuer(), "client_id": "happening-desktop" });
    assert_eq!(about["sign_in"], sign_in);
    let test = get("/db-test").await?;
    assert_eq!(test["ok"], json!(true));
    assert!(test["round_trip_ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 10_000.0), "{test}");
    assert_eq!(get("/health/live").await?["status"], json!("live"));
    let up = json!({ "ready": true, "postgres": "up", "seat_writer": "up", "redis": "up", "rabbitmq": "up", "sign_in": "up" });
    assert_eq!(get("/health/ready").await?, up);
    Ok(())
}
