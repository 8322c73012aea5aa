//! The answer to a creating call: made once, kept beside what it answers, and given again to every copy of the call.

use axum::response::{IntoResponse, Response};
use happening_api::{Booking, BookingStatus};
use http::header;
use serde::Deserialize;

/// A [`Booking`] as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer(String);

impl Answer {
    /// The answer that shows this booking.
    pub(crate) fn of(booking: &Booking) -> Self {
        Self(serde_json::to_string(booking).expect("a booking has string keys and finite numbers"))
    }

    /// One that was kept.
    pub(crate) fn kept(json: String) -> Self {
        Self(json)
    }

    /// The text, to be kept.
    pub(crate) fn into_json(self) -> String {
        self.0
    }

    /// Whether the booking held seats when it was answered, in contrast to a joining of the waitlist.
    pub(crate) fn holds_seats(&self) -> bool {
        #[derive(Deserialize)]
        struct Status {
            status: BookingStatus,
        }
        serde_json::from_str::<Status>(&self.0).is_ok_and(|booking| booking.status == BookingStatus::Confirmed)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
