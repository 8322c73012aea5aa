//! The invariants that can be checked in the data: each has a name, and a query or a comparison that must find nothing.
//!
//! To add a query: a constant in `queries.rs` that selects a `text` for each violation.

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

/// Checks all invariants. An empty list means that no invariant is violated.
///
/// The checks work while bookings go on: each one reads a single snapshot, and what Redis shows is compared with the version it
/// belongs to.
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

/// The names of all invariants.
pub(crate) fn invariants() -> impl Iterator<Item = &'static str> {
    queries::ALL.iter().map(|(name, _)| *name).chain(states::NAMES)
}
