//! A fault in the screens: a panic stops all of them for good, so the person is told, and can load the window again.

use std::pin::pin;
use std::task::{Context, Waker};

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlDialogElement};

use crate::api;

/// From now on a panic is written into the app's log and shown to the person.
pub(crate) fn watch() {
    yew::set_custom_panic_hook(Box::new(|panic| {
        // the message leaves with the first poll; there is no second one, because the executor may be what broke
        let told = pin!(api::broke_down(panic.to_string()));
        let _ = told.poll(&mut Context::from_waker(Waker::noop()));
        let _ = show(&gloo::utils::document()); // a page without a body shows nothing
    }));
}

/// The dialog lies over the open ones.
fn show(document: &Document) -> Option<()> {
    const SHOWN: &str = "breakdown";
    if document.get_element_by_id(SHOWN).is_some() {
        return None;
    }
    let dialog: HtmlDialogElement = document.create_element("dialog").ok()?.dyn_into().ok()?;
    dialog.set_id(SHOWN);
    dialog.set_class_name("dialog");
    dialog.set_attribute("role", "alertdialog").ok()?;
    dialog.set_attribute("aria-labelledby", "breakdown-title").ok()?;
    let add = |parent: &Element, tag: &str, class: &str, text: &str| {
        let element = document.create_element(tag).ok()?;
        element.set_class_name(class);
        element.set_text_content(Some(text));
        parent.append_child(&element).ok()?;
        Some(element)
    };
    let head = add(&dialog, "header", "dialog-head", "")?;
    add(&head, "h2", "", "This window has stopped working")?.set_id("breakdown-title");
    let body = add(&dialog, "div", "dialog-body", "")?;
    let words = "The fault is in the app, and it is noted in the log. If you have just booked or changed something, look \
        whether it was done before you do it again.";
    add(&body, "p", "", words)?;
    let foot = add(&dialog, "footer", "dialog-foot", "")?;
    let again = add(&foot, "a", "button primary", "Load the window again")?;
    // an address without a fragment loads the page, also from one of its screens
    again.set_attribute("href", "./").ok()?;
    document.body()?.append_child(&dialog).ok()?;
    dialog.show_modal().ok()
}
