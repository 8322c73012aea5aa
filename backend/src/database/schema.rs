//! The schema that this program needs, and the check whether the database has it.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::is_away;

/// The migrations of this program.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Why this program must not use a database.
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

/// How long the start waits for a slow answer of the database. A database that is away is checked in the background.
const START_WAIT: Duration = Duration::from_secs(1);
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Checks the schema when the program starts. When the database is away, a task checks it in the background, and cancels `stop` if
/// this program cannot use the schema. The task returns the reason.
///
/// # Errors
/// [`SchemaError`], if the database answers in time.
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

/// The task that checks the schema in the background.
pub(crate) type Checking = JoinHandle<Result<(), SchemaError>>;

/// Checks the schema. A newer schema is accepted if its migrations say that programs of this version can use it; see
/// `migrations/README.md`.
///
/// # Errors
/// [`SchemaError`]
pub(crate) async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let mut conn = pool.acquire().await?;
    // an empty database has neither of the two tables
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
