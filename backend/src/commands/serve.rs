//! `serve`: the HTTP API, with relay and watcher.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::add_extension::AddExtension;

use crate::app::App;
use crate::broker::Publisher;
use crate::config::{Config, ServeConfig};
use crate::gate::watcher::{Scope, Watcher};
use crate::http::limits::Peer;
use crate::outbox::Relay;
use crate::{metrics, users};

const POLICY_EVERY: Duration = Duration::from_secs(60);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that are open at once, for each process.
const CONNECTIONS_MAX: usize = 16_384;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
const FORGET_EVERY: Duration = Duration::from_secs(60);
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Serves until SIGTERM, then finishes what has begun.
///
/// # Errors
/// When the port is taken or a setting cannot be used.
pub(crate) async fn run(config: &Config, serve: &ServeConfig) -> anyhow::Result<()> {
    config.log();
    metrics::serve(config.metrics_addr)?;
    let stop = super::stop_on_signal()?;
    let (tasks, writers_stop) = (TaskTracker::new(), CancellationToken::new());
    let app = App::start(config, serve, &tasks, &writers_stop)?;
    start_background(config, &app, &tasks, &stop);
    let address = SocketAddr::new(serve.host, serve.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}; choose another PORT"))?;
    tracing::info!(%address, "serving");
    let closing = close_after(&app, &stop, Duration::from_millis(serve.shutdown_delay_ms));
    accept(listener, &app, &closing).await;
    writers_stop.cancel();
    tasks.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!("some work was not finished in time; the gate's watcher will see to it");
    }
    tracing::info!("stopped");
    Ok(())
}

fn start_background(config: &Config, app: &App, tasks: &TaskTracker, stop: &CancellationToken) {
    let watcher = Watcher {
        pool: app.pool.clone(),
        gate: app.gate.clone(),
        rebuilder: app.rebuilder.clone(),
        scope: Scope::Touched(app.touched.clone()),
        every: WATCH_EVERY,
        pending_age_ms_max: config.pending_age_ms_max,
    };
    tasks.spawn(watcher.run(stop.clone()));
    if config.relay {
        let relay = Relay {
            pool: app.pool.clone(),
            publisher: Publisher::new(config.rabbitmq_url.clone()),
            wake: app.relay_wake.clone(),
        };
        tasks.spawn(relay.run(stop.clone()));
    }
    let (limited, stopped) = (app.clone(), stop.clone());
    tasks.spawn(async move {
        while tokio::time::timeout(FORGET_EVERY, stopped.cancelled()).await.is_err() {
            limited.limits.forget_the_quiet();
        }
    });
    tasks.spawn(users::cancel_late_bookings(app.clone(), stop.clone()));
    let gate = app.gate.clone();
    let stopped = stop.clone();
    tasks.spawn(async move {
        // it can be away now, and be another one later
        loop {
            if let Ok(policy) = gate.eviction_policy().await
                && policy != "noeviction"
            {
                tracing::error!(
                    policy,
                    "Redis must run with maxmemory-policy noeviction: anything else loses parts of a gate"
                );
            }
            if tokio::time::timeout(POLICY_EVERY, stopped.cancelled()).await.is_ok() {
                return;
            }
        }
    });
}

/// Says that it stops, so that a load balancer sends nobody any more, and closes a while later.
fn close_after(app: &App, stop: &CancellationToken, delay: Duration) -> CancellationToken {
    let (app, stop, closing) = (app.clone(), stop.clone(), CancellationToken::new());
    let close = closing.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        app.stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        close.cancel();
    });
    closing
}

/// Accepts until `stop`, then lets open requests finish. Our own loop, since `axum::serve` has no timeout for headers.
async fn accept(listener: TcpListener, app: &App, stop: &CancellationToken) {
    let router = crate::http::router(app.clone());
    // only HTTP/1: its timer runs from the first byte that does not come
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async {
                // whoever finds no place waits in the system's queue, until one of the silent ones is cut
                let place = Arc::clone(&places).acquire_owned().await;
                listener.accept().await.map(|(stream, address)| (stream, address, place))
            } => accepted,
        };
        let Ok((stream, address, place)) = accepted else {
            // out of file handles, most likely: give open connections a moment to end
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        drop(stream.set_nodelay(true));
        let service = TowerToHyperService::new(AddExtension::new(router.clone(), Peer(address.ip())));
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            drop(watched.await); // a client that went away is no event
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections were cut");
    }
}
