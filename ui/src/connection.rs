//! Whether the server can be reached, and how old the shown data is. Both follow from the answers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use yew::prelude::*;

/// The time of a kept answer; `None` for an answer that the server has just given.
pub(crate) type AsOf = Option<DateTime<Utc>>;

/// Says that the screens show data that may be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Old {
    /// The time of the oldest answer that is shown.
    pub(crate) since: DateTime<Utc>,
    /// Whether the last call did not reach the server. Otherwise the server answers again, but some shown data could
    /// not be read again yet.
    pub(crate) offline: bool,
}

#[derive(Default)]
struct Known {
    /// The time of the last answer if it was a kept one, whether or not a screen shows it.
    offline: AsOf,
    /// The time of the oldest answer on the screen, if that is a kept one.
    shown: AsOf,
    told: Option<Old>,
    listeners: BTreeMap<u32, Callback<Option<Old>>>,
}

impl Known {
    /// An answer that no screen shows counts only while no shown answer is a kept one.
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

/// Notes an answer: `None` if the server gave it now, else the time of the kept one.
pub(crate) fn note(as_of: AsOf) {
    change(|known| known.offline = as_of);
}

/// Notes the time of the oldest kept answer on the screen.
pub(crate) fn shown(oldest: AsOf) {
    change(|known| known.shown = oldest);
}

/// How old the shown data is; `None` while all of it is current.
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
                old.set(known.told); // the value may have changed since this component was drawn
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
    fn the_oldest_shown_answer_determines_the_age() {
        let at = |second: i64| DateTime::from_timestamp(second, 0);
        let told = || KNOWN.with_borrow(|known| known.told);
        let old = |second, offline| at(second).map(|since| Old { since, offline });
        note(at(70));
        assert_eq!(told(), old(70, true));
        shown(at(80));
        assert_eq!(told(), old(80, true), "an answer on no screen counted as shown");
        note(None);
        assert_eq!(told(), old(80, false), "the shown answer counted as current because the server answers again");
        shown(None);
        assert_eq!(told(), None);
    }
}
