//! Connections to Postgres.

pub(crate) mod lookup;
pub(crate) mod pulse;
pub(crate) mod schema;

use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};
use url::Url;

use self::pulse::Pulse;
use crate::switches::Switch;

/// Long enough for a busy database, such as one with a checkpoint during a rush. A database that is away is noticed earlier, by its
/// `Pulse`.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(2000);
const STATEMENT_TIMEOUT_MS: &str = "2000";
const OPERATOR_STATEMENT_TIMEOUT_MS: &str = "600000";
const LOCK_TIMEOUT_MS: &str = "1000";
const WRITER_LOCK_TIMEOUT_MS: &str = "300";
const WRITER_STATEMENT_TIMEOUT_MS: &str = "800";
/// How often Postgres checks, even during a statement, whether the client is still connected.
const CLIENT_CHECK_INTERVAL_MS: &str = "200";
const WRITER_IDLE_TIMEOUT_MS: &str = "2000";

/// The worker's pool. It connects at its first use. So when the database is away at the start, a task fails and tries again, and the
/// worker does not crash.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn worker_pool(url: &Url, connections_max: u32) -> sqlx::Result<PgPool> {
    Ok(pool_options(connections_max).connect_lazy_with(options(url, LOCK_TIMEOUT_MS)?))
}

/// The server's pools for everything but the seat writer. Each has connections of its own, so that many calls of one kind leave
/// connections for the others.
#[derive(Clone)]
pub(crate) struct ServerPools {
    /// For finding out who a caller is and what they may do.
    pub(crate) identity: PgPool,
    /// For queries of staff over all bookings of an event, and for exports.
    pub(crate) staff: PgPool,
    /// For everything else.
    pub(crate) general: PgPool,
}

impl ServerPools {
    /// Divides `connections_max` connections among the pools. They connect at their first use; while the database is away, requests
    /// are answered 503.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn new(url: &Url, connections_max: u32, pulse: &Pulse) -> sqlx::Result<Self> {
        let share = (connections_max / 4).max(1);
        let options = options(url, LOCK_TIMEOUT_MS)?;
        let pool = |connections, options: &PgConnectOptions| {
            check_idle_connections(pool_options(connections), pulse).connect_lazy_with(options.clone())
        };
        // rows are looked up by their keys here; a plan that was made for small tables would read whole ones, as explained at
        // `writer_pool`
        let by_key = options.clone().options([("enable_seqscan", "off")]);
        let general = connections_max.saturating_sub(2 * share).max(1);
        Ok(Self { identity: pool(share, &by_key), staff: pool(share, &options), general: pool(general, &options) })
    }
}

/// A connection of a pool. Boxed, because the pool's own future takes 4 kB, which every future that contains it would carry and
/// copy on each move.
///
/// # Errors
/// When the database is away, or all connections stay in use.
pub(crate) fn conn(pool: &PgPool) -> impl Future<Output = sqlx::Result<PoolConnection<Postgres>>> + Send + use<> {
    Box::pin(pool.acquire())
}

/// A small pool for an operator's command, which may read whole tables.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn operator_pool(url: &Url) -> sqlx::Result<PgPool> {
    let options = options(url, LOCK_TIMEOUT_MS)?.options([("statement_timeout", OPERATOR_STATEMENT_TIMEOUT_MS)]);
    Ok(pool_options(2).connect_lazy_with(options.disable_statement_logging()))
}

/// The pool of the seat writer, with connections for each lane.
///
/// A writer that stalls in its transaction, or whose client is gone, releases its locks within two seconds. COMMIT waits for the
/// disk, whatever the server's default is, because an answered booking must never be lost.
///
/// Planner settings: the writer's statements look up a few dozen rows by index. A plan that was made while the tables were empty
/// would read whole tables later, so such plans are disabled on these connections.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn writer_pool(url: &Url, lanes: u32, pulse: &Pulse) -> sqlx::Result<PgPool> {
    let options = options(url, WRITER_LOCK_TIMEOUT_MS)?.options([
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
        ("statement_timeout", WRITER_STATEMENT_TIMEOUT_MS),
        ("idle_in_transaction_session_timeout", WRITER_IDLE_TIMEOUT_MS),
        ("client_connection_check_interval", CLIENT_CHECK_INTERVAL_MS),
        ("synchronous_commit", "on"),
    ]);
    // twice as many connections as lanes, so that a lane whose connection hangs in a dead network can get another one
    Ok(check_idle_connections(pool_options(2 * lanes), pulse).connect_lazy_with(options))
}

/// Applies the seat writer's settings for releasing locks and for COMMIT to a transaction of another pool. Its statements may take
/// longer, because it may load a whole state.
///
/// # Errors
/// When the database fails.
pub(crate) async fn apply_writer_settings(transaction: &mut PgConnection) -> sqlx::Result<()> {
    let settings = [
        ("statement_timeout", "60s"),
        ("idle_in_transaction_session_timeout", WRITER_IDLE_TIMEOUT_MS),
        ("client_connection_check_interval", CLIENT_CHECK_INTERVAL_MS),
        ("synchronous_commit", "on"),
    ];
    let (names, values): (Vec<_>, Vec<_>) =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).unzip();
    sqlx::query!(
        "select count(set_config(name, value, true)) from unnest($1::text[], $2::text[]) as x (name, value)",
        &names,
        &values
    )
    .fetch_one(transaction)
    .await
    .map(drop)
}

fn options(url: &Url, lock_timeout_ms: &str) -> sqlx::Result<PgConnectOptions> {
    Ok(url.as_str().parse::<PgConnectOptions>()?.application_name("happening").options([
        ("statement_timeout", STATEMENT_TIMEOUT_MS),
        ("lock_timeout", lock_timeout_ms),
        ("idle_in_transaction_session_timeout", "10000"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_user_timeout", "5000"),
    ]))
}

fn pool_options(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections_max).acquire_timeout(ACQUIRE_TIMEOUT).test_before_acquire(false) // one more round trip for every checkout
}

/// Makes the pool check connections that may have broken while they were idle, as all do when Postgres restarts. Only those are
/// checked that were idle when the pulse's own connection broke, so in quiet times no caller pays a round trip for this. A connection
/// that breaks between two probes of the pulse may still reach a caller.
fn check_idle_connections(pool: PgPoolOptions, pulse: &Pulse) -> PgPoolOptions {
    if Switch::NoConnectionCheck.is_on() {
        return pool;
    }
    let pulse = pulse.clone();
    pool.before_acquire(move |connection, idle| {
        let fresh = Instant::now().checked_sub(idle.idle_for).is_none_or(|since| since > pulse.reconnected_at());
        Box::pin(async move {
            if !fresh {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

/// Whether the error means that Postgres is away or overloaded, so that trying again later makes sense.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // class 08 connection, 40 conflict of transactions, 53 resources, 57 operator intervention, 55P03 lock timeout
        sqlx::Error::Database(db) => db.code().is_some_and(|code| {
            ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)) || code == "55P03"
        }),
        _ => false,
    }
}

/// Checks that a statement changed exactly one row. Its caller has locked or just read that row, so anything else is a bug.
///
/// # Errors
/// When the statement changed no row, or several.
pub(crate) fn one_row(done: sqlx::postgres::PgQueryResult) -> sqlx::Result<()> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

const CHUNK_ROWS: i64 = 5_000;

/// Deletes rows a few thousand at a time, so that no statement takes long. `table` and `condition` become part of the SQL: they must
/// not contain input of users.
///
/// # Errors
/// When the database fails; what was already deleted stays deleted.
pub(crate) async fn delete_in_chunks(pool: &PgPool, table: &str, condition: &str) -> sqlx::Result<()> {
    let sql = format!(
        "delete from {table} where ctid = any(array(select ctid from {table} where {condition} limit {CHUNK_ROWS}))"
    );
    while sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).execute(pool).await?.rows_affected() == CHUNK_ROWS as u64 {}
    Ok(())
}
