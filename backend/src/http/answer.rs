//! How operations are answered over HTTP: the one mapping from what went wrong to status, headers and body, and what a creating call
//! made.
//!
//! A problem's body has the id of the request and says what is known of a write, so it is written by the layer that knows the request
//! ([`told`]); until then the answer carries the problem itself.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use happening_api::{ErrorBody, ErrorCode, Outcome};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::context::RequestContext;
use crate::idempotency::Made;
use crate::limits::Standing;
use crate::problem::Problem;

const RETRY_AFTER_S: u32 = 1;

/// Set on an answer that had been given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status(self.code).into_response();
        match self.code {
            ErrorCode::Unavailable => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            ErrorCode::Unauthenticated => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Problems that only HTTP has.
impl Problem {
    pub(super) fn too_large() -> Self {
        Self::new(ErrorCode::TooLarge, "The body is too large.")
    }

    pub(super) fn not_json() -> Self {
        Self::new(ErrorCode::UnsupportedMediaType, "The body must be application/json.")
    }
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).expect("the table holds valid statuses")
}

/// The answer with the body of its problem, if it tells of one.
pub(super) fn told(mut response: Response, context: &RequestContext) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() else { return response };
    log(&problem, &context.request_id);
    if let Some(limit) = &problem.limit {
        tell_limit(response.headers_mut(), limit);
    }
    let (mut parts, _) = response.into_parts();
    let (headers, body) = Json(body_of(&problem, context)).into_response().into_parts();
    parts.headers.extend(headers.headers);
    Response::from_parts(parts, body)
}

/// What the caller reads.
pub(super) fn body_of(problem: &Problem, context: &RequestContext) -> ErrorBody {
    let Problem { code, message, details, .. } = problem;
    let (mut message, mut details) = (message.clone(), details.clone());
    if *code == ErrorCode::Unavailable {
        // what the problem's maker knows, else that nothing happened; but a key may have been used before
        let unless_known = if context.keyed { Outcome::Unknown } else { Outcome::Nothing };
        details.outcome = context.writes.then(|| details.outcome.unwrap_or(unless_known));
        if details.outcome == Some(Outcome::Unknown) {
            message = if context.keyed {
                "We do not know yet whether it happened. Trying again cannot do it twice.".into()
            } else {
                "We do not know whether it happened. Look before you try again.".into()
            };
        }
    }
    let request_id = context.request_id.clone();
    ErrorBody { error: message.into_owned(), code: *code, details: *details, request_id }
}

fn log(problem: &Problem, request_id: &str) {
    let cause = problem.cause.as_ref().map(|cause| format!("{cause:#}")).unwrap_or_default();
    match problem.code {
        ErrorCode::Internal => tracing::error!(request_id, cause, "request failed"),
        ErrorCode::Unavailable => tracing::warn!(request_id, cause, "request answered 503"),
        _ => {}
    }
}

/// As draft-ietf-httpapi-ratelimit-headers has it.
fn tell_limit(headers: &mut HeaderMap, standing: &Standing) {
    let Standing { requests, window_s, wait_s } = standing;
    headers.insert(header::RETRY_AFTER, HeaderValue::from(*wait_s));
    let lines = [
        ("ratelimit", format!("\"default\";r=0;t={wait_s}")),
        ("ratelimit-policy", format!("\"default\";q={requests};w={window_s}")),
    ];
    for (name, text) in lines {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// 201 with the thing and where it is.
impl IntoResponse for Made {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::LOCATION, self.location)];
        let mut response = (StatusCode::CREATED, headers, self.body).into_response();
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
