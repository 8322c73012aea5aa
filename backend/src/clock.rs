//! The only module that reads the time and makes new ids; everything else gets them as values.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The process' clock. It serves logs, tokens and ids; decisions about bookings use the database's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    /// Now, in UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn now(self) -> DateTime<Utc> {
        Utc::now()
    }

    /// A new id. Ids are ordered by the time when they are made (UUID version 7).
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn new_id(self) -> Uuid {
        Uuid::now_v7()
    }

    /// A random name for a state of an event's seats.
    pub(crate) fn new_head(self) -> Uuid {
        Uuid::new_v4()
    }

    /// A monotonic instant, for measuring how long something took.
    pub(crate) fn instant(self) -> std::time::Instant {
        std::time::Instant::now()
    }
}
