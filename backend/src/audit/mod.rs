//! The invariants that the data can show, each a query or a comparison with a name. All must find nothing.
//!
//! To add one that is a query: a constant in `queries.rs` that selects a `text` per violation.

mod gates;
mod queries;

use sqlx::PgPool;

use crate::gate::Gate;

/// A violated invariant.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

/// Checks everything; an empty list is a clean audit.
///
/// The comparison of gates and rows holds at rest. An event that differs is looked at again for some seconds, since a
/// booking that is just being written differs for a moment.
///
/// # Errors
/// When Postgres or Redis is away.
pub(crate) async fn run(pool: &PgPool, gate: &Gate) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (invariant, sql) in queries::ALL {
        let rows: Vec<String> = sqlx::query_scalar(*sql).fetch_all(pool).await?;
        findings.extend(rows.into_iter().map(|what| Finding { invariant, what }));
    }
    findings.extend(gates::compare(pool, gate).await?);
    Ok(findings)
}

/// Names of all that is checked.
pub(crate) fn invariants() -> impl Iterator<Item = &'static str> {
    queries::ALL.iter().map(|(name, _)| *name).chain([gates::NAME])
}
