//! Where the keyboard goes.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, FocusOptions, HtmlElement, MutationObserver, MutationObserverInit};
use yew::prelude::*;

/// Puts the focus on the first element of a selector, which is answered; `None` when the page has none.
pub(crate) fn focus(selector: &str) -> Option<HtmlElement> {
    let element = gloo::utils::document().query_selector(selector).ok().flatten()?;
    let element = element.dyn_into::<HtmlElement>().ok()?;
    drop(element.focus()); // it is on the page
    Some(element)
}

/// Nothing that is on the page has it.
pub(crate) fn is_lost() -> bool {
    gloo::utils::document().active_element().is_none_or(|element| element.tag_name() == "BODY")
}

/// Takes the focus to the first element of `selector` whenever what had it has gone from the page, as a row does with the button
/// that ended it: who types or listens goes on from there, and not from the top of the window.
#[hook]
pub(crate) fn use_kept_focus(selector: &'static str) {
    use_effect_with((), move |()| {
        let document = gloo::utils::document();
        let last = Rc::new(RefCell::new(None::<Element>));
        let listener = {
            let last = Rc::clone(&last);
            EventListener::new(&document, "focusin", move |event| {
                *last.borrow_mut() = event.target().and_then(|target| target.dyn_into().ok());
            })
        };
        // runs when all changes of a moment are done: what moved the focus on purpose has moved it
        let on_change = Closure::<dyn FnMut()>::new(move || {
            let gone = last.borrow().as_ref().is_some_and(|last| !last.is_connected());
            if gone && is_lost() {
                last.borrow_mut().take();
                keep(selector);
            }
        });
        let observer = MutationObserver::new(on_change.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Some(body)) = (&observer, document.body()) {
            let what = MutationObserverInit::new();
            what.set_child_list(true);
            what.set_subtree(true);
            drop(observer.observe_with_options(&body, &what)); // refuses only options that name nothing
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop((listener, on_change));
        }
    });
}

/// Without scrolling: the place where the row was stays in sight.
fn keep(selector: &str) {
    let element = gloo::utils::document().query_selector(selector).ok().flatten();
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        drop(element.focus_with_options(&options)); // it is on the page
    }
}
