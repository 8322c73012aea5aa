//! The answer to a command: made once; a creating call's is kept beside what it answers, and given again to every copy of the call.

use axum::response::{IntoResponse, Response};
use happening_api::Booking;
use http::header;

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
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
