//! Where the keyboard goes.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

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
