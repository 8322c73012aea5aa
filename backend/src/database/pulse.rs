//! Probes on a connection of its own whether Postgres answers.
//!
//! When Postgres is suspended, or a network drops its packets, no timeout of Postgres itself works, and a statement would wait for as
//! long as its caller does. The pulse notices this within a second, and all waiting requests are then answered. A statement that is
//! merely slow is not affected.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::switches::Switch;

const EVERY: Duration = Duration::from_millis(200);
const PING_TIMEOUT: Duration = Duration::from_millis(400);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// The result of the latest probe; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(watch::Receiver<ProbeResult>);

#[derive(Clone, Copy, Debug)]
struct ProbeResult {
    is_up: bool,
    /// When the probe's connection broke, or was opened again.
    reconnected_at: Instant,
}

/// The task that probes Postgres.
pub(crate) struct HealthProbe {
    options: PgConnectOptions,
    result: watch::Sender<ProbeResult>,
}

impl Pulse {
    /// A pulse that says that Postgres answers, until the first probe fails.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn new(url: &Url) -> sqlx::Result<(Self, HealthProbe)> {
        let options = super::options(url, super::LOCK_TIMEOUT_MS)?.disable_statement_logging();
        let (result, latest) = watch::channel(ProbeResult { is_up: true, reconnected_at: Instant::now() });
        Ok((Self(latest), HealthProbe { options, result }))
    }

    /// Whether Postgres answered the latest probe.
    pub(crate) fn is_up(&self) -> bool {
        self.0.borrow().is_up
    }

    /// When the probe's connection last broke or was opened again. Connections that have been idle since before then may be broken,
    /// too.
    pub(super) fn reconnected_at(&self) -> Instant {
        self.0.borrow().reconnected_at
    }

    /// Returns when Postgres stops answering.
    pub(crate) async fn lost(mut self) {
        if self.0.wait_for(|result| !result.is_up).await.is_err() {
            // the probe ended because the process stops: requests in progress are allowed to finish
            std::future::pending::<()>().await;
        }
    }
}

impl HealthProbe {
    /// Probes Postgres periodically until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut connection = None;
        loop {
            let is_up = self.probe(&mut connection).await;
            let is_up = is_up || Switch::NoPulse.is_on();
            let changed = self.result.send_if_modified(|result| std::mem::replace(&mut result.is_up, is_up) != is_up);
            if changed {
                if is_up {
                    tracing::info!("Postgres answers again");
                } else {
                    tracing::warn!("Postgres does not answer");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Probes once. When the connection is broken or does not answer, a new one is tried: only if that gets no answer either,
    /// Postgres counts as away.
    async fn probe(&self, connection: &mut Option<PgConnection>) -> bool {
        if let Some(known) = connection
            && matches!(tokio::time::timeout(PING_TIMEOUT, known.ping()).await, Ok(Ok(())))
        {
            return true;
        }
        if connection.take().is_some() {
            self.note_reconnect(); // other connections may have broken at the same time, even if a new one cannot be opened
        }
        match tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect()).await {
            Ok(Ok(new)) => {
                *connection = Some(new);
                self.note_reconnect();
                true
            }
            // Postgres answers, if only to say that it has no free connection
            Ok(Err(sqlx::Error::Database(refusal))) => !refusal.code().is_some_and(|code| code.starts_with("57")),
            _ => false,
        }
    }

    fn note_reconnect(&self) {
        self.result.send_modify(|result| result.reconnected_at = Instant::now());
    }
}
