//! What is due by the clock. A timer changes no rows itself: it asks the seat writer. That it is late, or that two servers ask for the
//! same, does no harm.

use std::time::Duration;

use happening_api::{EventId, UserId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::App;
use crate::http::ApiResult;
use crate::seats::{Command, Kind, Reply};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Bookings that leave the waitlist in one transaction, so that none of them is long.
const LEAVE_AT_ONCE: u32 = 500;

/// Ends the waitlists of events that have started, until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
        if let Err(error) = end_waitlists(&app).await {
            tracing::warn!(?error, "waitlists of events that started are looked for later");
        }
    }
}

async fn end_waitlists(app: &App) -> ApiResult<()> {
    // `clock_timestamp()` as the writer reads it; an index holds the events that are not over
    let started = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where status in ('upcoming', 'ongoing') and event_date <= clock_timestamp()
            and waiting_bookings > 0 and deleted_at is null limit 100"#
    )
    .fetch_all(&app.pool)
    .await?;
    for event in started {
        while let Some(Reply::WaitingEnded { left: 1.. }) = end_some(app, event).await {}
    }
    Ok(())
}

async fn end_some(app: &App, event: EventId) -> Option<Reply> {
    let kind = Kind::EndWaiting { at_most: LEAVE_AT_ONCE };
    let request_id = app.clock.new_id().to_string();
    let command = Command { id: app.clock.new_id(), event, caller: UserId(Uuid::nil()), kind, request_id };
    app.seats.submit(command).await.ok()
}
