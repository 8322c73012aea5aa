//! Traces: a request's id, which is its trace's id, follows it through HTTP, SQL, Redis, the queue and the worker.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use happening_api::{CreatedInvite, Visibility};
use happening_tests::collector::{Collector, attribute};
use happening_tests::world::{new_id, wait_for};
use happening_tests::{Client, Reply, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

async fn traced_world() -> Result<(World, Collector)> {
    let collector = Collector::start().await?;
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
    ];
    let world = World::with(WorldOptions { backends: 1, worker: true, env: env.into(), ..WorldOptions::default() });
    Ok((world.await?, collector))
}

/// The trace id of a request, which is the request's own id.
fn trace_id(reply: &Reply) -> Result<String> {
    Ok(reply.headers.get("x-request-id").context("no request id")?.to_str()?.replace('-', ""))
}

fn names(spans: &[Value]) -> BTreeSet<String> {
    spans.iter().map(|span| span["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_request_is_one_trace_from_the_call_to_the_worker() -> Result<()> {
    let (world, collector) = traced_world().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 3).await?;
    let booked = barbara.book(event.id, 1).await?.expect(201);
    let id = trace_id(&booked)?;
    let spans = wait_for("the whole trace", Duration::from_secs(30), || async {
        let spans = collector.trace(&id);
        let all = ["POST /bookings", "process notifications"].iter().all(|name| names(&spans).contains(*name));
        Ok(all.then_some(spans))
    })
    .await?;
    let statements: Vec<&Value> =
        spans.iter().filter(|span| attribute(span, "db.system.name").as_deref() == Some("postgresql")).collect();
    let told = spans.iter().find(|span| span["name"] == "process notifications").context("the worker's span")?;
    assert!(statements.iter().any(|span| span["parentSpanId"] == told["spanId"]), "the worker's SQL: {spans:#?}");
    let written = batch_of(&collector, &id).await?;
    assert!(names(&written).len() > 3, "the batch lacks spans of its statements: {written:#?}");
    wait_for("what was published and shown", Duration::from_secs(30), || async {
        let all = names(&collector.all());
        Ok((all.contains("publish notifications") && all.contains("EVALSHA")).then_some(()))
    })
    .await?;
    // traces contain neither personal data nor tokens
    let text = serde_json::to_string(&collector.all())?;
    for secret in [barbara.token.as_str(), barbara.user.email.as_str(), barbara.user.name.as_str()] {
        assert!(!text.contains(secret), "{secret} is in a trace");
    }
    Ok(())
}

/// The spans of the batch that wrote a request's command.
async fn batch_of(collector: &Collector, id: &str) -> Result<Vec<Value>> {
    let linked = |span: &Value| span["links"].as_array().is_some_and(|all| all.iter().any(|one| one["traceId"] == id));
    let batch = wait_for("the batch", Duration::from_secs(30), || async {
        Ok(collector.all().into_iter().find(|span| span["name"] == "write batch" && linked(span)))
    })
    .await?;
    Ok(collector.trace(batch["traceId"].as_str().unwrap_or_default()))
}

/// The texts of a request's SQL statements, without those that look up the caller. The caller is looked up first, and
/// again after a second, so those statements do not depend on what the request names.
async fn statements(collector: &Collector, reply: &Reply) -> Result<Vec<String>> {
    let id = trace_id(reply)?;
    let spans = wait_for("the trace", Duration::from_secs(30), || async {
        let spans = collector.trace(&id);
        // the request's own span ends last
        Ok(spans.iter().any(|span| span["kind"] == 2).then_some(spans))
    })
    .await?;
    let all: Vec<String> = spans.iter().filter_map(|span| attribute(span, "db.query.text")).collect();
    // one statement if the caller's row matches the token, and a second one otherwise
    let of_caller = |text: &&String| text.contains("ended_identities") || text.contains("person_of_token");
    let own = all.iter().take_while(of_caller).count();
    if names(&spans).contains("POST /bookings") {
        // compare the batch's statements as a set: whether the event is in memory changes their order, and whether they
        // skip locked rows
        let batch = batch_of(collector, &id).await?;
        let texts = batch.iter().filter_map(|span| attribute(span, "db.query.text"));
        return Ok(BTreeSet::from_iter(texts.map(|text| text.replace(" skip locked", ""))).into_iter().collect());
    }
    Ok(all[own..].to_vec())
}

#[tokio::test]
async fn a_new_person_costs_one_more_statement() -> Result<()> {
    let (world, collector) = traced_world().await?;
    let newcomer = world.person("ada").await?.with_token(&world.people().token("ken").await?);
    let me = newcomer.get("/users/me").await?.expect(200);
    let id = trace_id(&me)?;
    wait_for("the trace", Duration::from_secs(30), || async {
        Ok(collector.trace(&id).iter().any(|span| span["kind"] == 2).then_some(()))
    })
    .await?;
    let texts: Vec<String> = collector.trace(&id).iter().filter_map(|span| attribute(span, "db.query.text")).collect();
    let made = |text: &&String| text.contains("person_of_token");
    // the lookup of the caller, the insert of the caller's row, and the request's own statement
    assert_eq!((texts.len(), texts.iter().filter(made).count()), (3, 1), "{texts:#?}");
    Ok(())
}

#[tokio::test]
async fn hidden_and_missing_things_take_the_same_queries() -> Result<()> {
    let (world, collector) = traced_world().await?;
    let (ada, stranger) = (world.person("ada").await?, world.person("edsger").await?);
    let event = world.event(&ada, 5).await?;
    let members = json!({ "visibility": Visibility::Members });
    ada.put(&format!("/events/{}", event.id), members).await?.expect(200);
    let booking = ada.book(event.id, 1).await?.expect(201).body["id"].as_str().unwrap_or_default().to_owned();
    let nothing = new_id();
    let invite = json!({ "org_id": event.org_id, "email": "mira@happening.invalid", "role": "user" });
    let created: CreatedInvite = ada.post("/org-invites", invite).await?.expect(201).json();
    let invite = created.invite.id.to_string();
    let get = Method::GET;
    for (method, path, foreign) in [
        (get.clone(), "/events/ID", event.id.to_string()),
        (get.clone(), "/events/ID/seats", event.id.to_string()),
        (get.clone(), "/events/ID/bookings", event.id.to_string()),
        (get.clone(), "/bookings/ID", booking.clone()),
        (get.clone(), "/bookings/ID/history", booking),
        (get.clone(), "/organizations/ID", event.org_id.to_string()),
        (get, "/organizations/ID/members", event.org_id.to_string()),
        (Method::POST, "/bookings", event.id.to_string()),
        (Method::POST, "/org-invites/ID/resend", invite.clone()),
        (Method::DELETE, "/org-invites/ID", invite),
    ] {
        let ask = |id: String| {
            let (stranger, path): (Client, String) = (stranger.clone(), path.replace("ID", &id));
            let body = (path == "/bookings").then(|| json!({ "event_id": id, "seats": 1 }));
            let method = method.clone();
            async move { anyhow::Ok(stranger.call(method, &path, body.as_ref(), &[]).await?.refused(404, "not_found")) }
        };
        let (known, unknown) = (ask(foreign).await?, ask(nothing.to_string()).await?);
        let (known, unknown) = (statements(&collector, &known).await?, statements(&collector, &unknown).await?);
        assert!(!known.is_empty(), "{path}: nothing was looked up");
        assert_eq!(known, unknown, "{path}");
    }
    Ok(())
}
