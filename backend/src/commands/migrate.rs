//! `migrate`: brings the schema up to date, or down to a version.

use crate::config::Config;
use crate::database::{self, schema::MIGRATIONS};

/// Applies or undoes migrations.
///
/// # Errors
/// When the database is away or a migration fails.
pub(crate) async fn run(config: &Config, down_to: Option<i64>) -> anyhow::Result<()> {
    let pool = database::operator_pool(&config.database_url)?;
    match down_to {
        None => MIGRATIONS.run(&pool).await?,
        Some(version) => MIGRATIONS.undo(&pool, version).await?,
    }
    println!("The schema is up to date.");
    Ok(())
}
