//! Restoring the database from a backup.

use std::process::Command;

use anyhow::Result;
use happening_api::Booking;
use happening_stack::{Stack, run};
use happening_tests::{World, WorldOptions};

#[tokio::test]
async fn after_a_restore_the_rows_are_authoritative() -> Result<()> {
    let mut world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5).await?;
    let kept: Booking = ada.book(event.id, 2).await?.expect(201).json();
    let programs = Stack::postgres_programs()?;
    let backup = world.folder.join("backup");
    run(Command::new(programs.join("pg_dump"))
        .args(["--format=custom", "--file"])
        .arg(&backup)
        .arg(&world.database_url))?;
    barbara.book(event.id, 3).await?.expect(201);
    barbara.book(event.id, 1).await?.expect(201);

    world.stop_backend(0)?;
    world.pool.close().await;
    let (server, name) = world.database_url.rsplit_once('/').unwrap_or_default();
    let admin = format!("{server}/postgres");
    for sql in [format!("drop database {name} with (force)"), format!("create database {name}")] {
        run(Command::new(programs.join("psql")).args([&admin, "-qc", &sql]))?;
    }
    run(Command::new(programs.join("pg_restore")).args(["--dbname", &world.database_url]).arg(&backup))?;
    // Redis still shows the bookings made after the backup; no answer depends on it
    world.audit()?;
    // `reconcile` corrects a count of free seats that was changed by hand
    let rows = sqlx::PgPool::connect(&world.database_url).await?;
    sqlx::query("update events set available_slots = 0").execute(&rows).await?;
    let found = world.audit().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(found.contains("I3 the counts of an event equal its rows"), "{found}");
    let said = world.run(&["inspect", &event.id.to_string()])?;
    let free = |source: &str| {
        said.lines().find(|line| line.starts_with(source)).and_then(|line| line.split_whitespace().nth(1))
    };
    assert_eq!([free("columns"), free("rows"), free("log")], [Some("0"), Some("3"), Some("3")], "{said}");
    let said = world.run(&["reconcile"])?;
    assert!(said.contains("1 of 1 events had other counts"), "{said}");
    world.audit()?;
    world.start_backend(0).await?;
    assert_eq!(ada.booking(kept.id).await?.seat_numbers, [1, 2]);
    let again: Booking = barbara.book(event.id, 3).await?.expect(201).json();
    assert_eq!(again.seat_numbers, [3, 4, 5]);
    world.audit()
}
