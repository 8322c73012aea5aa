//! The invariants that the data can show, each a query or a comparison with a name. All must find nothing.
//!
//! To add one that is a query: a constant in `queries.rs` that selects a `text` per violation.

mod queries;
mod states;
mod watch;

use sqlx::PgPool;

use crate::shown::Shown;

pub(crate) use states::{Folded, fold};
pub(crate) use watch::watch;

/// A violated invariant.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

/// Checks everything; an empty list is a clean audit.
///
/// All of it holds at every moment, since each part is read in one snapshot; what Redis shows is compared with the version that it names.
///
/// # Errors
/// When Postgres is away.
pub(crate) async fn run(pool: &PgPool, shown: &Shown) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (invariant, sql) in queries::ALL {
        let rows: Vec<String> = sqlx::query_scalar(*sql).fetch_all(pool).await?;
        findings.extend(rows.into_iter().map(|what| Finding { invariant, what }));
    }
    findings.extend(states::compare(pool, shown).await?);
    Ok(findings)
}

/// Names of all that is checked.
pub(crate) fn invariants() -> impl Iterator<Item = &'static str> {
    queries::ALL.iter().map(|(name, _)| *name).chain(states::NAMES)
}
