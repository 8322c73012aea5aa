//! The lanes: one transaction after the other, each locking its events, catching up, deciding, writing, committing.
//!
//! Nothing that was computed in a transaction that failed is used again: its decisions are taken back, and `failure` says which of its
//! commands are decided again, and when.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use happening_api::EventId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;
use uuid::Uuid;

use super::batch::{Batch, Verdict, Work};
use super::command::{Command, Pending, Refusal, Reply};
use super::committed::Committed;
use super::facts::{EventRow, Facts};
use super::failure::{self, FAILURES_MAX, Failure};
use super::protection::{Protection, out};
use super::queue::{Held, Queues};
use super::states;
use super::store::{Parts, Store};
use crate::metrics;
use crate::switches::Switch;
use crate::telemetry::{self, SPANS};

/// Lanes for several events at a time, and for one; each can have a connection.
pub(crate) const MAIN_LANES: usize = 4;
pub(crate) const SIDE_LANES: usize = 8;
const SWEEP_EVERY: Duration = Duration::from_millis(100);
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// Before COMMIT nothing has happened: who waits for longer is answered so.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(1);
/// The largest events take this long on a busy machine; no row is held meanwhile.
const LOAD_TIMEOUT: Duration = Duration::from_secs(16);
/// Longer: a commit that is only slow should be answered, since giving up on it leaves the caller not knowing.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Requests that the trace of a batch names.
const LINKS_MAX: usize = 128;

/// Lanes that run. Fewer than there should be: one ended, and is being started again.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<AtomicUsize>);

impl Running {
    pub(super) fn all(&self) -> bool {
        self.0.load(Ordering::Relaxed) == MAIN_LANES + SIDE_LANES
    }
}

/// Starts the lanes; they end when `stop` is cancelled and nothing waits.
pub(super) fn start(parts: &Parts, queues: &Arc<Queues>, tasks: &TaskTracker, stop: &CancellationToken) -> Running {
    let running = Running(Arc::new(AtomicUsize::new(MAIN_LANES + SIDE_LANES)));
    for lane in 0..MAIN_LANES + SIDE_LANES {
        let (parts, queues, stop, running) = (parts.clone(), Arc::clone(queues), stop.clone(), running.clone());
        tasks.spawn(async move {
            loop {
                let work = run(parts.clone(), Arc::clone(&queues), lane < MAIN_LANES, stop.clone());
                match tokio::spawn(work).await {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(%error, lane, "a lane of the seat writer ended and is started again");
                        metrics::lane_restarted();
                        running.0.fetch_sub(1, Ordering::Relaxed);
                        tokio::time::sleep(RESTART_PAUSE).await;
                        running.0.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
    }
    let (queues, stop) = (Arc::clone(queues), stop.clone());
    tasks.spawn(async move {
        while !(stop.is_cancelled() && queues.is_idle()) {
            queues.sweep();
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    });
    running
}

async fn run(parts: Parts, queues: Arc<Queues>, main: bool, stop: CancellationToken) {
    let notify = if main { &queues.main } else { &queues.side };
    loop {
        let held = if main { queues.take_main() } else { queues.take_side().into_iter().collect() };
        if held.is_empty() {
            if stop.is_cancelled() && queues.is_idle() {
                return;
            }
            tokio::select! {
                // one that came since is kept for the first who asks
                () = notify.notified() => {}
                () = tokio::time::sleep(SWEEP_EVERY), if stop.is_cancelled() => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
            continue;
        }
        let (commands, started) = (held.iter().map(|held| held.commands.len()).sum(), parts.clock.instant());
        let span = tracing::info_span!(target: SPANS, "write batch", happening.batch.items = commands);
        held.iter()
            .flat_map(|held| &held.commands)
            .take(LINKS_MAX)
            .for_each(|pending| telemetry::link(&span, &pending.command.request_id));
        Box::pin(work(&parts, held, !main)).instrument(span).await;
        metrics::batch(commands, started.elapsed().as_secs_f64());
    }
}

/// Does the commands of events, as one transaction when nothing fails.
pub(super) async fn work<S: Store>(store: &S, held: Vec<Held>, waits: bool) {
    let mut todo = vec![held];
    while let Some(mut part) = todo.pop() {
        part.iter_mut().for_each(Held::give_up_late);
        if waits {
            load(store, &mut part).await;
        }
        match attempt(store, &mut part, waits).await {
            Ok(done) => settle(store, part, done, &mut todo),
            Err(failure) => {
                part.iter_mut().for_each(Held::undo);
                failure::after(failure, part, &mut todo);
            }
        }
    }
}

/// Loads what is not in memory, holding no row. What cannot be loaded now is met under the lock. An event that none of the callers
/// may know of is not loaded: what that takes would tell that it exists.
async fn load<S: Store>(store: &S, part: &mut [Held]) {
    for held in part.iter_mut().filter(|held| held.known.is_none()) {
        let commands: Vec<&Command> = held.commands.iter().map(|one| &one.command).collect();
        match store.within(LOAD_TIMEOUT, store.load(held.event, &commands)).await {
            Some(Ok(known)) => held.known = known,
            Some(Err(error)) => tracing::debug!(event = %held.event, %error, "a state is loaded later"),
            None => tracing::debug!(event = %held.event, "a state takes long to load"),
        }
    }
}

/// What a committed transaction came to.
struct Done {
    /// Of the events that were decided on: one for each command, in their order.
    verdicts: HashMap<EventId, Vec<Verdict>>,
    /// What states are called after the commit.
    names: HashMap<EventId, (i64, Uuid)>,
    written: bool,
}

async fn attempt<S: Store>(store: &S, part: &mut [Held], waits: bool) -> Result<Done, Failure> {
    let prepared = store.within(PREPARE_TIMEOUT, prepare(store, part, waits)).await;
    let (tx, done) = prepared.ok_or(Failure::Late)??;
    assert!(
        !Switch::LanesPanic.is_on_every_fifth_time(),
        "a lane panics, so that what becomes of its commands is seen"
    );
    if !done.written {
        return Ok(done); // dropping the transaction takes the locks back
    }
    match store.within(COMMIT_TIMEOUT, store.commit(tx)).await {
        Some(Ok(())) => Ok(done),
        Some(Err(error @ sqlx::Error::Database(_))) => Err(error.into()),
        _ if out(Protection::AnswerAfterCommit) => Ok(done),
        Some(Err(error)) => Err(Failure::Unknown(error)),
        None => Err(Failure::Unknown(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}

/// Everything up to COMMIT.
async fn prepare<S: Store>(store: &S, part: &mut [Held], waits: bool) -> Result<(S::Tx, Done), Failure> {
    let mut tx = store.begin().await?;
    let ids: Vec<EventId> = part.iter().map(|held| held.event).collect();
    let early = if out(Protection::FactsAfterLock) {
        let commands: Vec<&Command> = part.iter().flat_map(|held| &held.commands).map(|one| &one.command).collect();
        let (now, facts) = store.look(&mut tx, &commands).await?;
        let ids = commands.iter().map(|one| one.id);
        Some((now, ids.zip(facts).collect::<HashMap<_, _>>()))
    } else {
        None
    };
    let locked = store.lock(&mut tx, &ids, waits).await?;
    // what does not exist looks like a row that another transaction has, until a side lane asks
    let mut had: Vec<&mut Held> = part.iter_mut().filter(|held| waits || locked.contains_key(&held.event)).collect();
    let commands: Vec<&Command> = had.iter().flat_map(|held| &held.commands).map(|one| &one.command).collect();
    let (now, facts) = match early {
        Some((now, facts)) => (now, commands.iter().map(|one| facts.get(&one.id).cloned().flatten()).collect()),
        None => store.look(&mut tx, &commands).await?,
    };
    let mut facts = facts.into_iter();
    let mut facts_of: Vec<Vec<Option<Facts>>> =
        had.iter().map(|held| facts.by_ref().take(held.commands.len()).collect()).collect();
    let matter: Vec<bool> = facts_of.iter().map(|facts| facts.iter().flatten().any(Facts::matters)).collect();
    let mut mattering: Vec<&mut Held> =
        had.iter_mut().zip(&matter).filter(|(_, matters)| **matters).map(|(held, _)| &mut **held).collect();
    catch_up(store, &mut tx, &mut mattering, &locked, waits).await?;
    let mut batch = Batch::new(now, store.clock());
    let (mut verdicts, mut names) = (HashMap::new(), HashMap::new());
    for ((held, facts), matters) in had.into_iter().zip(&mut facts_of).zip(matter) {
        // a state that nothing is asked of was not brought up to its row
        let known = if matters { held.known.take() } else { None };
        let (Some(known), Some(row)) = (known, locked.get(&held.event)) else {
            // an event that no caller of this batch may know of goes the way of one that does not exist
            let beside = !waits && held.known.is_none();
            held.to_be_loaded |= beside && !matters;
            let verdict = |facts| if beside { Verdict::Later } else { without_state(facts) };
            verdicts.insert(held.event, facts.iter().map(verdict).collect());
            continue;
        };
        let mut work = Work::new(row.clone(), known);
        let mut decided = Vec::with_capacity(held.commands.len());
        for (Pending { command, .. }, facts) in held.commands.iter().zip(facts) {
            let decide = AssertUnwindSafe(|| batch.decide(&mut work, command, facts.as_ref()));
            // after a panic the state is not to be trusted, and goes with `work`
            let verdict =
                catch_unwind(decide).map_err(|_| Failure::Panicked { event: held.event, command: command.id })?;
            decided.push(verdict);
        }
        verdicts.insert(held.event, decided);
        names.extend(batch.close(&work).map(|name| (held.event, name)));
        (held.known, held.changes) = (Some(work.known), work.changes);
    }
    let written = !batch.rows.is_empty();
    if written {
        store.write(&mut tx, &batch.rows, now).await?;
    }
    Ok((tx, Done { verdicts, names, written }))
}

/// An event that does not exist, that the caller may not know of, or whose state could not be read.
fn without_state(facts: &Option<Facts>) -> Verdict {
    match facts {
        Some(facts) if facts.matters() => Verdict::Later,
        _ => Verdict::Reply(Reply::Refused(Refusal::NOT_FOUND)),
    }
}

/// Makes each state that of its locked row: by the log or, when there is none in memory or the log has a gap, from the rows. A main lane
/// reads a bounded number of rows. What it did not read has no state afterwards; what is too large for it goes to a side lane.
pub(super) async fn catch_up<S: Store>(
    store: &S,
    tx: &mut S::Tx,
    had: &mut [&mut Held],
    locked: &HashMap<EventId, EventRow>,
    waits: bool,
) -> sqlx::Result<()> {
    let mut behind = HashMap::new();
    for held in had.iter_mut() {
        let Some(row) = locked.get(&held.event) else { continue };
        if let Some(known) = held.known.take_if(|known| !row.is_of(known) && !out(Protection::CatchUp)) {
            behind.insert(held.event, (known, row.clone()));
        }
    }
    let mut reached = HashMap::new();
    if !behind.is_empty() {
        let from: Vec<(EventId, i64)> = behind.iter().map(|(event, (known, _))| (*event, known.version)).collect();
        reached = states::catch_up(behind, &store.tail(tx, &from).await?);
    }
    had.iter_mut().filter(|held| held.known.is_none()).for_each(|held| held.known = reached.remove(&held.event));
    read_missing(store, tx, had, locked, waits).await
}

/// Reads the states of locked events that have none.
async fn read_missing<S: Store>(
    store: &S,
    tx: &mut S::Tx,
    had: &mut [&mut Held],
    locked: &HashMap<EventId, EventRow>,
    waits: bool,
) -> sqlx::Result<()> {
    let mut missing = Vec::new();
    let rows_max = store.rows_read_max();
    let mut left = rows_max;
    for held in had.iter_mut().filter(|held| held.known.is_none()) {
        let Some(row) = locked.get(&held.event) else { continue };
        if waits || row.rows() <= left {
            left = left.saturating_sub(row.rows());
            missing.push(held.event);
        } else {
            held.to_be_loaded = row.rows() > rows_max;
        }
    }
    if !missing.is_empty() {
        let mut read = store.read(tx, &missing).await?;
        had.iter_mut().filter(|held| held.known.is_none()).for_each(|held| held.known = read.remove(&held.event));
    }
    Ok(())
}

/// After the commit: states have their new names, callers are answered, and who watches is told.
fn settle<S: Store>(store: &S, part: Vec<Held>, mut done: Done, todo: &mut Vec<Vec<Held>>) {
    let mut committed = Vec::new();
    for mut held in part {
        let changes = std::mem::take(&mut held.changes);
        if let (Some(known), Some((version, head))) = (&mut held.known, done.names.get(&held.event)) {
            let before = known.head;
            (known.version, known.head, known.in_log) = (*version, *head, true);
            known.seats.settle();
            committed.push(Committed::of(held.event, known, before, &changes));
        }
        match done.verdicts.remove(&held.event) {
            Some(verdicts) => answer(&mut held, verdicts),
            None => held.contended = true, // another transaction has the row
        }
        // what was not decided for want of the row or a state stands before the next part: all of it goes back to the queue
        let goes_on = (held.known.is_some() && !held.contended) || out(Protection::PartsInOrder);
        if goes_on && let Some(next) = held.later.pop() {
            held.commands = next;
            todo.push(vec![held]);
        }
    }
    if done.written {
        store.committed(committed);
    }
}

/// Answers the commands of an event. One that contradicts the state is tried again on a state from the rows.
fn answer(held: &mut Held, verdicts: Vec<Verdict>) {
    let mut contradiction = false;
    for (mut pending, verdict) in std::mem::take(&mut held.commands).into_iter().zip(verdicts) {
        match verdict {
            Verdict::Reply(reply) => pending.answer(reply),
            Verdict::Later => held.back.push(pending),
            Verdict::Contradiction => {
                contradiction = true;
                pending.failures += 1;
                if pending.failures < FAILURES_MAX { held.back.push(pending) } else { pending.give_up() }
            }
        }
    }
    if contradiction {
        tracing::error!(event = %held.event, "an event's state was not that of its rows, and is loaded again");
        held.forget();
    }
}
