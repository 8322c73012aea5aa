//! `serve`: the HTTP API, with the relay.

use std::net::SocketAddr;
use std::time::Duration;

use redis::aio::ConnectionManager;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::broker::Publisher;
use crate::config::{Config, ServeConfig};
use crate::database::{self, schema};
use crate::http::{Server, connections};
use crate::outbox::Relay;
use crate::{events, metrics, shown, timers, users};

const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How often this server shares its counts of callers with other servers.
const SHARE_EVERY: Duration = Duration::from_millis(500);

/// Serves until SIGTERM, then finishes the requests in progress.
///
/// # Errors
/// When the port is taken or a setting cannot be used.
pub(crate) async fn run(config: &Config, serve: &ServeConfig) -> anyhow::Result<()> {
    config.log();
    metrics::serve(config.metrics_addr)?;
    let stop = super::stop_on_signal()?;
    let (tasks, writers_stop) = (TaskTracker::new(), CancellationToken::new());
    let app = App::start(config, serve, &tasks, &writers_stop)?;
    let schema = schema::check_at_start(database::operator_pool(&config.database_url)?, stop.clone()).await?;
    start_background(config, &app, &tasks, &stop)?;
    let address = SocketAddr::new(serve.host, serve.port);
    let listener = connections::listen(address)
        .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}; choose another PORT"))?;
    tracing::info!(%address, "serving");
    let server = Server::new(app.clone(), config, serve);
    let closing = close_after(&server, &stop, Duration::from_millis(serve.shutdown_delay_ms));
    connections::accept(
        listener,
        &crate::http::router::router(server),
        connections::ConnectionLimits::of(serve),
        &closing,
    )
    .await;
    if tokio::time::timeout(DRAIN_TIMEOUT, app.work_is_done()).await.is_err() {
        tracing::warn!("some changes go on for too long; what was not committed did not happen");
    }
    writers_stop.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!("some work was not finished in time; what was not committed did not happen");
    }
    tracing::info!("stopped");
    if schema.is_finished() { Ok(schema.await??) } else { Ok(()) }
}

fn start_background(config: &Config, app: &App, tasks: &TaskTracker, stop: &CancellationToken) -> anyhow::Result<()> {
    if config.relay {
        let relay = Relay {
            pool: app.pool.clone(),
            publisher: Publisher::new(config.rabbitmq_url.clone()),
            wake: app.relay_wake.clone(),
        };
        tasks.spawn(relay.run(stop.clone()));
    }
    tasks.spawn(keep_limits(app.clone(), shown::connect(config.redis_url.as_str())?, stop.clone()));
    let preparing = app.clone();
    tokio::spawn(async move { preparing.verifier.prepare().await });
    tasks.spawn(users::cancel_late_bookings(users::Parts::of(app), stop.clone()));
    tasks.spawn(timers::run(events::Parts::of(app), stop.clone()));
    Ok(())
}

/// Shares the counts of rate limits with other servers, and forgets callers who have not called recently.
async fn keep_limits(app: App, mut redis: ConnectionManager, stop: CancellationToken) {
    let mut forgot = app.clock.instant();
    while tokio::time::timeout(SHARE_EVERY, stop.cancelled()).await.is_err() {
        if let Err(error) = app.limits.share(&mut redis, app.clock).await {
            tracing::debug!(%error, "limits are counted by this server alone");
        }
        if forgot.elapsed() >= FORGET_EVERY {
            app.limits.forget_idle_callers();
            forgot = app.clock.instant();
        }
    }
}

/// After `stop`, `/health/ready` answers 503, so that a load balancer sends no more requests. The returned token is cancelled after a
/// further delay; the server then closes.
fn close_after(server: &Server, stop: &CancellationToken, delay: Duration) -> CancellationToken {
    let (server, stop, closing) = (server.clone(), stop.clone(), CancellationToken::new());
    let close = closing.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        server.begin_to_stop();
        tokio::time::sleep(delay).await;
        close.cancel();
    });
    closing
}
