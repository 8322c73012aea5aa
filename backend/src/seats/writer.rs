//! The lanes. Each runs one transaction after the other: it locks the events' rows, brings their states up to date, decides, writes
//! and commits.
//!
//! After a failed transaction none of its decisions remain in the states: they are undone, and `failure` chooses which of its
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

/// Main lanes work on several events at a time, side lanes on one. The writer's connection pool has a connection for each.
pub(crate) const MAIN_LANES: usize = 4;
pub(crate) const SIDE_LANES: usize = 8;
const SWEEP_EVERY: Duration = Duration::from_millis(100);
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// The most time for everything before COMMIT. Giving up here is safe: nothing has been committed, and callers can be told so.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(1);
/// The most time for loading a state outside of a transaction. The largest events take this long on a busy machine; no row is locked
/// meanwhile.
const LOAD_TIMEOUT: Duration = Duration::from_secs(16);
/// The most time for COMMIT. It is longer than that for preparing: after a timeout the caller does not learn whether the commit
/// happened, so a commit that is merely slow should be waited for.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How many requests the trace of a batch links to at most.
const LINKS_MAX: usize = 128;

/// The number of lanes that run. It is lower than it should be while a lane that panicked waits to be restarted.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<AtomicUsize>);

impl Running {
    pub(super) fn all(&self) -> bool {
        self.0.load(Ordering::Relaxed) == MAIN_LANES + SIDE_LANES
    }
}

/// Starts the lanes; they end when `stop` is cancelled and all queues are empty.
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
                // `notify_one` stores a permit when no lane is waiting, so a command that arrived since `take` wakes this lane
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

/// Runs the commands of the given events, in one transaction unless something fails. With `waits` (side lanes), it waits for locked
/// rows and loads missing states.
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

/// Loads the states that are not in memory, without a lock. What cannot be loaded here is read later, under the lock. A state is
/// loaded only when one of the callers may see the event: otherwise the time that loading takes would reveal that the event exists.
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

/// What a transaction decided, to be used once it is committed.
struct Done {
    /// For each event, unless another transaction holds its row: a verdict for each command, in their order.
    verdicts: HashMap<EventId, Vec<Verdict>>,
    /// The version and head of each changed state after the commit.
    names: HashMap<EventId, (i64, Uuid)>,
    written: bool,
}

async fn attempt<S: Store>(store: &S, part: &mut [Held], waits: bool) -> Result<Done, Failure> {
    let prepared = store.within(PREPARE_TIMEOUT, prepare(store, part, waits)).await;
    let (tx, done) = prepared.ok_or(Failure::Late)??;
    assert!(!Switch::LanesPanic.is_on_every_fifth_time(), "the switch `lanes_panic` makes this lane panic");
    if !done.written {
        return Ok(done); // dropping the transaction releases its locks
    }
    match store.within(COMMIT_TIMEOUT, store.commit(tx)).await {
        Some(Ok(())) => Ok(done),
        Some(Err(error @ sqlx::Error::Database(_))) => Err(error.into()),
        _ if out(Protection::AnswerAfterCommit) => Ok(done),
        Some(Err(error)) => Err(Failure::Unknown(error)),
        None => Err(Failure::Unknown(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))),
    }
}

/// Runs the transaction up to, but without, COMMIT.
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
    // A main lane skips locked rows, so an event that does not exist looks to it like a locked one, until a side lane waits for the
    // row.
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
        // when no command of an event `matters`, its state was not brought up to the row, so it is not used
        let known = if matters { held.known.take() } else { None };
        let (Some(known), Some(row)) = (known, locked.get(&held.event)) else {
            // If no caller in this batch may see the event, treat it exactly like an event that does not exist, so that timing
            // reveals nothing.
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
            // after a panic the state may be wrong; it is dropped together with `work`
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

/// The verdict when the event has no state here: it does not exist, the caller may not see it, or its state could not be read.
fn without_state(facts: &Option<Facts>) -> Verdict {
    match facts {
        Some(facts) if facts.matters() => Verdict::Later,
        _ => Verdict::Reply(Reply::Refused(Refusal::NOT_FOUND)),
    }
}

/// Brings each state up to its locked row: by the log or, when there is no state in memory or the log has a gap, by reading the rows.
/// A main lane reads a bounded number of rows, and leaves events beyond that bound without a state. An event that is too large for
/// any main lane is marked for a side lane.
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

/// Reads the states of locked events that have no state in memory.
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

/// After the commit: gives the states their new names, answers the callers, and passes the changes on to Redis.
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
            None => held.contended = true, // no verdicts: another transaction holds the row
        }
        // When commands were not decided because the row was locked or the state was missing, the later parts must not overtake them:
        // all of them go back to the queue.
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

/// Answers the commands of an event. A command that contradicts the state is tried again, after the state was loaded again from the
/// rows.
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
