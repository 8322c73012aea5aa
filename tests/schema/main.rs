//! Migrations up, down and up again give the same schema, on an empty and on a filled database.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use happening_stack::{Stack, run};
use happening_tests::own::OwnRedis;
use happening_tests::world::{stack, wait_for};
use happening_tests::{World, WorldOptions};

/// Demo data has the same ids in each database, so each test uses its own Redis.
fn own(redis: &OwnRedis) -> BTreeMap<&'static str, String> {
    [("REDIS_URL", redis.url())].into()
}

fn dump(world: &World) -> Result<String> {
    let text =
        run(Command::new(Stack::postgres_programs()?.join("pg_dump")).args(["--schema-only", &world.database_url]))?;
    // leave out the lines with a token that pg_dump chooses at random
    Ok(text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"))
        .collect::<Vec<_>>()
        .join("\n"))
}

#[tokio::test]
async fn migrations_down_and_up_restore_the_schema() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "migrations").await?;
    let world = World::with(WorldOptions { backends: 0, env: own(&redis), ..WorldOptions::default() }).await?;
    let first = dump(&world)?;
    assert!(first.contains("bookings"));
    world.run(&["demo-data"])?;
    world.run(&["migrate", "--down-to", "0"])?;
    assert!(!dump(&world)?.contains("create table public.bookings"));
    assert!(!dump(&world)?.contains("CREATE TABLE public.bookings"));
    world.run(&["migrate"])?;
    assert_eq!(dump(&world)?, first);
    Ok(())
}

#[tokio::test]
async fn demo_data_is_consistent_and_added_once() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "demo").await?;
    let world = World::with(WorldOptions { backends: 1, env: own(&redis), ..WorldOptions::default() }).await?;
    world.run(&["demo-data"])?;
    world.audit()?;
    let count = || sqlx::query_scalar::<_, i64>("select count(*) from bookings").fetch_one(&world.pool);
    let before = count().await?;
    assert!(before > 300);
    world.run(&["demo-data"])?;
    assert_eq!(count().await?, before);
    // a person who signs in gets the demo person's data
    let ada = world.person("ada").await?;
    let organizations = ada.get(&format!("/organizations/user/{}", ada.user.id)).await?.expect(200);
    assert_eq!(organizations.body.as_array().map(Vec::len), Some(2));
    let events = ada.get("/events?mine=true").await?.expect(200);
    assert!(events.body.as_array().is_some_and(|events| events.len() >= 4), "{events:?}");
    Ok(())
}

#[tokio::test]
async fn aborted_demo_data_is_completed_by_the_next_run() -> Result<()> {
    let redis = OwnRedis::start(&stack()?, "demo-aborted").await?;
    let world = World::with(WorldOptions { backends: 0, env: own(&redis), ..WorldOptions::default() }).await?;
    let count = || sqlx::query_scalar::<_, i64>("select count(*) from bookings").fetch_one(&world.pool);
    for bookings in [1, 120, 260] {
        let mut aborted = world.command(&["demo-data"]).stderr(std::process::Stdio::null()).spawn()?;
        wait_for("some bookings", std::time::Duration::from_secs(60), || async {
            Ok((count().await? >= bookings).then_some(()))
        })
        .await?;
        aborted.kill()?;
        aborted.wait()?;
    }
    assert!(world.run(&["demo-data"])?.contains("events of 2 organizations are there"));
    assert!(world.run(&["demo-data"])?.contains("There is data already"));
    world.audit()?;
    // compare with demo data that was not aborted
    let redis = OwnRedis::start(&stack()?, "demo-whole").await?;
    let whole = World::with(WorldOptions { backends: 0, env: own(&redis), ..WorldOptions::default() }).await?;
    whole.run(&["demo-data"])?;
    for table in ["users", "events", "bookings", "booking_seats"] {
        let rows = async |world: &World| -> Result<i64> {
            let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
            Ok(sqlx::query_scalar(query).fetch_one(&world.pool).await?)
        };
        assert_eq!(rows(&world).await?, rows(&whole).await?, "{table}");
    }
    Ok(())
}

#[tokio::test]
async fn the_audit_logs_owner_can_only_append() -> Result<()> {
    let world = World::with(WorldOptions { backends: 0, ..WorldOptions::default() }).await?;
    for change in ["update audit_log set action = ''", "delete from audit_log", "truncate audit_log"] {
        let refusal = async |more: &str| -> Result<String> {
            // `clerk` becomes the log's owner and so gets the owner's grants; a superuser would not be bound by them
            let mut tx = world.pool.begin().await?;
            let own = "create role clerk; alter table audit_log owner to clerk;";
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{own} {more} set local role clerk"))).execute(&mut *tx).await?;
            let refused = sqlx::raw_sql(change).execute(&mut *tx).await.err().context("it was changed")?;
            Ok(refused.to_string())
        };
        assert!(refusal("").await?.contains("permission denied"), "{change}");
        // either protection alone refuses the change: the missing grant, or the trigger
        let granted = "grant all on audit_log to clerk;";
        assert!(refusal(granted).await?.contains("only ever added to"), "{change}");
        let untriggered = "alter table audit_log disable trigger user;";
        assert!(refusal(untriggered).await?.contains("permission denied"), "{change}");
        assert!(refusal(&format!("{granted} {untriggered}")).await.is_err(), "{change}");
    }
    Ok(())
}

#[tokio::test]
async fn every_foreign_key_has_an_index() -> Result<()> {
    let world = World::with(WorldOptions { backends: 0, ..WorldOptions::default() }).await?;
    let without: Vec<String> = sqlx::query_scalar(
        "select c.conrelid::regclass || '.' || c.conname from pg_constraint c
        where c.contype = 'f' and not exists (select from pg_index i where i.indrelid = c.conrelid
            and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)",
    )
    .fetch_all(&world.pool)
    .await?;
    assert_eq!(without, Vec::<String>::new());
    let keys: i64 =
        sqlx::query_scalar("select count(*) from pg_constraint where contype = 'f'").fetch_one(&world.pool).await?;
    assert!(keys > 5, "only {keys} foreign keys were checked");
    Ok(())
}
