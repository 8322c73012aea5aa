//! Short messages to the person: what was just done, or went wrong after its screen was left.

use std::cell::{Cell, RefCell};

use yew::prelude::*;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Done,
    Wrong,
}

thread_local! {
    static LISTENER: RefCell<Option<Callback<(String, Tone)>>> = const { RefCell::new(None) };
    static PEOPLE: Cell<u32> = const { Cell::new(0) };
}

/// The person who is here, among all who were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hearer(u32);

/// Who hears a message now.
pub(crate) fn hearer() -> Hearer {
    Hearer(PEOPLE.get())
}

/// Says what was just done.
pub(crate) fn tell(text: String) {
    say(text, Tone::Done);
}

/// As [`warn`], unless another person is here now.
pub(crate) fn warn_only(hearer: Hearer, text: String) {
    if hearer == self::hearer() {
        warn(text);
    }
}

/// Says what went wrong after its screen was left.
pub(crate) fn warn(text: String) {
    say(text, Tone::Wrong);
}

/// Without a person who is signed in there is no screen to show it on, and it is dropped.
fn say(text: String, tone: Tone) {
    if let Some(listener) = LISTENER.with_borrow(Clone::clone) {
        listener.emit((text, tone));
    }
}

/// The last message, with a number of its own, and how to take it away.
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
