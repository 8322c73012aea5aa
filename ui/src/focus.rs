//! The keyboard's focus.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{FocusOptions, HtmlElement, MutationObserver, MutationObserverInit, Node};
use yew::prelude::*;

/// Focuses and returns the first element that matches a selector; `None` when the page has none.
pub(crate) fn focus(selector: &str) -> Option<HtmlElement> {
    let element = gloo::utils::document().query_selector(selector).ok().flatten()?;
    let element = element.dyn_into::<HtmlElement>().ok()?;
    drop(element.focus()); // cannot fail, since the element is on the page
    Some(element)
}

/// Whether no element of the page has the focus.
pub(crate) fn is_lost() -> bool {
    gloo::utils::document().active_element().is_none_or(|element| element.tag_name() == "BODY")
}

/// Keeps the focus when the focused element is removed from the page, such as a row whose button deleted it: the focus
/// moves to the dialog or the screen, so that a person with a keyboard or a screen reader does not start again at the
/// top of the window. An element that only moved within the page gets the focus back.
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
                // the person clicked on an empty place: the window still has the focus, and the element is still there
                if here && to.is_none() && target(event).is_some_and(stays) {
                    last.borrow_mut().take();
                }
            })
        };
        // runs after all changes of the same moment, so code that moves the focus on purpose has already moved it
        let on_change = Closure::<dyn FnMut()>::new(move || {
            if !is_lost() {
                return;
            }
            let had = last.borrow_mut().take();
            let Some(had) = had else { return };
            if had.is_connected() {
                keep(Some(&had));
                // an element that cannot take the focus now, for example because it is disabled, may take it later
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
            drop(observer.observe_with_options(&body, &what)); // fails only for options that observe nothing
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

/// The title of the topmost dialog, which comes last in the page; without a dialog, the screen.
fn place() -> Option<HtmlElement> {
    let document = gloo::utils::document();
    let titles = document.query_selector_all("dialog[open] h2[tabindex]").ok()?;
    let title = titles.length().checked_sub(1).and_then(|last| titles.get(last));
    let screen = || document.query_selector("main[tabindex]").ok().flatten().map(Node::from);
    title.or_else(screen)?.dyn_into().ok()
}

/// Focuses an element without scrolling, so that the place of the removed row stays visible.
fn keep(element: Option<&HtmlElement>) {
    if let Some(element) = element {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        drop(element.focus_with_options(&options)); // cannot fail, since the element is on the page
    }
}
