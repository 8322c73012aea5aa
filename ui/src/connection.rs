//! Whether the server can be reached, as the last answers tell.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use yew::prelude::*;

thread_local! {
    static LISTENER: RefCell<Option<Callback<Option<DateTime<Utc>>>>> = const { RefCell::new(None) };
}

/// An answer came: as it is now, or as it was known then.
pub(crate) fn note(as_of: Option<DateTime<Utc>>) {
    let listener = LISTENER.with(|listener| listener.borrow().clone());
    if let Some(listener) = listener {
        listener.emit(as_of);
    }
}

/// Since when what the screens show is old; `None` while the server answers.
#[hook]
pub(crate) fn use_offline_since() -> Option<DateTime<Utc>> {
    let since = use_state(|| None::<DateTime<Utc>>);
    {
        let since = since.clone();
        let known = use_mut_ref(|| None::<DateTime<Utc>>);
        use_effect_with((), move |()| {
            let listener = Callback::from(move |as_of: Option<DateTime<Utc>>| {
                let mut known = known.borrow_mut();
                if *known != as_of {
                    *known = as_of;
                    since.set(as_of);
                }
            });
            LISTENER.with(|slot| *slot.borrow_mut() = Some(listener));
            || LISTENER.with(|slot| *slot.borrow_mut() = None)
        });
    }
    *since
}
