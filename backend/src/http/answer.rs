//! Turns results of operations into HTTP answers: problems are mapped to status, headers and body in this file alone, and a creating
//! call answers with 201.
//!
//! The body of a problem contains the request's id, and says what is known about a write. Both are known to the outermost layer,
//! which writes the body ([`told`]); until then the response carries the problem as an extension.

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

/// This header marks the stored answer to an earlier copy of the call.
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

/// Problems that exist only in HTTP.
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

/// Writes the body of the problem that the response carries, if there is one.
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

/// The body of a problem.
pub(super) fn body_of(problem: &Problem, context: &RequestContext) -> ErrorBody {
    let Problem { code, message, details, .. } = problem;
    let (mut message, mut details) = (message.clone(), details.clone());
    if *code == ErrorCode::Unavailable {
        // The problem itself may know the outcome. Otherwise nothing happened, unless an earlier call with the same key did
        // something.
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

/// Writes the headers of draft-ietf-httpapi-ratelimit-headers.
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

/// 201 with the created thing and its `Location`.
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
