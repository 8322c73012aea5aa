//! `audit`: checks every invariant that the data can show.

use crate::config::Config;
use crate::shown::Shown;
use crate::{audit, database};

/// Prints every violation that it finds. Returns whether there is none.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn run(config: &Config) -> anyhow::Result<bool> {
    let pool = database::operator_pool(&config.database_url)?;
    let findings = audit::run(&pool, &Shown::reader(config.redis_url.as_str())?).await?;
    for finding in &findings {
        println!("{}: {}", finding.invariant, finding.what);
    }
    println!("{} violations", findings.len());
    Ok(findings.is_empty())
}
