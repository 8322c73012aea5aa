//! Asks for changes that are due by the clock, and for the portions of long changes. Timers do not change rows themselves; they send
//! commands to the seat writer. So it does no harm when a timer is late, or when two servers ask for the same.

use std::time::Duration;

use happening_api::{EventId, UserId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events::Parts;
use crate::problem::Problem;
use crate::seats::{Command, Due, Kind, PORTION, Reply};

const LOOK_EVERY: Duration = Duration::from_secs(2);
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);
/// The first round, and then every thirtieth, also look at completed events, which may have started and ended while no server ran.
const ROUNDS_PER_FULL_LOOK: u32 = 30;

/// Until `stop`, does what is due: every few seconds, and at once when a long change begins.
pub(crate) async fn run(parts: Parts, stop: CancellationToken) {
    let mut round = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = parts.portions.woken() => {}
            () = tokio::time::sleep(LOOK_EVERY) => round += 1,
        }
        let full = round % ROUNDS_PER_FULL_LOOK == 1;
        let done = tokio::time::timeout(ROUND_TIMEOUT, do_what_is_due(&parts, full, &stop)).await;
        if let Err(error) = done.map_err(Problem::unavailable).flatten() {
            tracing::warn!(?error, "what is due is done later");
        }
    }
}

async fn do_what_is_due(parts: &Parts, full: bool, stop: &CancellationToken) -> Result<(), Problem> {
    // the three kinds run at the same time, so that a slow one does not delay the others
    tokio::try_join!(end_bookings(parts, stop), add_seats(parts, stop), end_waitlists(parts, full, stop)).map(drop)
}

/// Ends the bookings of cancelled events.
async fn end_bookings(parts: &Parts, stop: &CancellationToken) -> Result<(), Problem> {
    let endings = sqlx::query!(
        r#"select event_id as "event: EventId", actor_id as "actor: UserId", request_id from event_endings order by since limit 100"#
    )
    .fetch_all(&parts.pool)
    .await?;
    for one in endings {
        let portion = Portion { event: one.event, caller: one.actor, request_id: one.request_id };
        if portion.all(parts, Due::EndBookings { at_most: PORTION }, stop).await {
            sqlx::query!("delete from event_endings where event_id = $1", one.event.0).execute(&parts.pool).await?;
        }
    }
    Ok(())
}

/// Adds the seats of raised capacities.
async fn add_seats(parts: &Parts, stop: &CancellationToken) -> Result<(), Problem> {
    let raised = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where raising_to is not null and deleted_at is null limit 100"#
    )
    .fetch_all(&parts.pool)
    .await?;
    for event in raised {
        Portion::of(parts, event).all(parts, Due::AddSeats { at_most: PORTION }, stop).await;
    }
    Ok(())
}

/// Ends the waitlists of events that have started.
async fn end_waitlists(parts: &Parts, full: bool, stop: &CancellationToken) -> Result<(), Problem> {
    // events that are not over are found by an index; of completed events, few still have bookings that wait
    let started = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where (status in ('upcoming', 'ongoing') or ($1 and status = 'completed'))
            and event_date <= clock_timestamp() and waiting_bookings > 0 and deleted_at is null order by event_date limit 100"#,
        full
    )
    .fetch_all(&parts.pool)
    .await?;
    for event in started {
        Portion::of(parts, event).all(parts, Due::EndWaiting { at_most: PORTION }, stop).await;
    }
    Ok(())
}

/// The event that portions are for, and the person on whose behalf they are done.
struct Portion {
    event: EventId,
    caller: UserId,
    request_id: String,
}

impl Portion {
    /// A change that is due by the clock, on behalf of no person (the nil id).
    fn of(parts: &Parts, event: EventId) -> Self {
        Self { event, caller: UserId(Uuid::nil()), request_id: parts.clock.new_id().to_string() }
    }

    /// Asks for one portion after the other. Returns false when some are left for a later round or another server.
    async fn all(&self, parts: &Parts, due: Due, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            let Self { event, caller, request_id } = self;
            let command = Command {
                id: parts.clock.new_id(),
                event: *event,
                caller: *caller,
                kind: Kind::Due(due),
                request_id: request_id.clone(),
            };
            match parts.seats.submit(command).await {
                Ok(Reply::Portion { left: 0 }) => return true,
                Ok(Reply::Portion { .. }) => {}
                _ => return false,
            }
        }
        false
    }
}
