//! Gives back what nobody will write: a refused write's seats, and what a call took whose answer never came.
//!
//! A gate that stays silent may have done what it was asked, or do it later. Its caller has been answered by then and writes
//! nothing, so what it holds is given back as soon as the gate answers: until then those seats would be nobody's, and a copy
//! of the request would wait for a writer that there is not.

use std::time::Duration;

use happening_api::EventId;

use super::{AfterWrite, Gate, GateError, Hold, Rebuilder};

/// Afterwards the entry's age is left to the watcher.
const TRIES_MAX: u32 = 20;
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Releases at once when the gate answers, else goes on trying behind the caller's back.
pub(crate) async fn release(gate: &Gate, rebuilder: &Rebuilder, event: EventId, hold: Hold) {
    if let Err(error) = try_once(gate, rebuilder, event, hold).await {
        tracing::warn!(%event, %error, "a release was not answered; it is tried again");
        release_later(gate, rebuilder, event, hold);
    }
}

/// Goes on trying until the gate answers. Calls on one connection run in their order, so this one comes after the one that
/// took.
pub(crate) fn release_later(gate: &Gate, rebuilder: &Rebuilder, event: EventId, hold: Hold) {
    let (gate, rebuilder) = (gate.clone(), rebuilder.clone());
    tokio::spawn(async move {
        for _ in 0..TRIES_MAX {
            if try_once(&gate, &rebuilder, event, hold).await.is_ok() {
                return;
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    });
}

async fn try_once(gate: &Gate, rebuilder: &Rebuilder, event: EventId, hold: Hold) -> Result<(), GateError> {
    if gate.release(event, hold).await? == AfterWrite::Rebuild {
        let bad = gate.generation(event).await?.unwrap_or(0);
        if let Err(error) = rebuilder.rebuild(event, bad).await {
            tracing::warn!(%event, %error, "a rebuild must wait for the watcher");
        }
    }
    Ok(())
}
