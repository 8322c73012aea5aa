//! The state of the store: for each key the last answer, the components that show it, and the read whose answer has not
//! come. This file does no I/O: the caller starts the reads and passes their answers in.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use happening_api::ApiFailure;

use crate::connection::AsOf;

/// An answer; each key has its own type of answers.
pub(super) type Value = Rc<dyn Any>;

/// The result of a read, with the time of the answer if it is a kept one.
pub(super) type Came = (Result<Value, ApiFailure>, AsOf);

/// Most answers that are kept although no screen shows them, so that going back shows them at once.
const UNSHOWN_MAX: usize = 30;

/// Longest wait that is accepted from a server, in seconds.
const WAIT_MAX_S: u64 = 60;

/// A component that shows answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reader(pub(super) u32);

/// The number of a read; a later read has a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// The last answer and the last failure of a key.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// The last good answer.
    pub(super) value: Option<Value>,
    /// Why the last read failed.
    pub(super) failure: Option<ApiFailure>,
}

impl Known {
    /// Whether both are the same answer and the same failure.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same_value = match (&self.value, &other.value) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        same_value && self.failure == other.failure
    }
}

/// How long an answer is kept, and whether it is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// The answer is read again while a screen shows it, and kept when the last such screen is left.
    Kept,
    /// The answer is read again while a screen shows it, and forgotten when the last such screen is left.
    Shown,
    /// As [`Life::Shown`], but not read again after the first good answer.
    Once,
}

/// What the store must know of a key's answers: when two are equal, and how long they are kept. The caller reads them.
pub(super) trait How: Clone {
    /// Whether two answers of the key are equal.
    fn same(&self, one: &Value, other: &Value) -> bool;

    fn life(&self) -> Life;
}

/// The next step of a read that was started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next<H> {
    Read(H),
    /// Wait for this time, because the server asked for it.
    Wait {
        ms: u32,
    },
    /// Stop: a later read replaces this one, or no screen shows the key any more.
    Nothing,
}

struct Entry<H> {
    known: Known,
    as_of: AsOf,
    /// How to read the key.
    how: H,
    /// The first read of this entry. An answer to an earlier read was for the person who was signed in before.
    first: Turn,
    latest: Turn,
    /// Whether the answer to the latest read has not come.
    reading: bool,
    readers: BTreeSet<Reader>,
    /// The time until which the server asked to wait.
    wait_until_ms: f64,
    /// When the last screen that showed the key was left, as a number that grows.
    left: u64,
}

/// The answers of all keys.
pub(super) struct Store<H> {
    entries: BTreeMap<String, Entry<H>>,
    turns: u64,
}

impl<H: How> Store<H> {
    pub(super) const fn new() -> Self {
        Self { entries: BTreeMap::new(), turns: 0 }
    }

    fn turn(&mut self) -> Turn {
        self.turns += 1;
        Turn(self.turns)
    }

    /// A component shows a key from now on. Returns the read that the caller must start; `None` if other components'
    /// read of the key is under way.
    pub(super) fn show(&mut self, key: &str, reader: Reader, how: H) -> Option<Turn> {
        let turn = self.turn();
        let entry = self.entries.entry(key.to_owned()).or_insert_with(|| Entry {
            known: Known::default(),
            as_of: None,
            how,
            first: turn,
            latest: turn,
            reading: false,
            readers: BTreeSet::new(),
            wait_until_ms: 0.0,
            left: 0,
        });
        if entry.readers.is_empty() {
            entry.known.failure = None; // the failure is from an earlier visit
        }
        entry.readers.insert(reader);
        if entry.reading && entry.readers.len() > 1 {
            return None;
        }
        (entry.latest, entry.reading) = (turn, true);
        Some(turn)
    }

    /// A component no longer shows a key.
    pub(super) fn leave(&mut self, key: &str, reader: Reader) {
        let left = self.turn().0;
        let Some(entry) = self.entries.get_mut(key) else { return };
        if !entry.readers.remove(&reader) || !entry.readers.is_empty() {
            return;
        }
        if entry.how.life() == Life::Kept {
            entry.left = left;
            self.forget_the_oldest();
        } else {
            self.entries.remove(key);
        }
    }

    fn forget_the_oldest(&mut self) {
        let mut left: Vec<(u64, String)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.readers.is_empty())
            .map(|(key, entry)| (entry.left, key.clone()))
            .collect();
        left.sort();
        let surplus = left.len().saturating_sub(UNSHOWN_MAX);
        for (_, key) in &left[..surplus] {
            self.entries.remove(key);
        }
    }

    /// Starts a new read of every shown key. Returns the keys and the reads that the caller must start.
    pub(super) fn again(&mut self) -> Vec<(String, Turn)> {
        let is_known_for_good = |entry: &Entry<H>| entry.how.life() == Life::Once && entry.known.value.is_some();
        let shown = self.entries.iter().filter(|(_, entry)| !entry.readers.is_empty() && !is_known_for_good(entry));
        let keys: Vec<String> = shown.map(|(key, _)| key.clone()).collect();
        keys.into_iter()
            .map(|key| {
                let turn = self.turn();
                if let Some(entry) = self.entries.get_mut(&key) {
                    (entry.latest, entry.reading) = (turn, true);
                }
                (key, turn)
            })
            .collect()
    }

    /// The next step of a read. A wait that the server asked for stays as long when there is a new reason to read.
    pub(super) fn next(&self, key: &str, turn: Turn, now_ms: f64) -> Next<H> {
        match self.entries.get(key) {
            Some(entry) if entry.latest == turn && !entry.readers.is_empty() => {
                // so that a clock that was set back does not make the wait longer
                let ms = (entry.wait_until_ms - now_ms).min(1000.0 * WAIT_MAX_S as f64);
                if ms > 0.0 { Next::Wait { ms: ms.ceil() as u32 } } else { Next::Read(entry.how.clone()) }
            }
            // the read can stop here, because it has no request under way
            _ => Next::Nothing,
        }
    }

    /// Takes the answer of a read in. Returns the components that must be drawn again. When a later read has been
    /// started, which may contradict this answer, the answer counts only if there is no other one.
    pub(super) fn answered(&mut self, key: &str, turn: Turn, (result, as_of): Came, now_ms: f64) -> Vec<Reader> {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.first <= turn) else { return Vec::new() };
        let is_latest = entry.latest == turn;
        if !is_latest && entry.known.value.is_some() {
            return Vec::new();
        }
        let wait_s = match &result {
            Err(ApiFailure::Busy { retry_after_s, .. }) => Some(*retry_after_s),
            _ => None,
        };
        if let Some(wait_s) = wait_s {
            entry.wait_until_ms = now_ms + 1000.0 * wait_s.clamp(1, WAIT_MAX_S) as f64;
        }
        entry.reading &= !is_latest || wait_s.is_some(); // a read that was asked to wait is still under way
        let known = match result {
            Ok(value) => {
                entry.as_of = as_of;
                Known { value: Some(value), failure: None }
            }
            // data that the person may no longer see is removed from the screen
            Err(failure @ ApiFailure::Refused { status: 403 | 404, .. }) => {
                entry.as_of = None;
                Known { value: None, failure: Some(failure) }
            }
            Err(failure) => Known { value: entry.known.value.clone(), failure: Some(failure) },
        };
        let same = match (&entry.known.value, &known.value) {
            (Some(one), Some(other)) => entry.how.same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        if same && entry.known.failure == known.failure {
            return Vec::new(); // nothing visible has changed
        }
        entry.known = known;
        entry.readers.iter().copied().collect()
    }

    /// The answer and the failure of a key; a failure of an earlier visit is left out.
    pub(super) fn known(&self, key: &str) -> Known {
        let Some(entry) = self.entries.get(key) else { return Known::default() };
        let failure = entry.known.failure.clone().filter(|_| !entry.readers.is_empty());
        Known { value: entry.known.value.clone(), failure }
    }

    /// The time of the oldest kept answer that is shown; `None` if the server has given all shown answers.
    pub(super) fn oldest(&self) -> AsOf {
        self.entries.values().filter(|entry| !entry.readers.is_empty()).filter_map(|entry| entry.as_of).min()
    }

    /// Forgets the keys that no screen shows.
    pub(super) fn forget_unshown(&mut self) {
        self.entries.retain(|_, entry| !entry.readers.is_empty());
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use happening_api::{ErrorBody, ErrorCode};

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Numbers(Life);

    const KEPT: Numbers = Numbers(Life::Kept);

    impl How for Numbers {
        fn same(&self, one: &Value, other: &Value) -> bool {
            one.downcast_ref::<i32>() == other.downcast_ref::<i32>()
        }

        fn life(&self) -> Life {
            self.0
        }
    }

    const HERE: Reader = Reader(1);
    const THERE: Reader = Reader(2);
    const KEY: &str = "/events";

    fn good(number: i32) -> Came {
        (Ok(Rc::new(number)), None)
    }

    fn busy(retry_after_s: u64) -> Came {
        (Err(ApiFailure::Busy { retry_after_s, outcome: None }), None)
    }

    fn away() -> Came {
        (Err(ApiFailure::Offline), None)
    }

    fn shown(store: &Store<Numbers>) -> (Option<i32>, bool) {
        let known = store.known(KEY);
        (known.value.and_then(|value| value.downcast_ref().copied()), known.failure.is_some())
    }

    fn begin(store: &mut Store<Numbers>, reader: Reader) -> Turn {
        store.show(KEY, reader, KEPT).expect("it is read")
    }

    fn again(store: &mut Store<Numbers>) -> Turn {
        let started = store.again();
        assert_eq!(started.len(), 1);
        started[0].1
    }

    #[test]
    fn one_read_serves_all_components() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        assert_eq!(store.show(KEY, THERE, KEPT), None, "the key was read a second time");
        assert_eq!(store.answered(KEY, turn, good(1), 0.0), [HERE, THERE]);
        assert_eq!(shown(&store), (Some(1), false));
        let turn = again(&mut store);
        assert!(store.answered(KEY, turn, good(1), 0.0).is_empty(), "an equal answer was drawn again");
        let turn = again(&mut store);
        assert_eq!(store.answered(KEY, turn, good(2), 0.0), [HERE, THERE]);
    }

    #[test]
    fn a_revisit_shows_the_answer_but_no_old_failure() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        store.answered(KEY, turn, good(1), 0.0);
        let turn = again(&mut store);
        store.answered(KEY, turn, away(), 0.0);
        assert_eq!(shown(&store), (Some(1), true), "a failure removed the last answer");
        store.leave(KEY, HERE);
        assert_eq!(shown(&store), (Some(1), false));
        begin(&mut store, HERE);
        assert_eq!(shown(&store), (Some(1), false));
        store.leave(KEY, HERE);
        store.forget_unshown();
        assert_eq!(shown(&store), (None, false));
    }

    #[test]
    fn an_earlier_answer_does_not_replace_a_later_one() {
        let mut store = Store::new();
        let first = begin(&mut store, HERE);
        let second = again(&mut store);
        assert_eq!(store.next(KEY, first, 0.0), Next::Nothing);
        store.answered(KEY, first, good(1), 0.0);
        assert_eq!(shown(&store), (Some(1), false), "the only answer was not shown");
        let third = again(&mut store);
        assert!(store.answered(KEY, second, good(2), 0.0).is_empty());
        store.answered(KEY, third, good(3), 0.0);
        assert_eq!(shown(&store), (Some(3), false));
        store.answered(KEY, second, good(2), 0.0);
        assert_eq!(shown(&store), (Some(3), false));
    }

    #[test]
    fn rereading_does_not_shorten_a_wait() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        assert_eq!(store.next(KEY, turn, 0.0), Next::Read(KEPT));
        store.answered(KEY, turn, busy(7), 1000.0);
        assert_eq!(store.next(KEY, turn, 3000.0), Next::Wait { ms: 5000 });
        assert_eq!(store.show(KEY, THERE, KEPT), None, "the waiting read does not serve a second component");
        let later = again(&mut store);
        assert_eq!(store.next(KEY, later, 3000.0), Next::Wait { ms: 5000 });
        assert_eq!(store.next(KEY, turn, 3000.0), Next::Nothing, "a replaced read went on");
        assert_eq!(store.next(KEY, later, 8000.0), Next::Read(KEPT));
        store.leave(KEY, HERE);
        store.leave(KEY, THERE);
        assert_eq!(store.next(KEY, later, 8000.0), Next::Nothing, "a key on no screen was read");
    }

    #[test]
    fn an_answer_is_not_shown_to_the_next_person() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        store.clear();
        begin(&mut store, THERE);
        assert!(store.answered(KEY, turn, good(1), 0.0).is_empty());
        assert_eq!(shown(&store), (None, false));
    }

    #[test]
    fn the_oldest_shown_answer_counts() {
        let mut store = Store::new();
        let old = |second| (Ok(Rc::new(1) as Value), DateTime::from_timestamp(second, 0));
        for (key, reader, second) in [("a", HERE, 70), ("b", THERE, 50)] {
            let turn = store.show(key, reader, KEPT).expect("it is read");
            store.answered(key, turn, old(second), 0.0);
        }
        assert_eq!(store.oldest(), DateTime::from_timestamp(50, 0));
        store.leave("b", THERE);
        assert_eq!(store.oldest(), DateTime::from_timestamp(70, 0), "an answer on no screen counted");
        let turn = store.again()[0].1;
        store.answered("a", turn, good(1), 0.0);
        assert_eq!(store.oldest(), None);
    }

    #[test]
    fn only_the_latest_unshown_answers_are_kept() {
        let mut store = Store::new();
        for number in 0..2 * UNSHOWN_MAX {
            let key = format!("/events/{number}");
            let turn = store.show(&key, HERE, KEPT).expect("it is read");
            store.answered(&key, turn, good(1), 0.0);
            store.leave(&key, HERE);
        }
        let known = |number: usize| store.known(&format!("/events/{number}")).value.is_some();
        assert_eq!((0..2 * UNSHOWN_MAX).filter(|number| known(*number)).count(), UNSHOWN_MAX);
        assert!(known(2 * UNSHOWN_MAX - 1) && !known(0), "not the latest answers were kept");
    }
    #[test]
    fn an_answer_between_two_screens_is_shown() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        let rendered = store.known(KEY);
        store.leave(KEY, HERE);
        assert!(store.answered(KEY, turn, good(1), 0.0).is_empty(), "a component on no screen was drawn");
        let turn = begin(&mut store, THERE);
        assert!(!rendered.is(&store.known(KEY)), "a component that drew the former state was not drawn again");
        assert!(store.answered(KEY, turn, good(1), 0.0).is_empty(), "an equal answer was drawn again");
    }

    #[test]
    fn a_forbidden_or_missing_answer_is_removed() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        store.answered(KEY, turn, good(1), 0.0);
        let turn = again(&mut store);
        let body = ErrorBody {
            error: "Not found.".to_owned(),
            code: ErrorCode::NotFound,
            details: Default::default(),
            request_id: String::new(),
        };
        let gone = ApiFailure::Refused { status: 404, body: Box::new(body) };
        assert_eq!(store.answered(KEY, turn, (Err(gone), None), 0.0), [HERE]);
        assert_eq!(shown(&store), (None, true));
    }

    #[test]
    fn a_read_once_stops_after_its_answer() {
        let mut store = Store::new();
        let turn = store.show(KEY, HERE, Numbers(Life::Once)).expect("it is read");
        store.answered(KEY, turn, away(), 0.0);
        let turn = again(&mut store);
        store.answered(KEY, turn, good(1), 0.0);
        assert!(store.again().is_empty());
        store.leave(KEY, HERE);
        assert_eq!(shown(&store), (None, false));
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_a_wait() {
        let mut store = Store::new();
        let turn = begin(&mut store, HERE);
        store.answered(KEY, turn, busy(7), 1e12);
        assert_eq!(store.next(KEY, turn, 0.0), Next::Wait { ms: 60_000 });
    }
}
