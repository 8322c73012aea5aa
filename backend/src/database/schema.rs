//! The schema that this program knows, and whether the database has it.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::is_away;

/// The migrations of this program.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Why this program must not work on a database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    #[error(
        "the database's schema is at {found}, and this program needs {known}: run `happening-backend migrate` first"
    )]
    Older { found: i64, known: i64 },
    #[error("the database's schema takes programs from {oldest} on, and this one knows {known}: it is too old")]
    Newer { oldest: i64, known: i64 },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How long a start waits for a database that is slow to answer; one that is away is met later.
const START_WAIT: Duration = Duration::from_secs(1);
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Checks it for a program that starts. A database that is away is waited for in the background; when its schema turns out to be
/// none that this program takes, `stop` is cancelled. The task's answer says why.
///
/// # Errors
/// [`SchemaError`], when the database answers at once.
pub(crate) async fn check_at_start(pool: PgPool, stop: CancellationToken) -> Result<Checking, SchemaError> {
    match tokio::time::timeout(START_WAIT, check(&pool)).await {
        Ok(Ok(())) => return Ok(tokio::spawn(std::future::ready(Ok(())))),
        Ok(Err(SchemaError::Database(error))) if is_away(&error) => {}
        Err(_) => {}
        Ok(Err(error)) => return Err(error),
    }
    Ok(tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
            match check(&pool).await {
                Err(SchemaError::Database(error)) if is_away(&error) => {
                    tracing::debug!(%error, "the schema is looked at later");
                }
                known => {
                    if known.is_err() {
                        stop.cancel();
                    }
                    return known;
                }
            }
        }
    }))
}

/// A check that waits for its database.
pub(crate) type Checking = JoinHandle<Result<(), SchemaError>>;

/// Checks it. A newer schema is fine as long as its migrations take programs like this one; see `migrations/README.md`.
///
/// # Errors
/// [`SchemaError`]
pub(crate) async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let mut conn = pool.acquire().await?;
    // neither table is there in an empty database
    let has_any: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(&mut *conn).await?;
    let found = match has_any {
        true => {
            sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
                .fetch_one(&mut *conn)
                .await?
        }
        false => 0,
    };
    if found < known {
        return Err(SchemaError::Older { found, known });
    }
    let oldest: i64 = sqlx::query_scalar!(r#"select oldest_program from schema_takes"#).fetch_one(&mut *conn).await?;
    if oldest > known {
        return Err(SchemaError::Newer { oldest, known });
    }
    Ok(())
}
