//! Cancels a booking: frees all of its seats and leaves the waitlist.

use happening_api::{Booking, BookingId, ErrorCode, UserId};

use super::give_up::{self, GiveUp, Seats};
use super::store;
use crate::app::App;
use crate::http::{ApiError, ApiResult};

/// Cancels.
///
/// # Errors
/// `already_cancelled`, `event_started`, 503.
pub(crate) async fn cancel(app: &App, request: &GiveUp) -> ApiResult<Booking> {
    give_up::give_up(app, request, &Seats::All).await
}

/// Cancels somebody's own booking when that is still possible; one that has ended or begun is left as it is.
///
/// # Errors
/// 503.
pub(crate) async fn cancel_own(app: &App, caller: UserId, booking: BookingId, request_id: &str) -> ApiResult<()> {
    let row = store::find_row(&mut *app.conn().await?, booking).await?.ok_or_else(ApiError::not_found)?;
    let request = GiveUp { caller, booking: row, reason: None, request_id: request_id.to_owned() };
    match cancel(app, &request).await {
        Err(error) if ![ErrorCode::AlreadyCancelled, ErrorCode::EventStarted].contains(&error.code()) => Err(error),
        _ => Ok(()),
    }
}
