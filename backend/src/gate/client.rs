//! Typed calls of the gate's scripts. No call is sent twice, except after NOSCRIPT, which proves that it did not run, and
//! except `release`, which touches nothing but what its own attempt took.

use std::time::Duration;

use happening_api::{BookingId, EventId};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisError, Script, ScriptInvocation, Value};
use tracing::Instrument;
use uuid::Uuid;

use super::{GateImage, keys};
use crate::telemetry::SPANS;

const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The gate did not answer, or not in words that we know. Nothing is known about whether the script ran.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GateError {
    #[error("the gate does not answer: {0}")]
    Away(#[from] RedisError),
    #[error("the gate did not answer within {} ms", RESPONSE_TIMEOUT.as_millis())]
    TimedOut,
    #[error("the gate answered something unknown: {0}")]
    Strange(String),
}

/// What a booking or a claim wants of the gate.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) hold: Hold,
    pub(crate) want: Want,
}

/// The name of what one call of `reserve` takes. Who made it decides alone what becomes of it: a write, or a release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    /// Booking id, or the id of a claim: the same for every copy of a request.
    pub(crate) key: Uuid,
    /// New for every call.
    pub(crate) attempt: Uuid,
}

/// Which seats.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// Exactly these, or nothing.
    Exact(Vec<i32>),
    /// These if all are free, else as `Lowest` of the same number; joins the waitlist when too few are free.
    Prefer { seats: Vec<i32>, waitlist: bool },
    /// The lowest free ones; joins the waitlist when too few are free.
    Lowest { seats: i32, waitlist: bool },
    /// As many of these as are free, at least one.
    UpTo(i32),
}

/// The gate's answer to a request. Each but `NotLoaded` names the gate's generation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Admission {
    Granted {
        taken: Taken,
        generation: i64,
        reassigned: bool,
    },
    SeatsTaken {
        seats: Vec<i32>,
    },
    SoldOut {
        free: i32,
    },
    /// The same key is on its way already.
    InFlight,
    /// A seat or a number above the event's total: the caller knows an older event.
    OutOfRange {
        free: i32,
    },
    NotLoaded,
}

/// What a pending entry holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Taken {
    Seats(Vec<i32>),
    Join,
}

impl Taken {
    fn to_arg(&self) -> String {
        match self {
            Self::Seats(seats) => joined(seats),
            Self::Join => "join".to_owned(),
        }
    }
}

/// One committed item, to be confirmed.
#[derive(Clone, Debug)]
pub(crate) struct ConfirmItem {
    pub(crate) key: Uuid,
    pub(crate) taken: Taken,
    /// Of a join: its waiting order and the seats that it wants.
    pub(crate) join: Option<(i64, i32)>,
    /// A booking that waits no longer by this item.
    pub(crate) waiter_done: Option<BookingId>,
}

/// What a script that follows a write says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterWrite {
    Done,
    /// The entry is gone or names something else; the watcher sees the version stay behind.
    Nothing,
    /// Nothing was changed; the event's gate must be rebuilt.
    Rebuild,
    NotLoaded,
    OtherGeneration,
}

impl AfterWrite {
    fn parse(word: &str) -> Result<Self, GateError> {
        match word {
            "done" => Ok(Self::Done),
            "nothing" => Ok(Self::Nothing),
            "rebuild" => Ok(Self::Rebuild),
            "not_loaded" => Ok(Self::NotLoaded),
            "other_generation" => Ok(Self::OtherGeneration),
            other => Err(GateError::Strange(other.to_owned())),
        }
    }
}

/// An event's gate at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Peek {
    /// Redis' clock, milliseconds since 1970.
    pub(crate) now_ms: i64,
    /// `None`: not loaded.
    pub(crate) meta: Option<PeekMeta>,
    /// When each pending entry was taken, milliseconds since 1970.
    pub(crate) pending_since_ms: Vec<i64>,
}

/// The numbers of a loaded gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PeekMeta {
    pub(crate) generation: i64,
    pub(crate) version: i64,
}

/// Everything of a gate, for the audit.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    pub(crate) slots: i64,
    pub(crate) bitmap: Vec<u8>,
    pub(crate) waitlist: Vec<String>,
    pub(crate) pending: Vec<String>,
    pub(crate) generation: i64,
    pub(crate) version: i64,
}

/// The client of the gate; cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate {
    redis: ConnectionManager,
    scripts: std::sync::Arc<Scripts>,
}

struct Scripts {
    reserve: Script,
    confirm: Script,
    release: Script,
    apply: Script,
    load: Script,
}

impl Gate {
    /// Connects lazily: a Redis that is away at the start is met at the first call.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn new(redis_url: &str) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        let redis = ConnectionManager::new_lazy_with_config(redis::Client::open(redis_url)?, config)?;
        let scripts = std::sync::Arc::new(Scripts {
            reserve: Script::new(include_str!("scripts/reserve.lua")),
            confirm: Script::new(include_str!("scripts/confirm.lua")),
            release: Script::new(include_str!("scripts/release.lua")),
            apply: Script::new(include_str!("scripts/apply.lua")),
            load: Script::new(include_str!("scripts/load.lua")),
        });
        Ok(Self { redis, scripts })
    }

    /// Asks for seats.
    ///
    /// # Errors
    /// [`GateError`]: it is unknown whether something was taken; [`super::release`] gives it back.
    pub(crate) async fn reserve(&self, event: EventId, request: &Request) -> Result<Admission, GateError> {
        let (mode, count, waitlist, seats): (_, _, _, &[i32]) = match &request.want {
            Want::Exact(seats) => ("exact", seats.len() as i32, false, seats),
            Want::Prefer { seats, waitlist } => ("prefer", seats.len() as i32, *waitlist, seats),
            Want::Lowest { seats, waitlist } => ("lowest", *seats, *waitlist, &[]),
            Want::UpTo(seats) => ("up_to", *seats, false, &[]),
        };
        let mut call = on_event(&self.scripts.reserve, event);
        let Hold { key, attempt } = request.hold;
        call.arg(key.to_string()).arg(attempt.to_string()).arg(mode).arg(count).arg(u8::from(waitlist)).arg(seats);
        let answer: Vec<Value> = self.run(&call).await?;
        parse_admission(&answer).ok_or_else(|| GateError::Strange(format!("{answer:?}")))
    }

    /// Tells the gate what was committed; one answer per item.
    ///
    /// # Errors
    /// [`GateError`]: unknown whether it ran.
    pub(crate) async fn confirm(
        &self,
        event: EventId,
        generation: i64,
        items: &[ConfirmItem],
    ) -> Result<Vec<AfterWrite>, GateError> {
        let mut call = on_event(&self.scripts.confirm, event);
        call.arg(generation);
        for item in items {
            let join = item.join.map(|(order, seats)| format!("{order}|{seats}")).unwrap_or_default();
            let done = item.waiter_done.map(|id| id.to_string()).unwrap_or_default();
            call.arg(item.key.to_string()).arg(item.taken.to_arg()).arg(join).arg(done);
        }
        match self.run::<Value>(&call).await? {
            Value::Array(answers) => answers.iter().map(|answer| AfterWrite::parse(&text(answer))).collect(),
            word => AfterWrite::parse(&text(&word)).map(|one| vec![one; items.len()]),
        }
    }

    /// Gives back what an attempt took that nobody writes. Answers the gate's generation when nothing was changed and the
    /// event must be rebuilt instead.
    ///
    /// # Errors
    /// [`GateError`]: unknown whether it ran. It may be called again.
    pub(crate) async fn release(&self, event: EventId, hold: Hold) -> Result<Option<i64>, GateError> {
        let mut call = on_event(&self.scripts.release, event);
        call.arg(hold.key.to_string()).arg(hold.attempt.to_string());
        self.run::<i64>(&call).await.map(|generation| (generation > 0).then_some(generation))
    }

    /// Tells the gate of a committed cancellation: seats that are free for everybody, and waiters that are done.
    ///
    /// # Errors
    /// [`GateError`]: unknown whether it ran; the watcher sees the version stay behind.
    pub(crate) async fn apply(
        &self,
        event: EventId,
        generation: i64,
        free: &[i32],
        seen_order: i64,
        done: &[BookingId],
    ) -> Result<AfterWrite, GateError> {
        let mut call = on_event(&self.scripts.apply, event);
        call.arg(generation).arg(joined(free)).arg(seen_order).arg(joined(done));
        AfterWrite::parse(&self.run::<String>(&call).await?)
    }

    /// Puts an image into place of nothing or of an older generation.
    ///
    /// # Errors
    /// [`GateError`]: unknown whether it ran; not loaded means that the next caller rebuilds.
    pub(crate) async fn load(&self, event: EventId, image: &GateImage) -> Result<(), GateError> {
        let mut call = on_event(&self.scripts.load, event);
        call.arg(image.generation).arg(image.version).arg(image.total).arg(image.free_seats()).arg(image.bitmap());
        for (order, booking) in &image.waiters {
            call.arg(order).arg(booking.to_string());
        }
        self.run::<String>(&call).await.map(drop)
    }

    /// Forgets an event that takes no more bookings.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn delete(&self, event: EventId) -> Result<(), GateError> {
        let mut del = redis::cmd("DEL");
        del.arg(&keys::of_event(event));
        self.query(&del).await
    }

    /// Generation of the event's gate, `None` when it is not loaded.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn generation(&self, event: EventId) -> Result<Option<i64>, GateError> {
        let [.., meta] = keys::of_event(event);
        self.query(redis::cmd("HGET").arg(meta).arg("generation")).await
    }

    /// Whether a key is on its way.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn is_pending(&self, event: EventId, key: Uuid) -> Result<bool, GateError> {
        let [_, _, _, pending, _] = keys::of_event(event);
        self.query(redis::cmd("HEXISTS").arg(pending).arg(key.to_string())).await
    }

    /// The numbers that the watcher compares, of several events in one round trip, each taken atomically.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn peek(&self, events: &[EventId]) -> Result<Vec<Peek>, GateError> {
        let mut pipe = redis::pipe();
        pipe.atomic();
        for event in events {
            let [_, _, _, pending, meta] = keys::of_event(*event);
            pipe.cmd("TIME").cmd("HMGET").arg(meta).arg("generation").arg("version").cmd("HVALS").arg(pending);
        }
        let mut redis = self.redis.clone();
        let answers: Vec<Value> = timed("MULTI", async { pipe.query_async(&mut redis).await }).await?;
        answers.chunks(3).map(parse_peek).collect::<Result<_, _>>().map_err(GateError::Away)
    }

    /// Everything that Redis has about an event, or `None` when it is not loaded.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn dump(&self, event: EventId) -> Result<Option<Dump>, GateError> {
        let [slots, seats, waitlist, pending, meta] = keys::of_event(event);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("GET").arg(slots).cmd("GET").arg(seats);
        pipe.cmd("ZRANGE").arg(waitlist).arg(0).arg(-1).cmd("HKEYS").arg(pending);
        pipe.cmd("HMGET").arg(meta).arg("generation").arg("version");
        let mut redis = self.redis.clone();
        type Raw = (Option<i64>, Option<Vec<u8>>, Vec<String>, Vec<String>, (Option<i64>, Option<i64>));
        let (slots, bitmap, waitlist, pending, (generation, version)): Raw =
            timed("MULTI", async { pipe.query_async(&mut redis).await }).await?;
        let (Some(slots), Some(bitmap), Some(generation), Some(version)) = (slots, bitmap, generation, version) else {
            return Ok(None);
        };
        Ok(Some(Dump { slots, bitmap, waitlist, pending, generation, version }))
    }

    /// An id that changes whenever the Redis process does.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn run_id(&self) -> Result<String, GateError> {
        let info: String = self.query(redis::cmd("INFO").arg("server")).await?;
        info.lines()
            .find_map(|line| line.strip_prefix("run_id:"))
            .map(|id| id.trim().to_owned())
            .ok_or_else(|| GateError::Strange("INFO without run_id".to_owned()))
    }

    /// What Redis does when its memory is full; anything but `noeviction` would lose parts of a gate.
    ///
    /// # Errors
    /// [`GateError`].
    pub(crate) async fn eviction_policy(&self) -> Result<String, GateError> {
        let info: String = self.query(redis::cmd("INFO").arg("memory")).await?;
        Ok(info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).unwrap_or_default().trim().to_owned())
    }

    /// One round trip.
    ///
    /// # Errors
    /// [`GateError`] when Redis is away.
    pub(crate) async fn ping(&self) -> Result<(), GateError> {
        self.query::<String>(&redis::cmd("PING")).await.map(drop)
    }

    async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, GateError> {
        let mut redis = self.redis.clone();
        timed("EVALSHA", async { call.invoke_async(&mut redis).await }).await
    }

    async fn query<T: FromRedisValue>(&self, cmd: &redis::Cmd) -> Result<T, GateError> {
        let mut redis = self.redis.clone();
        timed("query", async { cmd.query_async(&mut redis).await }).await
    }
}

/// The connection has its own timeout; this one also covers waiting for a reconnection.
async fn timed<T>(operation: &'static str, call: impl Future<Output = Result<T, RedisError>>) -> Result<T, GateError> {
    let span = tracing::info_span!(
        target: SPANS,
        "redis",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "redis",
        db.operation.name = operation,
    );
    match tokio::time::timeout(RESPONSE_TIMEOUT, call).instrument(span).await {
        Ok(answer) => answer.map_err(GateError::from),
        Err(_) => Err(GateError::TimedOut),
    }
}

fn on_event(script: &Script, event: EventId) -> ScriptInvocation<'_> {
    let mut call = script.prepare_invoke();
    for key in keys::of_event(event) {
        call.key(key);
    }
    call
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn text(value: &Value) -> String {
    String::from_redis_value(value.clone()).unwrap_or_default()
}

fn parse_admission(answer: &[Value]) -> Option<Admission> {
    let word = text(answer.first()?);
    let generation = || answer.get(1).and_then(|value| text(value).parse::<i64>().ok());
    let numbers = |from: usize| -> Option<Vec<i32>> {
        answer.get(from..)?.iter().map(|value| text(value).parse().ok()).collect()
    };
    Some(match word.as_str() {
        "not_loaded" => Admission::NotLoaded,
        "in_flight" => Admission::InFlight,
        "out_of_range" => Admission::OutOfRange { free: *numbers(2)?.first()? },
        "seats_taken" => Admission::SeatsTaken { seats: numbers(2)? },
        "sold_out" => Admission::SoldOut { free: *numbers(2)?.first()? },
        "join" => Admission::Granted { taken: Taken::Join, generation: generation()?, reassigned: false },
        "seats" => Admission::Granted {
            taken: Taken::Seats(numbers(3)?),
            generation: generation()?,
            reassigned: text(answer.get(2)?) == "1",
        },
        _ => return None,
    })
}

fn parse_peek(answers: &[Value]) -> Result<Peek, RedisError> {
    let part = |at: usize| answers.get(at).cloned().unwrap_or(Value::Nil);
    let (seconds, micros): (i64, i64) = FromRedisValue::from_redis_value(part(0))?;
    let (generation, version): (Option<i64>, Option<i64>) = FromRedisValue::from_redis_value(part(1))?;
    let entries: Vec<String> = FromRedisValue::from_redis_value(part(2))?;
    Ok(Peek {
        now_ms: seconds * 1000 + micros / 1000,
        meta: generation.zip(version).map(|(generation, version)| PeekMeta { generation, version }),
        pending_since_ms: entries.iter().filter_map(|entry| entry.split('|').next()?.parse().ok()).collect(),
    })
}
