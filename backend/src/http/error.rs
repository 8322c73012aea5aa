//! The one mapping from what went wrong to what the caller is told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use happening_api::{ErrorBody, ErrorCode, ErrorDetails, Outcome};
use http::{HeaderValue, StatusCode, header};

use super::context::RequestContext;
use crate::database;

const RETRY_AFTER_S: u32 = 1;

/// A refusal or failure on its way to the caller.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Box<ErrorDetails>,
    /// What stood behind it, for the log only.
    cause: Option<anyhow::Error>,
}

/// What handlers return.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A refusal with nothing but its code and a sentence.
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), details: Box::default(), cause: None }
    }

    /// 400 that names one field.
    pub(crate) fn field(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name.into(), reason.into())]))
    }

    /// 400 that names the fields.
    pub(crate) fn fields(fields: BTreeMap<String, String>) -> Self {
        let sentence = fields
            .iter()
            .map(|(name, reason)| if name.is_empty() { reason.clone() } else { format!("{name}: {reason}") })
            .collect::<Vec<_>>()
            .join("; ");
        let mut error = Self::new(ErrorCode::Invalid, sentence);
        error.details.fields = fields;
        error
    }

    /// 404: it does not exist, or the caller may not know that it does.
    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is nothing here that you can see.")
    }

    /// 403: the caller may know of it, but not do this.
    pub(crate) fn forbidden() -> Self {
        Self::new(ErrorCode::Forbidden, "You may not do this.")
    }

    /// 401.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(ErrorCode::Unauthenticated, "Please sign in.")
    }

    /// 413.
    pub(crate) fn too_large() -> Self {
        Self::new(ErrorCode::TooLarge, "The body is too large.")
    }

    /// 415.
    pub(crate) fn not_json() -> Self {
        Self::new(ErrorCode::UnsupportedMediaType, "The body must be application/json.")
    }

    /// 422: the key belongs to another request.
    pub(crate) fn key_reused() -> Self {
        Self::new(ErrorCode::KeyReused, "This Idempotency-Key was used for another request.")
    }

    /// 429.
    pub(crate) fn rate_limited() -> Self {
        Self::new(ErrorCode::RateLimited, "Too many requests. Please wait a moment.")
    }

    /// 503 of something that did nothing.
    pub(crate) fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(ErrorCode::Unavailable, "The service is busy or partly away. Please try again.");
        error.cause = Some(cause.into());
        error
    }

    /// 503 of a write that may have happened.
    pub(crate) fn outcome_unknown(cause: impl Into<anyhow::Error>) -> Self {
        Self::unavailable(cause).of_unknown_outcome()
    }

    /// 500: says no more than the request's id.
    pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(ErrorCode::Internal, "Something went wrong on our side.");
        error.cause = Some(cause.into());
        error
    }

    /// What it is answered with.
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// The same failure of a write that may have happened.
    pub(crate) fn of_unknown_outcome(self) -> Self {
        self.of_outcome(Outcome::Unknown)
    }

    /// The same failure of a write whose key was looked up and is nowhere.
    pub(crate) fn of_nothing(self) -> Self {
        self.of_outcome(Outcome::Nothing)
    }

    fn of_outcome(mut self, outcome: Outcome) -> Self {
        if self.code == ErrorCode::Unavailable {
            self.details.outcome = Some(outcome);
        }
        self
    }

    /// What a 503 says about a write: what its maker knows, else that nothing happened; but a key may have been used before.
    fn settle_outcome(&mut self, context: &RequestContext) {
        if self.code != ErrorCode::Unavailable {
            return;
        }
        let unless_known = if context.keyed { Outcome::Unknown } else { Outcome::Nothing };
        self.details.outcome = context.writes.then(|| self.details.outcome.unwrap_or(unless_known));
        if self.details.outcome == Some(Outcome::Unknown) {
            self.message = if context.keyed {
                "We do not know yet whether it happened. Trying again cannot do it twice.".into()
            } else {
                "We do not know whether it happened. Look before you try again.".into()
            };
        }
    }

    /// Sets details.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut ErrorDetails)) -> Self {
        set(&mut self.details);
        self
    }

    /// What the caller reads.
    pub(super) fn into_body(self, request_id: String) -> ErrorBody {
        ErrorBody { error: self.message.into_owned(), code: self.code, details: *self.details, request_id }
    }

    fn log(&self, request_id: &str) {
        let cause = self.cause.as_ref().map(|cause| format!("{cause:#}")).unwrap_or_default();
        match self.code {
            ErrorCode::Internal => tracing::error!(request_id, cause, "request failed"),
            ErrorCode::Unavailable => tracing::warn!(request_id, cause, "request answered 503"),
            _ => {}
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if database::is_away(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<Arc<sqlx::Error>> for ApiError {
    fn from(error: Arc<sqlx::Error>) -> Self {
        if database::is_away(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(mut self) -> Response {
        let context = RequestContext::current();
        self.log(&context.request_id);
        self.settle_outcome(&context);
        let status = StatusCode::from_u16(self.code.status()).expect("the table holds valid statuses");
        let code = self.code;
        let mut response = (status, Json(self.into_body(context.request_id))).into_response();
        match code {
            ErrorCode::Unavailable => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            ErrorCode::Unauthenticated => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
