//! Cancels a booking: frees all of its seats and leaves the waitlist.

use happening_api::Booking;

use super::give_up::{self, GiveUp, Seats};
use crate::app::App;
use crate::http::ApiResult;

/// Cancels.
///
/// # Errors
/// `already_cancelled`, `event_started`, 503.
pub(crate) async fn cancel(app: &App, request: &GiveUp) -> ApiResult<Booking> {
    give_up::give_up(app, request, &Seats::All).await
}
