//! Rate limits: requests per person with a token, requests per address without one, and invites per invited address. Each server
//! enforces them by itself at once; all servers together do so a moment later, through Redis.

mod shared;

use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use redis::aio::ConnectionManager;

use self::shared::Shared;
use crate::clock::Clock;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// The address that a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The limits of one process.
pub(crate) struct Limits {
    people: Option<Limit<String>>,
    addresses: Option<Limit<IpAddr>>,
    invited: Option<Limit<String>>,
}

/// Allows `requests` requests in each window; all of them may come at once.
struct Limit<K: Clone + std::hash::Hash + Eq> {
    requests: NonZeroU32,
    window: Duration,
    limiter: DefaultKeyedRateLimiter<K>,
    shared: Shared,
    clock: Clock,
}

/// What a caller is told about a limit, with the members of draft-ietf-httpapi-ratelimit-headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) requests: u32,
    pub(crate) window_s: u64,
    /// Seconds until the next request is allowed; set when this one was refused.
    pub(crate) wait_s: u64,
}

impl Limits {
    /// Limits of requests per minute, and of invites per address and hour; 0 means no limit.
    pub(crate) fn new(per_person: u32, per_address: u32, invites_per_hour: u32, clock: Clock) -> Self {
        Self {
            people: Limit::new("person", per_person, MINUTE, clock),
            addresses: Limit::new("address", per_address, MINUTE, clock),
            invited: Limit::new("invited", invites_per_hour, HOUR, clock),
        }
    }

    /// Adds this server's counts to those of all servers, and reads the sums.
    ///
    /// # Errors
    /// When Redis is away; this server then enforces its limits alone.
    pub(crate) async fn share(&self, redis: &mut ConnectionManager, clock: Clock) -> redis::RedisResult<()> {
        let now_s = seconds(clock);
        let mut done = Ok(());
        for shared in [
            self.people.as_ref().map(|limit| &limit.shared),
            self.addresses.as_ref().map(|limit| &limit.shared),
            self.invited.as_ref().map(|limit| &limit.shared),
        ]
        .into_iter()
        .flatten()
        {
            // every limit is shared even after a failure, since sharing also clears its counts
            done = shared.share(redis, now_s).await.and(done);
        }
        done
    }

    /// Counts a request with a token, by the token's `sub`.
    ///
    /// # Errors
    /// The limit that was exceeded.
    pub(crate) fn count_person(&self, sub: &str) -> Result<(), Standing> {
        self.people.as_ref().map_or(Ok(()), |limit| limit.count(sub.to_owned()))
    }

    /// Forgets callers who have not called for so long that their whole allowance is available again.
    pub(crate) fn forget_idle_callers(&self) {
        self.people.iter().for_each(|limit| limit.limiter.retain_recent());
        self.addresses.iter().for_each(|limit| limit.limiter.retain_recent());
        self.invited.iter().for_each(|limit| limit.limiter.retain_recent());
    }

    /// Counts an invite that is sent to an address.
    ///
    /// # Errors
    /// The limit that was exceeded.
    pub(crate) fn count_invite(&self, email: &str) -> Result<(), Standing> {
        self.invited.as_ref().map_or(Ok(()), |limit| limit.count(email.to_lowercase()))
    }

    /// Counts a request without a token.
    ///
    /// # Errors
    /// The limit that was exceeded.
    pub(crate) fn count_address(&self, peer: Option<Peer>) -> Result<(), Standing> {
        match (&self.addresses, peer) {
            (Some(limit), Some(Peer(address))) => limit.count(network(address)),
            _ => Ok(()),
        }
    }
}

/// The network that counts as one caller: for IPv6 the /64, since one household has a whole /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    // a dual-stack socket shows IPv4 addresses as IPv6 ones; they are converted back
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

impl Peer {
    /// The caller's address behind `proxies` of our own, each of which appends the address that it sees to `X-Forwarded-For`.
    pub(crate) fn behind(self, proxies: usize, headers: &HeaderMap) -> Self {
        if proxies == 0 {
            return self;
        }
        let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
        let addresses: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let address = addresses.len().checked_sub(proxies).and_then(|at| addresses[at].parse().ok());
        address.map_or(self, Self)
    }
}

fn seconds(clock: Clock) -> u64 {
    clock.now().timestamp().unsigned_abs()
}

impl<K: Clone + Display + std::hash::Hash + Eq> Limit<K> {
    fn new(name: &'static str, requests: u32, window: Duration, clock: Clock) -> Option<Self> {
        let shared = Shared::new(name, requests, window);
        let requests = NonZeroU32::new(requests)?;
        let quota = Quota::with_period(window / requests.get())?.allow_burst(requests);
        Some(Self { requests, window, limiter: RateLimiter::keyed(quota), shared, clock })
    }

    fn count(&self, key: K) -> Result<(), Standing> {
        let caller = key.to_string();
        let wait_s = self.shared.wait_s(&caller, seconds(self.clock)).or_else(|| {
            let not_until = self.limiter.check_key(&key).err()?;
            Some((not_until.wait_time_from(DefaultClock::default().now()) + Duration::from_secs(1)).as_secs().max(1))
        });
        let Some(wait_s) = wait_s else {
            self.shared.note(&caller);
            return Ok(());
        };
        let standing = Standing { requests: self.requests.get(), window_s: self.window.as_secs(), wait_s };
        Err(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_of_our_proxies_are_trusted() {
        let peer = Peer(IpAddr::from([10, 0, 0, 1]));
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", http::HeaderValue::from_static("6.6.6.6, 1.2.3.4"));
        headers.append("x-forwarded-for", http::HeaderValue::from_static("10.0.0.2"));
        let seen = |proxies| peer.behind(proxies, &headers).0.to_string();
        assert_eq!([seen(0), seen(1), seen(2)], ["10.0.0.1", "10.0.0.2", "1.2.3.4"]);
        assert_eq!(peer.behind(4, &headers).0, peer.0);
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
        assert_ne!(of("::ffff:1.2.3.4"), of("::ffff:1.2.3.5"));
        assert_eq!(of("::ffff:1.2.3.4"), of("1.2.3.4"));
    }
}
