//! Programs work only on a schema version that they know.

use anyhow::Result;
use happening_tests::{World, WorldOptions};

#[tokio::test]
async fn programs_refuse_unknown_schema_versions() -> Result<()> {
    let world = World::with(WorldOptions { backends: 0, ..WorldOptions::default() }).await?;
    let run = |sql: &'static str| sqlx::query(sql).execute(&world.pool);
    let said = |command: &str| world.run(&[command]).expect_err("it must not start").to_string();
    run("update schema_takes set oldest_program = 9999").await?;
    for command in ["serve", "worker"] {
        assert!(said(command).contains("it is too old"), "{}", said(command));
    }
    run("update schema_takes set oldest_program = 1").await?;
    run("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)").await?;
    for command in ["serve", "worker"] {
        assert!(said(command).contains("run `happening-backend migrate` first"), "{}", said(command));
    }
    Ok(())
}
