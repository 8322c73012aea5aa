//! Rate limits, headers, and how a server stops. Limits are shared through Redis, so these tests use their own.

use std::time::Duration;

use anyhow::Result;
use happening_tests::own::OwnRedis;
use happening_tests::world::{stack, wait_for};
use happening_tests::{World, WorldOptions};
use reqwest::{Client, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn rate_limited_answers_tell_when_to_retry() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "limits").await?;
    let limits = [("RATE_LIMIT_PER_PERSON", "20".to_owned()), ("RATE_LIMIT_PER_ADDRESS", "8".to_owned())];
    let env = limits.into_iter().chain([("REDIS_URL", redis.url())]).collect();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let mut refused = None;
    for _ in 0..40 {
        let reply = ada.get("/users/me").await?;
        if reply.status == 429 {
            refused = Some(reply.refused(429, "rate_limited"));
            break;
        }
    }
    let refused = refused.expect("the server never limited ada");
    let wait: u64 = refused.headers["retry-after"].to_str()?.parse()?;
    assert!((1..=60).contains(&wait));
    assert_eq!(refused.headers["ratelimit-policy"], "\"default\";q=20;w=60");
    assert_eq!(refused.headers["ratelimit"], format!("\"default\";r=0;t={wait}"));
    // other people are not limited
    barbara.get("/users/me").await?.expect(200);
    // requests without a token count for the address
    let http = Client::new();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(http.get(format!("{}/users/me", world.base(0))).send().await?.status().as_u16());
    }
    assert_eq!((statuses[0], statuses[11]), (401, 429), "{statuses:?}");
    assert_eq!(http.get(format!("{}/org-invites/x", world.base(0))).send().await?.status(), 429);
    // health checks and requests with a token do not count for the address
    assert_eq!(http.get(format!("{}/health/live", world.base(0))).send().await?.status(), 200);
    barbara.get("/users/me").await?.expect(200);
    Ok(())
}

/// Uses up nearly all of a limit of 20 at each of two servers, then counts the requests that a third server allows.
async fn let_through_at_a_third_server(redis_url: String) -> Result<usize> {
    let env = [("RATE_LIMIT_PER_PERSON", "20".to_owned()), ("REDIS_URL", redis_url)].into();
    let world = World::with(WorldOptions { backends: 3, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    // servers count per minute of the clock, so all requests must fall into one minute
    let seconds: f64 =
        sqlx::query_scalar("select extract(second from clock_timestamp())::float8").fetch_one(&world.pool).await?;
    if seconds > 45.0 {
        tokio::time::sleep(Duration::from_secs_f64(60.5 - seconds)).await;
    }
    for at in [0, 1] {
        let there = ada.at(&world.base(at));
        for _ in 0..19 {
            there.get("/users/me").await?.expect(200);
        }
    }
    let there = ada.at(&world.base(2));
    let mut let_through = 0;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        match there.get("/users/me").await?.status.as_u16() {
            200 => let_through += 1,
            429 => break,
            other => anyhow::bail!("answered {other}"),
        }
    }
    Ok(let_through)
}

#[tokio::test]
async fn servers_share_rate_limits_unless_redis_is_away() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "shared-limits").await?;
    let shared = let_through_at_a_third_server(redis.url()).await?;
    assert!((1..=15).contains(&shared), "{shared} requests were let through at the third server");
    let alone = let_through_at_a_third_server("redis://127.0.0.1:9".to_owned()).await?;
    assert!(alone >= 20, "{alone} requests were let through at the third server");
    Ok(())
}

#[tokio::test]
async fn invites_to_one_address_are_limited() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "invites").await?;
    let env = [("INVITES_PER_ADDRESS_AND_HOUR", "3".to_owned()), ("REDIS_URL", redis.url())].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let (ada, edsger) = (world.person("ada").await?, world.person("edsger").await?);
    let body = |org, email: &str| json!({ "org_id": org, "email": email, "role": "user" });
    let (one, other) = (world.organization(&ada).await?.id, world.organization(&edsger).await?.id);
    let first = ada.post("/org-invites", body(one, "x@happening.invalid")).await?.expect(201);
    let resend = format!("/org-invites/{}/resend", first.body["id"].as_str().unwrap_or_default());
    ada.post(&resend, json!({})).await?.expect(200);
    // the limit counts all senders, and ignores the case of the recipient's address
    edsger.post("/org-invites", body(other, "X@happening.invalid")).await?.expect(201);
    let refused = ada.post(&resend, json!({})).await?.refused(429, "rate_limited");
    assert_eq!(refused.headers["ratelimit-policy"], "\"default\";q=3;w=3600");
    edsger.post("/org-invites", body(other, "x@happening.invalid")).await?.refused(429, "rate_limited");
    ada.post("/org-invites", body(one, "y@happening.invalid")).await?.expect(201);
    Ok(())
}

#[tokio::test]
async fn concurrent_requests_above_the_limit_are_refused() -> Result<()> {
    let env = [("CONCURRENT_REQUESTS_MAX", "2".to_owned())].into();
    let world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 10).await?;
    // hold the event's row, so that two bookings wait inside the server
    let mut holder = world.pool.begin().await?;
    sqlx::query("select 1 from events where id = $1 for update").bind(event.id.0).execute(&mut *holder).await?;
    let replies = futures_util::future::try_join_all((0..12).map(|_| ada.book(event.id, 1))).await?;
    let refused = replies.iter().filter(|reply| reply.status == 503).count();
    assert!(refused >= 10, "only {refused} were refused");
    assert!(replies.iter().filter(|reply| reply.status == 503).all(|reply| reply.headers.contains_key("retry-after")));
    // each refusal is in the log, also when its thread was handling other requests
    let log = std::fs::read_to_string(world.folder.join("backend0.log"))?;
    for reply in replies.iter().filter(|reply| reply.status == 503) {
        let id = reply.body["request_id"].as_str().unwrap_or_default();
        assert!(log.contains(id), "the log has no request {id}");
    }
    drop(holder);
    wait_for("a booking that is not refused", Duration::from_secs(10), || async {
        Ok((ada.book(event.id, 1).await?.status == 201).then_some(()))
    })
    .await?;
    world.audit()
}

#[tokio::test]
async fn connections_that_send_slowly_are_closed() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let address = world.base(0).trim_start_matches("http://").to_owned();
    let begin = |text: String| {
        let address = address.clone();
        async move {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(text.as_bytes()).await?;
            let mut answer = Vec::new();
            tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await??;
            anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
        }
    };
    let headers = begin("GET /users/me HTTP/1.1\r\nHost: here\r\n".to_owned());
    let body = begin(format!(
        "POST /organizations HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
        Connection: close\r\nContent-Length: 100\r\n\r\n{{\"name\":",
        ada.token
    ));
    let (silent, one_byte) = (begin(String::new()), begin("P".to_owned()));
    let (headers, body, silent, one_byte) = tokio::try_join!(headers, body, silent, one_byte)?;
    assert!(silent.is_empty() && !one_byte.contains("200"), "{one_byte}");
    assert!(headers.is_empty() || headers.starts_with("HTTP/1.1 408"), "{headers}");
    assert!(body.starts_with("HTTP/1.1 503") && body.to_lowercase().contains("retry-after"), "{body}");
    assert_eq!(ada.get("/organizations").await?.expect(200).body, json!([]));
    Ok(())
}

#[tokio::test]
async fn answers_have_security_headers_and_no_cors() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    for path in ["/users/me", "/nothing-here", "/"] {
        let headers = ada.get(path).await?.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(headers["content-security-policy"].to_str()?.starts_with("default-src 'none'"), "{path}");
        assert!(headers.contains_key("x-request-id") && !headers.contains_key("access-control-allow-origin"), "{path}");
    }
    let headers = [("Origin", "https://elsewhere.invalid"), ("Access-Control-Request-Method", "POST")];
    let preflight = ada.call(Method::OPTIONS, "/bookings", None, &headers).await?.refused(405, "method_not_allowed");
    assert!(!preflight.headers.contains_key("access-control-allow-origin"));
    ada.call(Method::PUT, "/bookings", Some(&json!({})), &[]).await?.refused(405, "method_not_allowed");
    Ok(())
}

#[tokio::test]
async fn stopping_servers_report_unready_before_they_close() -> Result<()> {
    let env = [("SHUTDOWN_DELAY_MS", "3000".to_owned())].into();
    let mut world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let ready = format!("{}/health/ready", world.base(0));
    assert_eq!(reqwest::get(&ready).await?.status(), 200);
    let stopping = tokio::task::spawn_blocking(move || world.stop_backend(0).map(|well| (world, well)));
    wait_for("the server to report unready", Duration::from_secs(2), || async {
        Ok((reqwest::get(&ready).await?.status() == 503).then_some(()))
    })
    .await?;
    // the server still answers new connections during this delay
    ada.get("/users/me").await?.expect(200);
    let (_world, well) = stopping.await??;
    assert!(well, "the server did not exit with success");
    Ok(())
}
