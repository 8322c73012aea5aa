//! What Redis shows of events, for operators and dashboards: free seats, the waitlist, and the version they belong to; and for each
//! change a message on the event's channel. The server decides nothing by it, and no answer to a caller reads it. If Redis is late,
//! lost or wiped, only a dashboard is wrong, and the next change of an event corrects it.
//!
//! Keys of one event share a hash tag, so a cluster keeps them on one node:
//! `event:{<id>}:slots` free seats · `event:{<id>}:waitlist` sorted set of bookings by order · `event:{<id>}:head` version and head ·
//! channel `event:{<id>}:live`. The keys are kept for a week after the last change.

use std::sync::Arc;
use std::time::Duration;

use happening_api::EventId;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{RedisError, Script, ScriptInvocation};
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use crate::seats::Committed;
use crate::telemetry::SPANS;

const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Why Redis could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShownError {
    #[error("Redis does not answer: {0}")]
    Away(#[from] RedisError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("Redis did not answer within {} ms", RESPONSE_TIMEOUT.as_millis())]
    TimedOut,
}

/// A message on an event's channel, which says that something changed.
#[derive(Debug, Serialize)]
struct Hint {
    from: Uuid,
    version: i64,
    head: Uuid,
    free: u32,
    waiting_bookings: u32,
    waiting_seats: u32,
}

/// The data that Redis has about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) version: i64,
    pub(crate) head: Uuid,
    pub(crate) free: u32,
    /// In the order of joining.
    pub(crate) waitlist: Vec<String>,
}

/// Writes to Redis and reads from it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shown {
    redis: ConnectionManager,
    scripts: Arc<[Script; 2]>,
}

/// Applies a commit to an event's data in Redis. Returns 0 when that data does not belong to the state before the commit.
const CONTINUE: &str = "local known = redis.call('GET', KEYS[3]) or ''
redis.call('PUBLISH', KEYS[4], ARGV[5])
if string.match(known, '^%d+ (.+)$') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[4])
redis.call('SET', KEYS[3], ARGV[2] .. ' ' .. ARGV[3])
local joined = tonumber(ARGV[6])
for at = 7, 5 + 2 * joined, 2 do redis.call('ZADD', KEYS[2], ARGV[at], ARGV[at + 1]) end
for at = 7 + 2 * joined, #ARGV do redis.call('ZREM', KEYS[2], ARGV[at]) end
for key = 1, 3 do redis.call('EXPIRE', KEYS[key], 604800) end
return 1";

/// Replaces an event's whole data in Redis, whatever it was; for example after the database was restored.
const SET: &str = "redis.call('SET', KEYS[1], ARGV[3])
redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. ARGV[2])
redis.call('DEL', KEYS[2])
for at = 4, #ARGV, 1000 do redis.call('ZADD', KEYS[2], unpack(ARGV, at, math.min(at + 999, #ARGV))) end
for key = 1, 3 do redis.call('EXPIRE', KEYS[key], 604800) end
return 1";

impl Shown {
    /// Connects when Redis is first used, so a Redis that is away at the start is noticed then. A task of its own writes what is
    /// committed, so no caller waits for Redis.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn start(
        redis_url: &str,
        mut committed: mpsc::Receiver<Vec<Committed>>,
        pool: PgPool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, RedisError> {
        let shown = Self::reader(redis_url)?;
        let (showing, stop) = (shown.clone(), stop.clone());
        tasks.spawn(async move {
            loop {
                let committed = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    committed = committed.recv() => committed,
                };
                let Some(committed) = committed else { return };
                for one in committed {
                    if let Err(error) = showing.show(&pool, &one).await {
                        tracing::debug!(event = %one.event, %error, "an event is shown after its next change");
                    }
                }
            }
        });
        Ok(shown)
    }

    /// For reading only: nothing is written in the background.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn reader(redis_url: &str) -> Result<Self, RedisError> {
        let redis = connect(redis_url)?;
        Ok(Self { redis, scripts: Arc::new([CONTINUE, SET].map(Script::new)) })
    }

    async fn show(&self, pool: &PgPool, told: &Committed) -> Result<(), ShownError> {
        let hint = Hint {
            from: told.before,
            version: told.version,
            head: told.head,
            free: told.free,
            waiting_bookings: told.waiting_bookings,
            waiting_seats: told.waiting_seats,
        };
        let hint = serde_json::to_string(&hint).expect("plain values can be encoded");
        let mut call = self.on_event(&self.scripts[0], told.event);
        call.arg(told.before.to_string()).arg(told.version).arg(told.head.to_string()).arg(told.free);
        call.arg(hint).arg(told.joined.len());
        for (order, booking) in &told.joined {
            call.arg(*order).arg(booking.to_string());
        }
        for booking in &told.left {
            call.arg(booking.to_string());
        }
        if self.run(&call).await? { Ok(()) } else { self.show_rows(pool, told.event).await }
    }

    /// Writes what the rows hold: for an event that Redis does not have yet, or after a commit was not written.
    async fn show_rows(&self, pool: &PgPool, event: EventId) -> Result<(), ShownError> {
        let row = sqlx::query!(
            r#"select seat_version, seat_head, available_slots, coalesce(w.orders, '{}') as "orders!", coalesce(w.ids, '{}') as "ids!"
            from events e cross join lateral (select array_agg(waiting_order) as orders, array_agg(id) as ids from bookings
                where event_id = e.id and waiting_order is not null) w
            where e.id = $1"#,
            event.0
        )
        .fetch_optional(pool)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let mut call = self.on_event(&self.scripts[1], event);
        call.arg(row.seat_version).arg(row.seat_head.to_string()).arg(row.available_slots);
        for (order, booking) in row.orders.iter().zip(&row.ids) {
            call.arg(*order).arg(booking.to_string());
        }
        self.run(&call).await.map(drop)
    }

    fn on_event<'s>(&self, script: &'s Script, event: EventId) -> ScriptInvocation<'s> {
        let mut call = script.prepare_invoke();
        for key in keys(event) {
            call.key(key);
        }
        call.key(format!("event:{{{event}}}:live"));
        call
    }

    async fn run(&self, call: &ScriptInvocation<'_>) -> Result<bool, ShownError> {
        let mut redis = self.redis.clone();
        timed("EVALSHA", async { call.invoke_async(&mut redis).await }).await
    }

    /// Reads the data of an event; `None` when Redis has none.
    ///
    /// # Errors
    /// [`ShownError`].
    pub(crate) async fn picture(&self, event: EventId) -> Result<Option<Picture>, ShownError> {
        let [slots, waitlist, head] = keys(event);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("GET").arg(slots).cmd("ZRANGE").arg(waitlist).arg(0).arg(-1).cmd("GET").arg(head);
        let mut redis = self.redis.clone();
        type Read = (Option<u32>, Vec<String>, Option<String>);
        let (free, waitlist, name): Read = timed("query", async { pipe.query_async(&mut redis).await }).await?;
        let name = name.as_deref().and_then(|name| name.split_once(' '));
        Ok(free.zip(name).and_then(|(free, (version, head))| {
            Some(Picture { version: version.parse().ok()?, head: head.parse().ok()?, free, waitlist })
        }))
    }

    /// Sends a PING and waits for its reply.
    ///
    /// # Errors
    /// [`ShownError`] when Redis is away.
    pub(crate) async fn ping(&self) -> Result<(), ShownError> {
        let mut redis = self.redis.clone();
        timed("query", async { redis::cmd("PING").query_async::<String>(&mut redis).await }).await.map(drop)
    }
}

/// A connection that is opened at its first use, and opened again after it was lost.
///
/// # Errors
/// When the address cannot be parsed.
pub(crate) fn connect(redis_url: &str) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(200));
    ConnectionManager::new_lazy_with_config(redis::Client::open(redis_url)?, config)
}

fn keys(event: EventId) -> [String; 3] {
    ["slots", "waitlist", "head"].map(|part| format!("event:{{{event}}}:{part}"))
}

/// The connection's own timeout does not cover waiting for a reconnection; this one does.
async fn timed<T>(operation: &'static str, call: impl Future<Output = Result<T, RedisError>>) -> Result<T, ShownError> {
    let span = tracing::info_span!(
        target: SPANS,
        "redis",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "redis",
        db.operation.name = operation,
    );
    match tokio::time::timeout(RESPONSE_TIMEOUT, call).instrument(span).await {
        Ok(answer) => answer.map_err(ShownError::from),
        Err(_) => Err(ShownError::TimedOut),
    }
}
