//! Whether the server can be reached, and how old what is shown is, as the answers tell.

use std::cell::RefCell;
use std::collections::BTreeMap;

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
    /// From when the oldest of what is on the screen is.
    shown: AsOf,
    told: Option<Old>,
    listeners: BTreeMap<u32, Callback<Option<Old>>>,
}

impl Known {
    /// What was read for no screen counts only while nothing that is shown is old.
    fn old(&self) -> Option<Old> {
        let since = self.shown.or(self.offline)?;
        Some(Old { since, offline: self.offline.is_some() })
    }
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

fn change(what: impl FnOnce(&mut Known)) {
    let news = KNOWN.with_borrow_mut(|known| {
        what(known);
        let old = known.old();
        let changed = std::mem::replace(&mut known.told, old) != old;
        changed.then(|| (known.listeners.values().cloned().collect::<Vec<_>>(), old))
    });
    if let Some((listeners, old)) = news {
        listeners.iter().for_each(|listener| listener.emit(old));
    }
}

/// An answer came: as it is now, or as it was known then.
pub(crate) fn note(as_of: AsOf) {
    change(|known| known.offline = as_of);
}

/// The oldest of what is on the screen is from then.
pub(crate) fn shown(oldest: AsOf) {
    change(|known| known.shown = oldest);
}

/// How old what the screens show is; `None` while all of it is what the server says.
#[hook]
pub(crate) fn use_old() -> Option<Old> {
    let old = use_state(|| KNOWN.with_borrow(|known| known.told));
    {
        let old = old.clone();
        use_effect_with((), move |()| {
            let listener = {
                let old = old.clone();
                Callback::from(move |now| old.set(now))
            };
            let number = KNOWN.with_borrow_mut(|known| {
                let number = known.listeners.last_key_value().map_or(0, |(last, _)| last + 1);
                known.listeners.insert(number, listener);
                old.set(known.told); // it can have changed since this was drawn
                number
            });
            move || KNOWN.with_borrow_mut(|known| drop(known.listeners.remove(&number)))
        });
    }
    *old
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_as_old_as_its_oldest_answer() {
        let at = |second: i64| DateTime::from_timestamp(second, 0);
        let told = || KNOWN.with_borrow(|known| known.told);
        let old = |second, offline| at(second).map(|since| Old { since, offline });
        note(at(70));
        assert_eq!(told(), old(70, true));
        shown(at(80));
        assert_eq!(told(), old(80, true), "what is on no screen does not count");
        note(None);
        assert_eq!(told(), old(80, false), "the server answers again, but what is shown is as it was");
        shown(None);
        assert_eq!(told(), None);
    }
}
