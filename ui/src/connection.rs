//! Whether the server can be reached, and how old what is shown is, as the answers tell.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::rc::Rc;

use chrono::{DateTime, Utc};
use yew::prelude::*;

/// From when an answer is that was kept; `None` for the server's own.
pub(crate) type AsOf = Option<DateTime<Utc>>;

/// What the screens show is not what the server says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Old {
    /// From when the oldest of it is.
    pub(crate) since: DateTime<Utc>,
    /// The server could not be reached last; otherwise only some of it could not be read again.
    pub(crate) offline: bool,
}

#[derive(Default)]
struct Known {
    /// The last answer of all was a kept one.
    offline: AsOf,
    /// What is on the screen and was kept, by who reads it.
    shown: BTreeMap<u32, DateTime<Utc>>,
    told: Option<Old>,
    listener: Option<Callback<Option<Old>>>,
}

impl Known {
    /// The oldest of what is shown counts; what was read for no screen, only while nothing else is old.
    fn old(&self) -> Option<Old> {
        let since = self.shown.values().copied().min().or(self.offline)?;
        Some(Old { since, offline: self.offline.is_some() })
    }
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
    /// The age of the read that runs just now.
    static READING: RefCell<Option<Rc<Cell<AsOf>>>> = const { RefCell::new(None) };
}

fn change(what: impl FnOnce(&mut Known)) {
    let news = KNOWN.with_borrow_mut(|known| {
        what(known);
        let old = known.old();
        let changed = std::mem::replace(&mut known.told, old) != old;
        known.listener.clone().filter(|_| changed).map(|listener| (listener, old))
    });
    if let Some((listener, old)) = news {
        listener.emit(old);
    }
}

/// An answer came: as it is now, or as it was known then.
pub(crate) fn note(as_of: AsOf) {
    READING.with_borrow(|reading| {
        if let (Some(reading), Some(at)) = (reading, as_of) {
            reading.set(Some(reading.get().map_or(at, |other| other.min(at))));
        }
    });
    change(|known| known.offline = as_of);
}

/// Tells what a read gave, and how old the oldest of its answers is.
pub(crate) async fn with_age<T>(read: impl Future<Output = T>) -> (T, AsOf) {
    let age = Rc::new(Cell::new(None));
    let mut read = std::pin::pin!(read);
    let value = poll_fn(|context| {
        // reads take turns: whatever is noted while this one runs is of it
        let outer = READING.replace(Some(Rc::clone(&age)));
        let polled = read.as_mut().poll(context);
        READING.set(outer);
        polled
    })
    .await;
    (value, age.get())
}

/// What is on the screen, as long as this is.
pub(crate) struct Shown(u32);

impl Shown {
    pub(crate) fn new() -> Self {
        thread_local! {
            static COUNT: Cell<u32> = const { Cell::new(0) };
        }
        Self(COUNT.replace(COUNT.get() + 1))
    }

    /// It is from then now.
    pub(crate) fn set(&self, as_of: AsOf) {
        change(|known| {
            match as_of {
                Some(at) => known.shown.insert(self.0, at),
                None => known.shown.remove(&self.0),
            };
        });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.set(None);
    }
}

/// How old what the screens show is; `None` while all of it is what the server says.
#[hook]
pub(crate) fn use_old() -> Option<Old> {
    let old = use_state(|| KNOWN.with_borrow(|known| known.told));
    {
        let old = old.clone();
        use_effect_with((), move |()| {
            let listener = Callback::from(move |now| old.set(now));
            change(|known| known.listener = Some(listener));
            || change(|known| known.listener = None)
        });
    }
    *old
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> AsOf {
        DateTime::from_timestamp(second, 0)
    }

    #[test]
    fn the_oldest_of_what_is_shown_counts() {
        let told = || KNOWN.with_borrow(|known| known.told);
        let old = |second, offline| at(second).map(|since| Old { since, offline });
        let (screen, bell) = (Shown::new(), Shown::new());
        note(at(70));
        assert_eq!(told(), old(70, true));
        bell.set(at(80));
        assert_eq!(told(), old(80, true), "what is on no screen does not count");
        screen.set(at(10));
        assert_eq!(told(), old(10, true));
        drop(screen);
        assert_eq!(told(), old(80, true));
        note(None);
        assert_eq!(told(), old(80, false), "the server answers again, but what is shown is as it was");
        bell.set(None);
        assert_eq!(told(), None);
    }

    #[test]
    fn a_read_is_as_old_as_its_oldest_answer() {
        let read = with_age(async {
            note(at(50));
            note(at(20));
            note(at(70));
        });
        assert_eq!(ready(read), Some(((), at(20))));
        note(at(5));
        assert_eq!(ready(with_age(async {})), Some(((), None)), "what was noted outside is not of it");
    }

    /// What it gives at once; `None` for one that waits.
    fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
