//! Whether the screen that started a request is still open when the answer comes.

use std::cell::Cell;
use std::rc::Rc;

use yew::prelude::*;

/// The presence of a person on one screen or dialog.
#[derive(Clone)]
pub(crate) struct Presence(Rc<Cell<bool>>);

impl Presence {
    /// Whether the screen is still open. A person who has left it is not led to another screen, and sees a failure as a
    /// short message instead.
    pub(crate) fn lasts(&self) -> bool {
        self.0.get()
    }
}

/// The presence of a person on the component that uses this hook.
#[hook]
pub(crate) fn use_presence() -> Presence {
    let here = use_memo((), |()| Presence(Rc::new(Cell::new(true))));
    {
        let here = here.clone();
        use_effect_with((), move |()| move || here.0.set(false));
    }
    (*here).clone()
}
