//! Short messages to the person: about what was just done, or about a failure after they left its screen.

use std::cell::{Cell, RefCell};

use yew::prelude::*;

/// Whether a message reports a success or a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Done,
    Wrong,
}

thread_local! {
    static LISTENER: RefCell<Option<Callback<(String, Tone)>>> = const { RefCell::new(None) };
    static PEOPLE: Cell<u32> = const { Cell::new(0) };
}

/// Identifies the person who is signed in now, so that a message for them is not shown to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hearer(u32);

/// The person who would see a message now.
pub(crate) fn hearer() -> Hearer {
    Hearer(PEOPLE.get())
}

/// Shows a message about what was just done.
pub(crate) fn tell(text: String) {
    say(text, Tone::Done);
}

/// As [`warn`], but only if this person is still signed in.
pub(crate) fn warn_only(hearer: Hearer, text: String) {
    if hearer == self::hearer() {
        warn(text);
    }
}

/// Shows a message about a failure after the person left its screen.
pub(crate) fn warn(text: String) {
    say(text, Tone::Wrong);
}

/// Shows a message. While no person is signed in, no screen can show it, and it is dropped.
fn say(text: String, tone: Tone) {
    if let Some(listener) = LISTENER.with_borrow(Clone::clone) {
        listener.emit((text, tone));
    }
}

/// The last message with its number, and a callback that closes it.
#[hook]
pub(crate) fn use_said() -> (Option<(u32, String, Tone)>, Callback<()>) {
    let said = use_state(|| None::<(u32, String, Tone)>);
    {
        let said = said.clone();
        use_effect_with((), move |()| {
            let counter = Cell::new(0);
            let listener = Callback::from(move |(text, tone)| {
                counter.set(counter.get() + 1);
                said.set(Some((counter.get(), text, tone)));
            });
            PEOPLE.set(PEOPLE.get() + 1);
            LISTENER.replace(Some(listener));
            || drop(LISTENER.take())
        });
    }
    let close = {
        let said = said.clone();
        use_callback((), move |(), ()| said.set(None))
    };
    ((*said).clone(), close)
}
