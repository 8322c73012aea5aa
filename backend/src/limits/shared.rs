//! Counts that all servers share by Redis. Each server adds what it let through, every half second, and learns which callers are over
//! what all of them together let through; it turns these away until the window ends. Windows are those of the clock: minutes, hours.
//! No request waits for that, so a caller who goes to many servers at once can have the whole allowance of each within half a second.
//! Without Redis the limit of each server holds alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use redis::RedisResult;
use redis::aio::ConnectionManager;
use sha2::{Digest as _, Sha256};

/// Callers that are shared at once; what others do meanwhile is counted by their server alone.
const CALLERS_MAX: usize = 100_000;
/// Callers in one round trip.
const CHUNK: usize = 1_000;

/// A digest stands for the caller in Redis, so that no address or e-mail address is kept there.
type Caller = [u8; 16];

/// The shared counts of one limit.
#[derive(Debug)]
pub(super) struct Shared {
    /// Part of the keys in Redis.
    name: &'static str,
    window_s: u64,
    /// What all servers let through in one window.
    requests_max: u64,
    /// What this server let through since it last shared.
    counted: Mutex<HashMap<Caller, u64>>,
    /// Callers over the limit, and when their window ends, seconds since 1970.
    over: RwLock<HashMap<Caller, u64>>,
}

impl Shared {
    /// One server alone lets a whole allowance through at once, and as much again during a window; all of them together do the same.
    pub(super) fn new(name: &'static str, requests: u32, window: Duration) -> Self {
        Self {
            name,
            window_s: window.as_secs(),
            requests_max: 2 * u64::from(requests),
            counted: Mutex::default(),
            over: RwLock::default(),
        }
    }

    /// Seconds until a caller who is over the limit is let through again, `None` for others. `now_s` counts from 1970.
    pub(super) fn wait_s(&self, caller: &str, now_s: u64) -> Option<u64> {
        let over = self.over.read().unwrap_or_else(PoisonError::into_inner);
        if over.is_empty() {
            return None;
        }
        over.get(&digest(caller))?.checked_sub(now_s).filter(|wait| *wait > 0)
    }

    /// Notes what was let through.
    pub(super) fn note(&self, caller: &str) {
        let caller = digest(caller);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() < CALLERS_MAX || counted.contains_key(&caller) {
            *counted.entry(caller).or_default() += 1;
        }
    }

    /// Adds to the counts of all servers, and learns who is over the limit.
    ///
    /// # Errors
    /// When Redis is away; what was to be added is forgotten.
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
