//! Events and their seat maps.

pub(crate) mod attendees;
pub(crate) mod calendar;
mod cancel;
mod create;
mod duplicate;
pub(crate) mod ending;
pub(crate) mod http;
pub(crate) mod retention;
pub(crate) mod seats;
pub(crate) mod store;
mod update;
mod views;

pub(crate) use create::check_zone;

use sqlx::PgPool;

use crate::app::App;
use crate::clock::Clock;
use crate::seats::Seats;
use crate::wake::Wake;

/// The parts of the server that changes of events need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) seats: Seats,
    /// Wakes the timers when a long change begins, which goes on in portions.
    pub(crate) portions: Wake,
}

impl Parts {
    /// The parts of a server.
    pub(crate) fn of(app: &App) -> Self {
        Self { pool: app.pool.clone(), clock: app.clock, seats: app.seats.clone(), portions: app.portions.clone() }
    }
}
