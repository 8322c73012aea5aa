//! Where the keyboard goes.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{FocusOptions, HtmlElement, MutationObserver, MutationObserverInit, Node};
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

/// Keeps the focus when what had it goes from the page, as a row does with the button that ended it: who types or listens goes
/// on in the dialog or on the screen, and not from the top of the window. What only moved has it again.
#[hook]
pub(crate) fn use_kept_focus() {
    use_effect_with((), move |()| {
        let document = gloo::utils::document();
        let last = Rc::new(RefCell::new(None::<HtmlElement>));
        let came = {
            let last = Rc::clone(&last);
            EventListener::new(&document, "focusin", move |event| *last.borrow_mut() = target(event))
        };
        let left = {
            let last = Rc::clone(&last);
            EventListener::new(&document, "focusout", move |event| {
                let here = gloo::utils::document().has_focus().unwrap_or(true);
                let to = event.dyn_ref::<FocusEvent>().and_then(FocusEvent::related_target);
                let stays =
                    |element: HtmlElement| element.is_connected() && !element.matches(":disabled").unwrap_or(false);
                // the person clicked where nothing is; neither the window nor the element went
                if here && to.is_none() && target(event).is_some_and(stays) {
                    last.borrow_mut().take();
                }
            })
        };
        // runs when all changes of a moment are done: what moved the focus on purpose has moved it
        let on_change = Closure::<dyn FnMut()>::new(move || {
            if !is_lost() {
                return;
            }
            let had = last.borrow_mut().take();
            let Some(had) = had else { return };
            if had.is_connected() {
                keep(Some(&had));
                // one that cannot have it now may have it later
                if is_lost() {
                    last.borrow_mut().replace(had);
                }
            } else {
                keep(place().as_ref());
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
            drop((came, left, on_change));
        }
    });
}

fn target(event: &Event) -> Option<HtmlElement> {
    event.target().and_then(|target| target.dyn_into().ok())
}

/// The title of the topmost dialog, as those come last in the page; else the screen.
fn place() -> Option<HtmlElement> {
    let document = gloo::utils::document();
    let titles = document.query_selector_all("dialog[open] h2[tabindex]").ok()?;
    let title = titles.length().checked_sub(1).and_then(|last| titles.get(last));
    let screen = || document.query_selector("main[tabindex]").ok().flatten().map(Node::from);
    title.or_else(screen)?.dyn_into().ok()
}

/// Without scrolling: the place where the row was stays in sight.
fn keep(element: Option<&HtmlElement>) {
    if let Some(element) = element {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        drop(element.focus_with_options(&options)); // it is on the page
    }
}
