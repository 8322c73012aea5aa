//! The answer to a command. The answer to a creating or claiming call is kept in the history, and given again to every copy of the
//! call.

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

    /// An answer that was kept before.
    pub(crate) fn kept(json: String) -> Self {
        Self(json)
    }

    /// The JSON text, to be kept.
    pub(crate) fn into_json(self) -> String {
        self.0
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
