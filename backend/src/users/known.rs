//! People whose row was seen lately.

use std::sync::Arc;
use std::time::Duration;

use happening_api::UserId;
use moka::sync::Cache;

const KNOWN_MAX: u64 = 100_000;
/// A deleted person is refused within this time on every replica.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// A person whose row exists.
#[derive(Clone, Debug)]
pub(crate) struct KnownUser {
    pub(crate) id: UserId,
}

/// People whose row was seen lately, by `sub`.
pub(crate) struct KnownUsers(pub(super) Cache<String, KnownUser>);

impl Default for KnownUsers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KNOWN_MAX).time_to_live(KNOWN_FOR).build())
    }
}

impl KnownUsers {
    /// The next call looks at the rows.
    pub(super) fn forget(&self, user: UserId) {
        let subs: Vec<Arc<String>> = self.0.iter().filter(|(_, known)| known.id == user).map(|(sub, _)| sub).collect();
        subs.iter().for_each(|sub| self.0.invalidate(sub.as_str()));
    }
}
