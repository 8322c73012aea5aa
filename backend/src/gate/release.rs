//! Gives back what nobody will write: a refused write's seats, and what a call took whose answer never came.
//!
//! A gate that stays silent may have done what it was asked, or do it later. Its caller has been answered by then and writes
//! nothing, so what it holds is given back as soon as the gate answers: until then those seats would be nobody's, and a copy
//! of the request would wait for a writer that there is not.

use std::time::Duration;

use happening_api::EventId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Gate, GateError, Hold, Rebuilder};

/// Holds that wait for the gate; what does not fit is left to its age and the watcher.
const WAITING_MAX: usize = 4096;
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Releases holds; cheap to clone.
#[derive(Clone)]
pub(crate) struct Releaser {
    gate: Gate,
    rebuilder: Rebuilder,
    later: mpsc::Sender<(EventId, Hold)>,
}

impl Releaser {
    /// Starts the one task of the process that tries again, which ends with `stop`.
    pub(crate) fn start(gate: Gate, rebuilder: Rebuilder, stop: CancellationToken) -> Self {
        let (later, waiting) = mpsc::channel(WAITING_MAX);
        let releaser = Self { gate, rebuilder, later };
        let task = releaser.clone();
        tokio::spawn(async move { stop.run_until_cancelled(task.try_again(waiting)).await });
        releaser
    }

    /// Releases at once when the gate answers, else behind the caller's back.
    pub(crate) async fn release(&self, event: EventId, hold: Hold) {
        if let Err(error) = self.try_once(event, hold).await {
            tracing::warn!(%event, %error, "a release was not answered; it is tried again");
            self.release_later(event, hold);
        }
    }

    /// Releases when the gate answers. Calls on one connection run in their order, so this one comes after the one that took.
    pub(crate) fn release_later(&self, event: EventId, hold: Hold) {
        if self.later.try_send((event, hold)).is_err() {
            tracing::warn!(%event, "too many releases wait for the gate; this one is left to the watcher");
        }
    }

    async fn try_again(self, mut waiting: mpsc::Receiver<(EventId, Hold)>) {
        while let Some((event, hold)) = waiting.recv().await {
            while self.try_once(event, hold).await.is_err() {
                tokio::time::sleep(TRY_EVERY).await;
            }
        }
    }

    async fn try_once(&self, event: EventId, hold: Hold) -> Result<(), GateError> {
        if let Some(generation) = self.gate.release(event, hold).await?
            && let Err(error) = self.rebuilder.rebuild(event, generation).await
        {
            tracing::warn!(%event, %error, "a rebuild must wait for the watcher");
        }
        Ok(())
    }
}
