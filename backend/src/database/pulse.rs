//! Whether Postgres answers at all, felt on a connection of its own.
//!
//! A server that is stopped, or behind a network that swallows packets, enforces no timeout of its own, and a statement that
//! waits for it would keep its caller for as long as the caller cares to wait. The pulse notices within a second, and every
//! request that waits then is answered; one statement that is slow because it has much to do is left alone.

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

/// Cheap to clone; tells what the [`Feeler`] felt last.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(watch::Receiver<Felt>);

#[derive(Clone, Copy, Debug)]
struct Felt {
    beats: bool,
    /// When the pulse's own connection broke, or another one was opened for it.
    renewed: Instant,
}

/// Feels the pulse until told to stop.
pub(crate) struct Feeler {
    options: PgConnectOptions,
    felt: watch::Sender<Felt>,
}

impl Pulse {
    /// A pulse that is taken to beat until the feeler, once it runs, finds otherwise.
    ///
    /// # Errors
    /// When the address cannot be parsed.
    pub(crate) fn new(url: &Url) -> sqlx::Result<(Self, Feeler)> {
        let options = super::options(url, super::LOCK_TIMEOUT_MS)?.disable_statement_logging();
        let (felt, feels) = watch::channel(Felt { beats: true, renewed: Instant::now() });
        Ok((Self(feels), Feeler { options, felt }))
    }

    /// Whether Postgres answered when it was last asked.
    pub(crate) fn beats(&self) -> bool {
        self.0.borrow().beats
    }

    /// When the connection to Postgres was last re-established: a connection that has been idle since before may have ended with those that
    /// broke then.
    pub(super) fn renewed(&self) -> Instant {
        self.0.borrow().renewed
    }

    /// Ends when Postgres does not answer.
    pub(crate) async fn lost(mut self) {
        if self.0.wait_for(|felt| !felt.beats).await.is_err() {
            // the process stops: it is not asked any more, and what is open is to be finished
            std::future::pending::<()>().await;
        }
    }
}

impl Feeler {
    /// Asks Postgres again and again.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut connection = None;
        loop {
            let beats = self.feel(&mut connection).await;
            let beats = beats || Switch::NoPulse.is_on();
            let changed = self.felt.send_if_modified(|felt| std::mem::replace(&mut felt.beats, beats) != beats);
            if changed {
                if beats {
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

    /// A connection that broke or went dumb says nothing yet: only when a new one gets no answer either, the pulse is lost.
    async fn feel(&self, connection: &mut Option<PgConnection>) -> bool {
        if let Some(known) = connection
            && matches!(tokio::time::timeout(PING_TIMEOUT, known.ping()).await, Ok(Ok(())))
        {
            return true;
        }
        if connection.take().is_some() {
            self.renew(); // others may have broken with it, also when there is no room for a new one
        }
        match tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect()).await {
            Ok(Ok(new)) => {
                *connection = Some(new);
                self.renew();
                true
            }
            // it answers, if only that it has no room for one more
            Ok(Err(sqlx::Error::Database(refusal))) => !refusal.code().is_some_and(|code| code.starts_with("57")),
            _ => false,
        }
    }

    fn renew(&self) {
        self.felt.send_modify(|felt| felt.renewed = Instant::now());
    }
}
