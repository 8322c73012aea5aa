//! A cache of people whose user row was read recently.

use std::sync::Arc;
use std::time::Duration;

use happening_api::UserId;
use moka::sync::Cache;

const KNOWN_MAX: u64 = 100_000;
/// A deleted person is refused by every server after at most this time.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// A person whose row exists.
#[derive(Clone, Debug)]
pub(crate) struct KnownUser {
    pub(crate) id: UserId,
}

/// The people whose user row was read recently, by `sub`. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KnownUsers(pub(super) Cache<String, KnownUser>);

impl Default for KnownUsers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KNOWN_MAX).time_to_live(KNOWN_FOR).build())
    }
}

impl KnownUsers {
    /// Removes a person from the cache, so that their next call reads the row.
    pub(super) fn forget(&self, user: UserId) {
        let subs: Vec<Arc<String>> = self.0.iter().filter(|(_, known)| known.id == user).map(|(sub, _)| sub).collect();
        subs.iter().for_each(|sub| self.0.invalidate(sub.as_str()));
    }
}
