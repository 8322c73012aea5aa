//! Layers: the window, and dialogs over it. While a dialog is open, nothing behind it can be reached or is read out, so
//! the app shows its messages in the topmost dialog.

use std::cell::RefCell;

use web_sys::Element;
use yew::prelude::*;

/// The class of an element in which messages are shown.
pub(crate) const LAYER: &str = "toasts";

#[derive(Default)]
struct Layers {
    open: Vec<TopLayer>,
    count: u32,
    listener: Option<Callback<Option<TopLayer>>>,
}

/// A dialog's element for messages.
#[derive(Clone, PartialEq)]
pub(crate) struct TopLayer {
    pub(crate) element: Element,
    /// A number that no other layer has or had.
    pub(crate) number: u32,
}

thread_local! {
    static LAYERS: RefCell<Layers> = RefCell::default();
}

fn change(what: impl FnOnce(&mut Layers)) {
    let (listener, top) = LAYERS.with_borrow_mut(|layers| {
        what(layers);
        (layers.listener.clone(), layers.open.last().cloned())
    });
    if let Some(listener) = listener {
        listener.emit(top);
    }
}

/// Keeps a dialog registered as a layer until it is dropped.
pub(crate) struct Layer(u32);

/// Registers a dialog that was opened over everything else.
pub(crate) fn put_on_top(element: Element) -> Layer {
    let mut number = 0;
    change(|layers| {
        layers.count += 1;
        number = layers.count;
        layers.open.push(TopLayer { element, number });
    });
    Layer(number)
}

impl Drop for Layer {
    fn drop(&mut self) {
        change(|layers| layers.open.retain(|one| one.number != self.0));
    }
}

/// The topmost dialog's element for messages; `None` while there is no dialog.
#[hook]
pub(crate) fn use_top_layer() -> Option<TopLayer> {
    let top = use_state(|| None);
    {
        let top = top.clone();
        use_effect_with((), move |()| {
            let listener = Callback::from(move |layer| top.set(layer));
            change(|layers| layers.listener = Some(listener));
            || LAYERS.with_borrow_mut(|layers| layers.listener = None)
        });
    }
    (*top).clone()
}
