//! What lies over what: the window, and dialogs over it. While a dialog is open, nothing behind it can be reached or is read
//! out, so what the app says is said in the topmost one.

use std::cell::RefCell;

use web_sys::Element;
use yew::prelude::*;

/// The class of an element that holds what is said.
pub(crate) const LAYER: &str = "toasts";

#[derive(Default)]
struct Layers {
    open: Vec<TopLayer>,
    count: u32,
    listener: Option<Callback<Option<TopLayer>>>,
}

/// Where a dialog says things.
#[derive(Clone, PartialEq)]
pub(crate) struct TopLayer {
    pub(crate) element: Element,
    /// No other layer has or had it.
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

/// A dialog's, as long as this is.
pub(crate) struct Layer(u32);

/// A dialog is open over everything else.
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

/// Where the topmost dialog says things; `None` while there is no dialog.
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
