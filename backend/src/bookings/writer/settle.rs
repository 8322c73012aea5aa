//! After the transaction: tell the gate, answer the callers.
//!
//! Seats are answered before the gate is told: they are committed. A joining is answered after, so that whoever asks
//! later is behind it.

use std::collections::BTreeMap;

use happening_api::EventId;

use super::batch::{Settled, Verdict};
use super::{Item, Parts, Reply};
use crate::gate::{AfterWrite, ConfirmItem, GateError, Taken};

/// A joining whose answer waits for the gate, or an item that has been answered already.
struct ToConfirm {
    confirm: ConfirmItem,
    waiting: Option<(Item, Reply)>,
}

/// Settles a batch.
pub(super) async fn settle(parts: &Parts, settled: Vec<Settled>) {
    let mut confirms: BTreeMap<(EventId, i64), Vec<ToConfirm>> = BTreeMap::new();
    let mut refused = Vec::new();
    for Settled { item, verdict } in settled {
        match verdict {
            Verdict::Written { answer, confirm } => {
                let group = confirms.entry((item.event, item.generation)).or_default();
                let reply = Reply::Written(answer);
                let waiting = match item.taken {
                    Taken::Join => Some((item, reply)),
                    Taken::Seats(_) => {
                        answer_to(item, reply);
                        None
                    }
                };
                group.push(ToConfirm { confirm, waiting });
            }
            // neither confirm nor release: the entry ages, the watcher rebuilds
            Verdict::OutcomeUnknown => answer_to(item, Reply::OutcomeUnknown),
            Verdict::OtherGeneration => answer_to(item, Reply::OtherGeneration),
            Verdict::GateWrong => {
                // the seats are somebody else's: never release them
                rebuild(parts, item.event, item.generation).await;
                answer_to(item, Reply::OtherGeneration);
            }
            Verdict::Exists { answer, same_request } => refused.push((item, Reply::Exists { answer, same_request })),
            Verdict::Refused(refusal) => refused.push((item, refusal.into())),
            Verdict::Unavailable => refused.push((item, Reply::Unavailable)),
        }
    }
    let releases = refused.into_iter().map(|(item, reply)| async move {
        parts.releaser.release(item.event, item.hold).await;
        answer_to(item, reply);
    });
    futures_util::future::join_all(releases).await;
    for ((event, generation), items) in confirms {
        confirm(parts, event, generation, items).await;
    }
}

fn answer_to(item: Item, reply: Reply) {
    // the caller may be gone; what was written stays, and a repeated call finds it
    drop(item.reply.send(reply));
}

async fn confirm(parts: &Parts, event: EventId, generation: i64, items: Vec<ToConfirm>) {
    let told: Vec<ConfirmItem> = items.iter().map(|item| item.confirm.clone()).collect();
    let answers = parts.gate.confirm(event, generation, &told).await;
    let mut rebuilt = None;
    for (at, item) in items.into_iter().enumerate() {
        let said = answers.as_ref().map(|answers| answers.get(at).copied().unwrap_or(AfterWrite::Nothing));
        if matches!(said, Ok(AfterWrite::Rebuild)) && rebuilt.is_none() {
            rebuilt = Some(parts.rebuilder.rebuild(event, generation).await.is_ok());
        }
        if let Some((item, reply)) = item.waiting {
            answer_to(item, if join_is_known(said, rebuilt) { reply } else { Reply::OutcomeUnknown });
        }
    }
    if let Err(error) = answers {
        tracing::warn!(%event, %error, "a confirm may be missing; the watcher compares");
    }
}

/// Whether whoever asks from now on is certainly behind the joining: the gate has it, has a newer image that has it, or
/// has none and must be loaded from the rows.
fn join_is_known(said: Result<AfterWrite, &GateError>, rebuilt: Option<bool>) -> bool {
    match said {
        Ok(AfterWrite::Done | AfterWrite::OtherGeneration | AfterWrite::NotLoaded) => true,
        Ok(AfterWrite::Rebuild) => rebuilt == Some(true),
        Ok(AfterWrite::Nothing) | Err(_) => false,
    }
}

async fn rebuild(parts: &Parts, event: EventId, bad: i64) {
    if let Err(error) = parts.rebuilder.rebuild(event, bad).await {
        tracing::warn!(%event, %error, "a rebuild must wait for the watcher");
    }
}
