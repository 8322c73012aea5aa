//! The context of a request: its id, and whether it writes. This outermost layer also has the request's time limit and log line.

use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tracing::Instrument;

use super::extract::claims_of;
use super::server::Server;
use super::{answer, location};
use crate::app::App;
use crate::metrics;
use crate::problem::Problem;
use crate::telemetry::{self, SPANS};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A browser must not render, frame or store answers of the API. Pages for people set a policy of their own.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "private, no-cache"),
];

/// The context of a request. Handlers take it as a parameter.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// Stays with the request in logs, outbox, queue and worker.
    pub(crate) request_id: String,
    /// Whether the method is one that changes something.
    pub(super) writes: bool,
    /// Whether the request has an Idempotency-Key, so an earlier call with that key may have happened.
    pub(super) keyed: bool,
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = parts.extensions.get::<Self>().cloned();
        context.ok_or_else(|| Problem::internal(anyhow::anyhow!("the outermost layer is missing")))
    }
}

/// Which callers the routes of a group accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callers {
    Anyone,
    WithToken,
}

/// Answers 503 when too many requests are in progress, or when Postgres does not answer. A request that arrives while Postgres is
/// away is refused at once if its token is valid; a request that is waiting for Postgres is refused within a second. A write that has
/// begun continues as a task of its own, or ends with its connection.
pub(super) async fn while_the_database_answers(
    State((server, callers)): State<(Server, Callers)>,
    request: Request,
    next: Next,
) -> Response {
    let refuse = |why| Problem::unavailable(why).into_response();
    let Ok(_place) = server.places.try_acquire() else { return refuse(anyhow::anyhow!("too many requests at once")) };
    let lost = || anyhow::anyhow!("Postgres does not answer");
    if !server.app.pulse.is_up() {
        let (parts, _) = request.into_parts();
        return match callers {
            Callers::WithToken if let Err(refusal) = claims_of(&parts, &server).await => refusal.into_response(),
            _ => refuse(lost()),
        };
    }
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = server.app.pulse.clone().lost() => {
            Problem::outcome_unknown(lost()).into_response()
        }
    }
}

/// The outermost layer.
pub(crate) async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let context = RequestContext {
        request_id: app.clock.new_id().to_string(),
        writes: !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS),
        keyed: request.headers().contains_key("idempotency-key"),
    };
    request.extensions_mut().insert(context.clone());
    let request_id = context.request_id.clone();
    let method = request.method().clone();
    // the log has the route instead of the path, because a path can contain an invite's token
    let path = context.writes.then(|| request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let started = app.clock.instant();
    let _active = metrics::ActiveRequest::begin();
    let span = tracing::info_span!(
        target: SPANS,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    telemetry::belong_to(&span, &request_id);
    let answered = async {
        match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(late) => Problem::outcome_unknown(late).into_response(),
        }
    };
    let mut response = answered.instrument(span.clone()).await;
    response = answer::told(response, &context);
    span.record("http.response.status_code", response.status().as_u16());
    if let Ok(value) = HeaderValue::try_from(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    if let Some(path) = path {
        keep_below_base(response.headers_mut(), &path);
    }
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    metrics::request(&method, &route, response.status().as_u16(), started.elapsed().as_secs_f64());
    let duration_ms = started.elapsed().as_millis() as u64;
    tracing::debug!(request_id, %method, route, status = response.status().as_u16(), duration_ms, "request answered");
    response
}

/// Makes `Location` relative to the request, so that it stays below a proxy's path prefix.
fn keep_below_base(headers: &mut HeaderMap, request_path: &str) {
    let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else { return };
    if let Ok(relative) = HeaderValue::try_from(location::relative(request_path, location)) {
        headers.insert(header::LOCATION, relative);
    }
}
