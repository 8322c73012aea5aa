//! The only place that asks for the time and for new ids, so that everything else gets them as values.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The process's clock. What decides about bookings is the database's clock; this one serves logs, tokens and ids.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    /// Now, in UTC.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn now(self) -> DateTime<Utc> {
        Utc::now()
    }

    /// A new id whose order is that of its making (UUID version 7).
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn new_id(self) -> Uuid {
        Uuid::now_v7()
    }

    /// A name by chance, for a state of an event's seats.
    pub(crate) fn new_head(self) -> Uuid {
        Uuid::new_v4()
    }

    /// A monotonic instant, for measuring how long something took.
    pub(crate) fn instant(self) -> std::time::Instant {
        std::time::Instant::now()
    }
}
