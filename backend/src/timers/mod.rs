//! What is due by the clock. A timer changes no rows itself: it asks the seat writer. That it is late, or that two servers ask for the
//! same, does no harm.

use std::time::Duration;

use happening_api::{EventId, UserId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::http::{ApiError, ApiResult};
use crate::seats::{Command, Kind, Reply};

const LOOK_EVERY: Duration = Duration::from_secs(2);
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);
/// In the first round and in every so manieth, events that are over are looked at, too: they can have started and ended while no
/// server ran.
const ROUNDS_PER_FULL_LOOK: u32 = 30;
/// Bookings that leave the waitlist in one transaction, so that none of them is long.
const LEAVE_AT_ONCE: u32 = 500;

/// Ends the waitlists of events that have started, until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut round = 0;
    while tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
        let full = round % ROUNDS_PER_FULL_LOOK == 0;
        round += 1;
        let done = tokio::time::timeout(ROUND_TIMEOUT, end_waitlists(&app, full, &stop)).await;
        if let Err(error) = done.map_err(ApiError::unavailable).flatten() {
            tracing::warn!(?error, "waitlists of events that started are looked for later");
        }
    }
}

async fn end_waitlists(app: &App, full: bool, stop: &CancellationToken) -> ApiResult<()> {
    // an index holds the events that are not over, and few of the others have anybody who waits
    let started = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where (status in ('upcoming', 'ongoing') or ($1 and status = 'completed'))
            and event_date <= clock_timestamp() and waiting_bookings > 0 and deleted_at is null order by event_date limit 100"#,
        full
    )
    .fetch_all(&app.pool)
    .await?;
    for event in started {
        while !stop.is_cancelled() && matches!(end_some(app, event).await, Some(Reply::WaitingEnded { left: 1.. })) {}
    }
    Ok(())
}

async fn end_some(app: &App, event: EventId) -> Option<Reply> {
    let kind = Kind::EndWaiting { at_most: LEAVE_AT_ONCE };
    let request_id = app.clock.new_id().to_string();
    let command = Command { id: app.clock.new_id(), event, caller: UserId(Uuid::nil()), kind, request_id };
    app.seats.submit(command).await.ok()
}
