//! Connections to Postgres.

pub(crate) mod lookup;
pub(crate) mod pulse;
pub(crate) mod schema;

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use url::Url;

use self::pulse::Pulse;
use crate::switches::Switch;

/// For a database that has much to do, as when a drop meets a checkpoint; one that is away is told by its pulse, and sooner.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(2000);
const STATEMENT_TIMEOUT_MS: &str = "2000";
const OPERATOR_STATEMENT_TIMEOUT_MS: &str = "600000";
const LOCK_TIMEOUT_MS: &str = "1000";
const WRITER_LOCK_TIMEOUT_MS: &str = "300";
const WRITER_STATEMENT_TIMEOUT_MS: &str = "800";
/// Postgres looks whether the client is still there, also in the middle of a statement.
const CLIENT_CHECK_INTERVAL_MS: &str = "200";
const WRITER_IDLE_TIMEOUT_MS: &str = "2000";

/// The worker's pool. Connects when first used, so that a database that is away at the start is met as a failure of one
/// task, which tries again, and not as a crash.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn worker_pool(url: &Url, connections_max: u32) -> sqlx::Result<PgPool> {
    Ok(pool_options(connections_max).connect_lazy_with(options(url, LOCK_TIMEOUT_MS)?))
}

/// The server's pools for everything but the seat writer. Each has connections of its own, so that many of one kind of call leave
/// the others theirs.
#[derive(Clone)]
pub(crate) struct ServerPools {
    /// Who a caller is, and what they may do.
    pub(crate) identity: PgPool,
    /// What the staff of an event read of all its bookings, and exports.
    pub(crate) staff: PgPool,
    /// Everything else.
    pub(crate) general: PgPool,
}

impl ServerPools {
    /// They share `connections_max` connections. They connect when first used as well; a database that is away is met as a 503.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn new(url: &Url, connections_max: u32, pulse: &Pulse) -> sqlx::Result<Self> {
        let share = (connections_max / 4).max(1);
        let options = options(url, LOCK_TIMEOUT_MS)?;
        let pool = |connections, options: &PgConnectOptions| {
            without_the_broken(pool_options(connections), pulse).connect_lazy_with(options.clone())
        };
        // people, members and bookings are looked up by their keys; a plan from when there were few would read all of them, see `writer_pool`
        let by_key = options.clone().options([("enable_seqscan", "off")]);
        let general = connections_max.saturating_sub(2 * share).max(1);
        Ok(Self { identity: pool(share, &by_key), staff: pool(share, &options), general: pool(general, &options) })
    }
}

/// A few connections for a command of an operator, which may read whole tables.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn operator_pool(url: &Url) -> sqlx::Result<PgPool> {
    let options = options(url, LOCK_TIMEOUT_MS)?.options([("statement_timeout", OPERATOR_STATEMENT_TIMEOUT_MS)]);
    Ok(pool_options(2).connect_lazy_with(options.disable_statement_logging()))
}

/// The pool of the seat writer: a connection for each lane.
///
/// A writer that stands still in its transaction, or whose client is gone, lets go of its rows within two seconds. COMMIT waits for the
/// disk whatever the server's default is: what is answered is never lost.
///
/// Planner settings: the writer's statements look a few dozen rows up by index. A plan made while the tables were empty
/// would read them whole once they have grown, so plans that read whole tables are ruled out on these connections.
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
    // a connection that hangs in a dead network does not keep its lane from having another
    Ok(without_the_broken(pool_options(2 * lanes), pulse).connect_lazy_with(options))
}

/// Makes a transaction on a connection of another pool let go of its rows, and commit, as the seat writer's do. Its statements may
/// take longer, for a whole state may be loaded in it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn as_writer(transaction: &mut PgConnection) -> sqlx::Result<()> {
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

/// Callers meet no connection that ended while it lay idle, as all do when Postgres is restarted. Only those are asked that
/// were idle when the pulse's own connection broke, so in quiet times no caller pays a round trip for it; and what breaks between
/// two beats may still be met.
fn without_the_broken(pool: PgPoolOptions, pulse: &Pulse) -> PgPoolOptions {
    if Switch::NoConnectionCheck.is_on() {
        return pool;
    }
    let pulse = pulse.clone();
    pool.before_acquire(move |connection, idle| {
        let fresh = Instant::now().checked_sub(idle.idle_for).is_none_or(|since| since > pulse.renewed());
        Box::pin(async move {
            if !fresh {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

/// Whether the failure means that Postgres is away or overloaded, so that trying again later makes sense.
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

/// What a statement that is about one row did. Its caller holds the row, or has just read it, so anything else is a mistake of ours.
///
/// # Errors
/// When it changed no row, or several.
pub(crate) fn one_row(done: sqlx::postgres::PgQueryResult) -> sqlx::Result<()> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

const CHUNK_ROWS: i64 = 5_000;

/// Deletes rows a few thousand at a time, so that no statement is long, however many there are. `table` and `condition` are
/// our own words.
///
/// # Errors
/// When the database fails; what was deleted stays so.
pub(crate) async fn delete_in_chunks(pool: &PgPool, table: &str, condition: &str) -> sqlx::Result<()> {
    let sql = format!(
        "delete from {table} where ctid = any(array(select ctid from {table} where {condition} limit {CHUNK_ROWS}))"
    );
    while sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).execute(pool).await?.rows_affected() == CHUNK_ROWS as u64 {}
    Ok(())
}
