//! Whether the screen that asked for something is still there when the answer comes.

use std::cell::Cell;
use std::rc::Rc;

use yew::prelude::*;

/// Of one screen or dialog.
#[derive(Clone)]
pub(crate) struct Presence(Rc<Cell<bool>>);

impl Presence {
    /// The person has not left it. One who has is not led to another screen, and hears of a failure in another way.
    pub(crate) fn lasts(&self) -> bool {
        self.0.get()
    }
}

/// The presence of the component that asks for it.
#[hook]
pub(crate) fn use_presence() -> Presence {
    let here = use_memo((), |()| Presence(Rc::new(Cell::new(true))));
    {
        let here = here.clone();
        use_effect_with((), move |()| move || here.0.set(false));
    }
    (*here).clone()
}
