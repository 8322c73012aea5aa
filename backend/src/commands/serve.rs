//! `serve`: the HTTP API, with relay and watcher.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::broker::Publisher;
use crate::config::{Config, ServeConfig};
use crate::gate::watcher::{Scope, Watcher};
use crate::http::connections;
use crate::outbox::Relay;
use crate::{metrics, users};

const POLICY_EVERY: Duration = Duration::from_secs(60);
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
    let listener = connections::listen(address)
        .map_err(|error| anyhow::anyhow!("cannot listen on {address}: {error}; choose another PORT"))?;
    tracing::info!(%address, "serving");
    let closing = close_after(&app, &stop, Duration::from_millis(serve.shutdown_delay_ms));
    connections::accept(listener, &crate::http::router(app.clone()), serve.connection_limits(), &closing).await;
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
