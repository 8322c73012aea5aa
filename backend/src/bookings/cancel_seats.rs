//! Gives up some seats of a booking. Freeing the last one cancels it, unless it still waits for more.

use happening_api::Booking;

use super::give_up::{self, GiveUp, Seats};
use crate::app::App;
use crate::http::ApiResult;

/// Gives up exactly these seats.
///
/// # Errors
/// `already_cancelled`, `event_started`, 404 naming seats that the booking does not hold, 503.
pub(crate) async fn cancel_seats(app: &App, request: &GiveUp, seats: Vec<i32>) -> ApiResult<Booking> {
    give_up::give_up(app, request, &Seats::These(seats)).await
}
