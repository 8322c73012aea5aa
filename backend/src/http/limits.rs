//! How many requests one caller may make: per person with a token, per address without. Counted in each process for itself.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use happening_api::{ErrorCode, UserId};

use super::context::RequestContext;
use super::{ApiError, ApiResult};

/// Callers above which those who have been quiet are forgotten.
const CALLERS_MAX: usize = 100_000;

/// The address that a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The limits of one process.
pub(crate) struct Limits {
    people: Option<Limit<UserId>>,
    addresses: Option<Limit<IpAddr>>,
}

/// So many requests a minute, of which as many may come at once.
struct Limit<K: Clone + std::hash::Hash + Eq> {
    per_minute: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<K>,
}

/// What a caller is told of a limit, in the members of draft-ietf-httpapi-ratelimit-headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) per_minute: u32,
    /// Seconds until another request is taken; set when this one is refused.
    pub(super) wait_s: u64,
}

impl Limits {
    /// Requests per minute; 0 is no limit.
    pub(crate) fn new(per_person: u32, per_address: u32) -> Self {
        Self { people: Limit::new(per_person), addresses: Limit::new(per_address) }
    }

    /// Counts a request of somebody who is signed in.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn count_person(&self, user: UserId) -> ApiResult<()> {
        self.people.as_ref().map_or(Ok(()), |limit| limit.count(user))
    }

    /// Counts a request of somebody who is not.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn count_address(&self, peer: Option<Peer>) -> ApiResult<()> {
        match (&self.addresses, peer) {
            (Some(limit), Some(Peer(address))) => limit.count(address),
            _ => Ok(()),
        }
    }
}

impl<K: Clone + std::hash::Hash + Eq> Limit<K> {
    fn new(per_minute: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(per_minute)?;
        Some(Self { per_minute, limiter: RateLimiter::keyed(Quota::per_minute(per_minute)) })
    }

    fn count(&self, key: K) -> ApiResult<()> {
        let Err(not_until) = self.limiter.check_key(&key) else { return Ok(()) };
        if self.limiter.len() > CALLERS_MAX {
            self.limiter.retain_recent();
        }
        let wait = not_until.wait_time_from(DefaultClock::default().now()) + Duration::from_secs(1);
        let standing = Standing { per_minute: self.per_minute.get(), wait_s: wait.as_secs().max(1) };
        RequestContext::note_limit(standing);
        Err(ApiError::new(ErrorCode::RateLimited, "Too many requests. Please wait a moment."))
    }
}
