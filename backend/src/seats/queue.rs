//! Which lane works on which event. The commands of an event stand in one queue, in the order in which they arrived, and at most one
//! transaction of this process works on an event at a time.
//!
//! A main lane takes commands of several events for one transaction, and does not wait for locked rows. An event goes to a side lane,
//! which works on one event at a time, when its state takes long to read, when another transaction held its row a moment ago, or when
//! a turn (an edit) wants the event for itself.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use happening_api::EventId;
use happening_seating::Change;
use tokio::sync::{Notify, oneshot};

use super::command::{Pending, WAIT_MAX};
use super::protection::{Protection, out};
use super::states::{Known, States};

/// How many commands and turns may wait, over all events.
const WAITING_MAX: usize = 4096;
/// How many commands one transaction may have.
const BATCH_MAX: usize = 256;
/// How many commands of one event a main lane takes at least, if so many wait, even when many events are ready.
const SHARE_MIN: usize = 16;

/// The queue is full; nothing happened.
#[derive(Debug, thiserror::Error)]
#[error("too many changes of seats wait")]
pub(crate) struct Full;

/// An entry of an event's queue.
#[derive(Debug)]
enum Waiting {
    Command(Pending),
    /// A turn that wants the event for itself: where its `Held` is sent, and since when it waits.
    Alone(oneshot::Sender<Held>, Instant),
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// Whether a lane has the event, or it is listed in `main` or `side`.
    taken: bool,
    /// Whether the event's state takes long to read, so a side lane must load it.
    to_be_loaded: bool,
}

#[derive(Debug, Default)]
struct Inner {
    lines: HashMap<EventId, Line>,
    main: VecDeque<EventId>,
    side: VecDeque<EventId>,
    contended: HashMap<EventId, Instant>,
    states: States,
    waiting: usize,
    full_batches: bool,
    /// How long an event stays in the side lanes after another transaction was found to hold its row.
    contended_for: Duration,
}

/// The queues of all events.
#[derive(Debug, Default)]
pub(super) struct Queues {
    inner: Mutex<Inner>,
    pub(super) main: Notify,
    pub(super) side: Notify,
}

/// An event while one lane (or turn) has it. Dropping this releases the event for the next lane.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) event: EventId,
    pub(super) known: Option<Known>,
    /// Changes decided on `known` that are not committed yet.
    pub(super) changes: Vec<Change>,
    pub(super) commands: Vec<Pending>,
    /// Parts of a batch that failed, to be done after `commands`. The last element is done first.
    pub(super) later: Vec<Vec<Pending>>,
    /// Commands that this transaction could not decide; they go back to the front of the queue.
    pub(super) back: Vec<Pending>,
    /// Whether another transaction holds the event's row.
    pub(super) contended: bool,
    /// Whether the event's state takes long to read, so a side lane must load it.
    pub(super) to_be_loaded: bool,
    queues: Arc<Queues>,
}

impl Held {
    /// Undoes in the state what was decided since the last commit.
    pub(super) fn undo(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        if out(Protection::Undo) {
            return;
        }
        if let Some(known) = &mut self.known {
            known.seats.undo(&changes);
        }
    }

    /// Gives up the commands that have waited longer than `WAIT_MAX`.
    pub(super) fn give_up_late(&mut self) {
        let (late, young) = std::mem::take(&mut self.commands).into_iter().partition(Pending::is_late);
        self.commands = young;
        Vec::into_iter(late).for_each(Pending::give_up);
    }

    /// Drops a state that may be wrong; the next lane that takes the event loads it again.
    pub(super) fn forget(&mut self) {
        self.changes.clear();
        self.known = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whatever the undo does, the event must be released: when undoing panics, the state is dropped instead.
        if std::thread::panicking() || catch_unwind(AssertUnwindSafe(|| self.undo())).is_err() {
            self.forget();
        }
        let mut back = std::mem::take(&mut self.back);
        back.append(&mut self.commands);
        while let Some(part) = self.later.pop() {
            back.extend(part);
        }
        let queues = Arc::clone(&self.queues);
        queues.release(self, back);
    }
}

impl Queues {
    /// With `full_batches` false, a transaction has one command only: benchmarks measure by this what batching gains.
    pub(super) fn new(full_batches: bool, contended_for: Duration) -> Arc<Self> {
        let queues = Self::default();
        let mut inner = queues.lock();
        (inner.full_batches, inner.contended_for) = (full_batches, contended_for);
        drop(inner);
        Arc::new(queues)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command at the end of its event's queue.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn add(&self, pending: Pending) -> Result<(), Full> {
        let event = pending.command.event;
        self.push(event, Waiting::Command(pending))
    }

    /// Queues a turn for an event. The receiver gets the event when the turn has come.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn ask_alone(&self, event: EventId, now: Instant) -> Result<oneshot::Receiver<Held>, Full> {
        let (sender, receiver) = oneshot::channel();
        self.push(event, Waiting::Alone(sender, now))?;
        Ok(receiver)
    }

    fn push(&self, event: EventId, what: Waiting) -> Result<(), Full> {
        let mut inner = self.lock();
        if inner.waiting >= WAITING_MAX {
            return Err(Full);
        }
        inner.waiting += 1;
        inner.lines.entry(event).or_default().waiting.push_back(what);
        self.make_ready(&mut inner, event);
        Ok(())
    }

    /// Lists an event for the main or the side lanes, when its queue is not empty and no lane has it.
    fn make_ready(&self, inner: &mut Inner, event: EventId) {
        let Inner { lines, main, side, contended, contended_for, .. } = inner;
        let Some(line) = lines.get_mut(&event).filter(|line| !line.taken) else { return };
        let Some(first) = line.waiting.front() else {
            lines.remove(&event);
            return;
        };
        line.taken = !out(Protection::OneTransaction);
        if contended.get(&event).is_some_and(|since| since.elapsed() > *contended_for) {
            contended.remove(&event);
        }
        let alone = matches!(first, Waiting::Alone(..));
        if alone || std::mem::take(&mut line.to_be_loaded) || contended.contains_key(&event) {
            side.push_back(event);
            self.side.notify_one();
        } else {
            main.push_back(event);
            self.main.notify_one();
        }
    }

    /// Takes commands of several events, for one transaction.
    pub(super) fn take_main(self: &Arc<Self>) -> Vec<Held> {
        let mut inner = self.lock();
        let batch_max = if inner.full_batches { BATCH_MAX } else { 1 };
        let share = (batch_max / inner.main.len().max(1)).max(SHARE_MIN).min(batch_max);
        let mut taken = Vec::new();
        let mut left = batch_max;
        while left > 0 {
            let Some(event) = inner.main.pop_front() else { break };
            let held = self.take(&mut inner, event, share.min(left));
            left -= held.commands.len();
            taken.push(held);
        }
        if !inner.main.is_empty() {
            self.main.notify_one(); // for another lane
        }
        taken
    }

    /// Takes one event with its commands. `None` when no event is ready, or when the event was handed to a waiting turn.
    pub(super) fn take_side(self: &Arc<Self>) -> Option<Held> {
        let mut inner = self.lock();
        let event = inner.side.pop_front()?;
        if !inner.side.is_empty() {
            self.side.notify_one();
        }
        if matches!(inner.lines.get(&event).and_then(|line| line.waiting.front()), Some(Waiting::Alone(..))) {
            let held = self.take(&mut inner, event, 0);
            let front = inner.lines.get_mut(&event).and_then(|line| line.waiting.pop_front());
            inner.waiting -= 1;
            drop(inner);
            if let Some(Waiting::Alone(sender, _)) = front {
                drop(sender.send(held)); // if the turn gave up, this drops `held` and so releases the event
            }
            return None;
        }
        let batch_max = if inner.full_batches { BATCH_MAX } else { 1 };
        Some(self.take(&mut inner, event, batch_max))
    }

    fn take(self: &Arc<Self>, inner: &mut Inner, event: EventId, commands_max: usize) -> Held {
        let mut commands = Vec::new();
        if let Some(line) = inner.lines.get_mut(&event) {
            while commands.len() < commands_max
                && matches!(line.waiting.front(), Some(Waiting::Command(_)))
                && let Some(Waiting::Command(pending)) = line.waiting.pop_front()
            {
                inner.waiting -= 1;
                // commands that were put back several times because of a locked row expire here, too
                if pending.is_late() { pending.give_up() } else { commands.push(pending) }
            }
        }
        Held {
            event,
            known: inner.states.take(event),
            changes: Vec::new(),
            commands,
            later: Vec::new(),
            back: Vec::new(),
            contended: false,
            to_be_loaded: false,
            queues: Arc::clone(self),
        }
    }

    /// Releases an event; commands that were not done go back to the front of its queue.
    fn release(&self, held: &mut Held, back: Vec<Pending>) {
        let event = held.event;
        let mut inner = self.lock();
        if let Some(known) = held.known.take() {
            inner.states.put(event, known);
        }
        if held.contended {
            inner.contended.insert(event, Instant::now());
        }
        inner.waiting += back.len();
        let line = inner.lines.entry(event).or_default();
        (line.taken, line.to_be_loaded) = (false, held.to_be_loaded);
        if out(Protection::FrontAgain) {
            line.waiting.extend(back.into_iter().map(Waiting::Command));
        } else {
            back.into_iter().rev().for_each(|pending| line.waiting.push_front(Waiting::Command(pending)));
        }
        self.make_ready(&mut inner, event);
    }

    /// Gives up every command and turn that has waited longer than `WAIT_MAX`.
    pub(super) fn sweep(&self) {
        let mut late = Vec::new();
        let mut inner = self.lock();
        for line in inner.lines.values_mut() {
            let (old, young): (VecDeque<Waiting>, VecDeque<Waiting>) =
                std::mem::take(&mut line.waiting).into_iter().partition(|waiting| match waiting {
                    Waiting::Command(pending) => pending.is_late(),
                    Waiting::Alone(_, since) => since.elapsed() > WAIT_MAX,
                });
            line.waiting = young;
            late.push(old);
        }
        inner.waiting -= late.iter().map(VecDeque::len).sum::<usize>();
        inner.lines.retain(|_, line| line.taken || !line.waiting.is_empty());
        let contended_for = inner.contended_for;
        inner.contended.retain(|_, since| since.elapsed() <= contended_for);
        drop(inner);
        for waiting in late.into_iter().flatten() {
            if let Waiting::Command(pending) = waiting {
                pending.give_up();
            }
        }
    }

    /// A copy of an event's state in memory. `None` while a lane has it.
    #[cfg(test)]
    pub(super) fn known(&self, event: EventId) -> Option<Known> {
        self.lock().states.look(event).cloned()
    }

    /// Corrupts an event's state in memory, to test that the writer notices. False while a lane has it.
    #[cfg(test)]
    pub(super) fn misremember(&self, event: EventId, change: impl FnOnce(&mut Known) -> bool) -> bool {
        let mut inner = self.lock();
        let Some(mut known) = inner.states.take(event) else { return false };
        let changed = change(&mut known);
        inner.states.put(event, known);
        changed
    }

    /// Whether all queues are empty and no lane has an event.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().lines.is_empty()
    }
}
