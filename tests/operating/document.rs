//! The server behaves as its OpenAPI document says: Schemathesis generates valid and invalid calls from it and checks
//! the answers.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::run;
use happening_tests::{World, WorldOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn documented_calls_do_not_break_the_server() -> Result<()> {
    let program =
        std::env::var_os("HAPPENING_SCHEMATHESIS").map(PathBuf::from).context("HAPPENING_SCHEMATHESIS is not set")?;
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    // data for the calls to find
    let event = world.event(&ada, 20).await?;
    ada.book(event.id, 2).await?.expect(201);
    ada.post("/org-invites", json!({ "org_id": event.org_id, "email": "x@happening.invalid", "role": "user" }))
        .await?
        .expect(201);
    let token = world.people().new_token("ada").await?;
    let said = run(Command::new(program)
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/operating/schemathesis.toml"), "run"])
        .arg(format!("{}/openapi.json", world.base(0)))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "25", "--seed", "1"])
        .args(["--request-timeout", "12", "--no-color"])
        .current_dir(&world.folder))?;
    assert!(said.contains("Tested:"), "{said}");
    world.audit()
}

#[tokio::test]
async fn documented_health_examples_match_the_server() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let get = async |path: &str| -> Result<Value> {
        Ok(reqwest::get(format!("{}{path}", world.base(0))).await?.error_for_status()?.json().await?)
    };
    let document = get("/openapi.json").await?;
    let example = |path: &str| {
        let answers = &document["paths"][path]["get"]["responses"];
        answers["200"]["content"]["application/json"]["example"].clone()
    };
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(path).await?, example(path), "{path}");
    }
    // these answers contain values of one server, such as its version or the time, so only member names are compared
    for path in ["/", "/db-test"] {
        let members = |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
        assert_eq!(members(&get(path).await?), members(&example(path)), "{path}");
    }
    // while Postgres is away, the server answers this body instead of an error's
    let away = &document["paths"]["/health/ready"]["get"]["responses"]["503"]["content"]["application/json"]["example"];
    assert_eq!((&away["ready"], &away["postgres"]), (&json!(false), &json!("away")));
    Ok(())
}
