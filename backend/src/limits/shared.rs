//! Counts that all servers share through Redis. Every half second each server adds the requests that it allowed, and learns which
//! callers have exceeded the limit of all servers together; it refuses these until the window ends. Windows follow the clock: full
//! minutes, full hours. Requests do not wait for this, so a caller who uses many servers at once can use the whole allowance of each
//! within half a second. Without Redis each server enforces its own limit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use redis::RedisResult;
use redis::aio::ConnectionManager;
use sha2::{Digest as _, Sha256};

/// How many callers are shared in one round; further callers are counted by their server alone.
const CALLERS_MAX: usize = 100_000;
/// How many callers one round trip contains.
const CHUNK: usize = 1_000;

/// A digest of the caller's name, so that Redis stores no address or e-mail address.
type Caller = [u8; 16];

/// The shared counts of one limit.
#[derive(Debug)]
pub(super) struct Shared {
    /// A part of the keys in Redis.
    name: &'static str,
    window_s: u64,
    /// How many requests all servers together may allow in one window.
    requests_max: u64,
    /// The requests that this server has allowed since it last shared its counts.
    counted: Mutex<HashMap<Caller, u64>>,
    /// The callers who exceeded the limit, and when their window ends, in seconds since 1970.
    over: RwLock<HashMap<Caller, u64>>,
}

impl Shared {
    /// The shared maximum is twice the limit: a single server also allows a full burst plus a full window's refill within one window.
    pub(super) fn new(name: &'static str, requests: u32, window: Duration) -> Self {
        Self {
            name,
            window_s: window.as_secs(),
            requests_max: 2 * u64::from(requests),
            counted: Mutex::default(),
            over: RwLock::default(),
        }
    }

    /// Seconds until a caller who exceeded the limit is allowed again; `None` for other callers. `now_s` is in seconds since 1970.
    pub(super) fn wait_s(&self, caller: &str, now_s: u64) -> Option<u64> {
        let over = self.over.read().unwrap_or_else(PoisonError::into_inner);
        if over.is_empty() {
            return None;
        }
        over.get(&digest(caller))?.checked_sub(now_s).filter(|wait| *wait > 0)
    }

    /// Counts a request that was allowed.
    pub(super) fn note(&self, caller: &str) {
        let caller = digest(caller);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() < CALLERS_MAX || counted.contains_key(&caller) {
            *counted.entry(caller).or_default() += 1;
        }
    }

    /// Adds this server's counts to those of all servers, and learns which callers exceeded the limit.
    ///
    /// # Errors
    /// When Redis is away; the counts of this round are lost.
    pub(super) async fn share(&self, redis: &mut ConnectionManager, now_s: u64) -> RedisResult<()> {
        self.over.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now_s);
        let counted = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        let counted: Vec<(Caller, u64)> = counted.into_iter().collect();
        let window = now_s / self.window_s;
        for chunk in counted.chunks(CHUNK) {
            let mut pipe = redis::pipe();
            for (caller, requests) in chunk {
                let key = format!("limit:{}:{window}:{}", self.name, hex(caller));
                pipe.cmd("INCRBY").arg(&key).arg(requests);
                pipe.cmd("EXPIRE").arg(&key).arg(2 * self.window_s).ignore();
            }
            let totals: Vec<u64> = pipe.query_async(redis).await?;
            let mut over = self.over.write().unwrap_or_else(PoisonError::into_inner);
            let pairs = chunk.iter().zip(totals).filter(|(_, total)| *total >= self.requests_max);
            over.extend(pairs.map(|((caller, _), _)| (*caller, (window + 1) * self.window_s)));
        }
        Ok(())
    }
}

fn digest(caller: &str) -> Caller {
    let mut first = Caller::default();
    first.copy_from_slice(&Sha256::digest(caller)[..size_of::<Caller>()]);
    first
}

fn hex(caller: &Caller) -> String {
    format!("{:032x}", u128::from_be_bytes(*caller))
}
