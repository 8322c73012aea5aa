//! Whether the process and its dependencies work. `ready` depends on what a booking needs: Postgres, and the lanes of the seat
//! writer.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Anyone;
use super::server::Server;
use crate::app::App;
use crate::problem::Problem;

const LISTENS_TIMEOUT: Duration = Duration::from_millis(300);
/// How long the result of a probe is reused.
const PROBE_KEPT: Duration = Duration::from_millis(250);

#[derive(Serialize, ToSchema)]
pub(crate) struct About {
    name: &'static str,
    version: &'static str,
    sign_in: SignIn,
}

impl About {
    /// The answer of this server, with where people sign in.
    pub(super) fn of(sign_in: SignIn) -> Self {
        Self { name: "happening", version: env!("CARGO_PKG_VERSION"), sign_in }
    }
}

/// Where an app signs people in.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct SignIn {
    issuer: String,
    client_id: String,
}

impl SignIn {
    pub(crate) fn of(config: &crate::config::ServeConfig) -> Self {
        Self::at(config.oidc_issuer_url.as_str(), &config.oidc_client)
    }

    pub(super) fn at(issuer: &str, client: &str) -> Self {
        Self { issuer: issuer.trim_end_matches('/').to_owned(), client_id: client.to_owned() }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DatabaseTest {
    ok: bool,
    /// How long one round trip took, milliseconds.
    round_trip_ms: f64,
}

impl DatabaseTest {
    pub(super) fn took(time: Duration) -> Self {
        Self { ok: true, round_trip_ms: time.as_secs_f64() * 1000.0 }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    status: &'static str,
}

impl Live {
    pub(super) fn now() -> Self {
        Self { status: "live" }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    ready: bool,
    postgres: &'static str,
    /// Away for a moment after one of its lanes ended unexpectedly.
    seat_writer: &'static str,
    /// Delays pictures of what happens only.
    redis: &'static str,
    /// Delays messages only.
    rabbitmq: &'static str,
    /// While it is away, no new person can sign in.
    sign_in: &'static str,
}

impl Ready {
    fn of(up: Up, stopping: bool) -> Self {
        let word = |up| if up { "up" } else { "away" };
        Self {
            ready: up.postgres && up.seat_writer && !stopping,
            postgres: word(up.postgres),
            seat_writer: word(up.seat_writer),
            redis: word(up.redis),
            rabbitmq: word(up.rabbitmq),
            sign_in: word(up.sign_in),
        }
    }

    /// An example: 200 when everything works, 503 while Postgres is away.
    pub(super) fn example(status: &str) -> Self {
        let postgres = status == "200";
        Self::of(Up { postgres, seat_writer: true, redis: true, rabbitmq: true, sign_in: true }, false)
    }
}

/// Name and version of the server, and where to sign in.
#[utoipa::path(get, path = "/", tag = "health", responses((status = 200, body = About)))]
pub(crate) async fn about(State(server): State<Server>) -> Json<About> {
    Json(About::of(server.sign_in.clone()))
}

/// One round trip to the database.
#[utoipa::path(get, path = "/db-test", tag = "health", responses((status = 200, body = DatabaseTest), (status = 429, body = happening_api::ErrorBody), (status = 503, body = happening_api::ErrorBody)))]
pub(crate) async fn db_test(_: Anyone, State(app): State<App>) -> Result<Json<DatabaseTest>, Problem> {
    let started = app.clock.instant();
    sqlx::query("select 1").execute(&app.pool).await?;
    Ok(Json(DatabaseTest::took(started.elapsed())))
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Live)))]
pub(crate) async fn live() -> Json<Live> {
    Json(Live::now())
}

/// Each dependency with its state, looked at a quarter of a second ago or less; 503 when a booking could not be taken.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub(crate) async fn ready(State(server): State<Server>) -> Response {
    let up = probed(&server).await;
    let body = Ready::of(up, server.is_stopping());
    let status = if body.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// Probes the dependencies. Anyone may ask, without a rate limit, so concurrent requests share one probe.
async fn probed(server: &Server) -> Up {
    let app = &server.app;
    let mut last = server.dependencies.last.lock().await;
    if let Some((_, up)) = last.filter(|(at, _)| app.clock.instant() - *at < PROBE_KEPT) {
        return up;
    }
    let (postgres, redis, rabbitmq, sign_in) = tokio::join!(
        async { app.pulse.is_up() && app.conn().await.is_ok() },
        app.shown.ping(),
        listens(&server.dependencies.rabbitmq),
        listens(&server.dependencies.keys)
    );
    let up = Up { postgres, seat_writer: app.seats.is_whole(), redis: redis.is_ok(), rabbitmq, sign_in };
    *last = Some((app.clock.instant(), up));
    up
}

#[derive(Clone, Copy)]
struct Up {
    postgres: bool,
    seat_writer: bool,
    redis: bool,
    rabbitmq: bool,
    sign_in: bool,
}

/// The dependencies that a booking does not need, and the latest probe of all.
pub(crate) struct Dependencies {
    rabbitmq: url::Url,
    /// Where the keys of tokens are read; the server need not be able to reach the issuer's own address.
    keys: url::Url,
    last: Mutex<Option<(Instant, Up)>>,
}

impl Dependencies {
    pub(crate) fn new(rabbitmq: url::Url, keys: url::Url) -> Self {
        Self { rabbitmq, keys, last: Mutex::default() }
    }
}

/// Whether an address accepts connections.
async fn listens(url: &url::Url) -> bool {
    let port = url.port_or_known_default().unwrap_or(if url.scheme() == "amqps" { 5671 } else { 5672 });
    let Some(host) = url.host_str() else { return false };
    let connect = tokio::net::TcpStream::connect((host.trim_matches(['[', ']']), port));
    matches!(tokio::time::timeout(LISTENS_TIMEOUT, connect).await, Ok(Ok(_)))
}
