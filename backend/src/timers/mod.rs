//! What is due by the clock, and long changes that go on in portions. A timer changes no rows itself: it asks the seat writer. That it is
//! late, or that two servers ask for the same, does no harm.

use std::time::Duration;

use happening_api::{EventId, UserId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::problem::Problem;
use crate::seats::{Command, Due, Kind, PORTION, Reply};

const LOOK_EVERY: Duration = Duration::from_secs(2);
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);
/// In the first round and in every thirtieth, events that are over are looked at, too: they can have started and ended while no server
/// ran.
const ROUNDS_PER_FULL_LOOK: u32 = 30;

/// Does what is due, every few seconds and when a long change has begun, until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut round = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.portions.woken() => {}
            () = tokio::time::sleep(LOOK_EVERY) => round += 1,
        }
        let full = round % ROUNDS_PER_FULL_LOOK == 1;
        let done = tokio::time::timeout(ROUND_TIMEOUT, do_what_is_due(&app, full, &stop)).await;
        if let Err(error) = done.map_err(Problem::unavailable).flatten() {
            tracing::warn!(?error, "what is due is done later");
        }
    }
}

async fn do_what_is_due(app: &App, full: bool, stop: &CancellationToken) -> Result<(), Problem> {
    // one that takes long keeps no other kind from its turn
    tokio::try_join!(end_bookings(app, stop), add_seats(app, stop), end_waitlists(app, full, stop)).map(drop)
}

/// Of events that were cancelled.
async fn end_bookings(app: &App, stop: &CancellationToken) -> Result<(), Problem> {
    let endings = sqlx::query!(
        r#"select event_id as "event: EventId", actor_id as "actor: UserId", request_id from event_endings order by since limit 100"#
    )
    .fetch_all(&app.pool)
    .await?;
    for one in endings {
        let portion = Portion { event: one.event, caller: one.actor, request_id: one.request_id };
        if portion.all(app, Due::EndBookings { at_most: PORTION }, stop).await {
            sqlx::query!("delete from event_endings where event_id = $1", one.event.0).execute(&app.pool).await?;
        }
    }
    Ok(())
}

/// Of raised capacities.
async fn add_seats(app: &App, stop: &CancellationToken) -> Result<(), Problem> {
    let raised = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where raising_to is not null and deleted_at is null limit 100"#
    )
    .fetch_all(&app.pool)
    .await?;
    for event in raised {
        Portion::of(app, event).all(app, Due::AddSeats { at_most: PORTION }, stop).await;
    }
    Ok(())
}

/// Of events that have started.
async fn end_waitlists(app: &App, full: bool, stop: &CancellationToken) -> Result<(), Problem> {
    // an index holds the events that are not over, and few of the others have anybody who waits
    let started = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where (status in ('upcoming', 'ongoing') or ($1 and status = 'completed'))
            and event_date <= clock_timestamp() and waiting_bookings > 0 and deleted_at is null order by event_date limit 100"#,
        full
    )
    .fetch_all(&app.pool)
    .await?;
    for event in started {
        Portion::of(app, event).all(app, Due::EndWaiting { at_most: PORTION }, stop).await;
    }
    Ok(())
}

/// Which event a portion is of, and on whose behalf it is done.
struct Portion {
    event: EventId,
    caller: UserId,
    request_id: String,
}

impl Portion {
    /// On behalf of the clock.
    fn of(app: &App, event: EventId) -> Self {
        Self { event, caller: UserId(Uuid::nil()), request_id: app.clock.new_id().to_string() }
    }

    /// Portion after portion. False when some are left: another server does them, or a later round.
    async fn all(&self, app: &App, due: Due, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            let Self { event, caller, request_id } = self;
            let command = Command {
                id: app.clock.new_id(),
                event: *event,
                caller: *caller,
                kind: Kind::Due(due),
                request_id: request_id.clone(),
            };
            match app.seats.submit(command).await {
                Ok(Reply::Portion { left: 0 }) => return true,
                Ok(Reply::Portion { .. }) => {}
                _ => return false,
            }
        }
        false
    }
}
