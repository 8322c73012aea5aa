//! The size of a canvas, and the page's theme and resolution.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, MutationObserver, MutationObserverInit};
use yew::prelude::*;

use crate::appearance;

/// The size of an element in CSS pixels; it follows changes.
#[hook]
pub(super) fn use_size(node: NodeRef) -> (f32, f32) {
    let size = use_state(|| (0.0, 0.0));
    {
        let size = size.clone();
        use_effect_with((), move |()| {
            let element = node.cast::<HtmlCanvasElement>();
            let measure = {
                let (element, size) = (element.clone(), size);
                move || {
                    if let Some(element) = &element {
                        size.set((element.client_width() as f32, element.client_height() as f32));
                    }
                }
            };
            measure();
            let on_resize = Closure::<dyn FnMut()>::new(measure);
            let observer = web_sys::ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(on_resize);
            }
        });
    }
    *size
}

/// A number that changes whenever the same hall must be drawn in another way: with another theme, or with another
/// resolution.
#[hook]
pub(super) fn use_appearance_version() -> u32 {
    use_theme_changes() + use_ratio_changes()
}

/// Counts changes of the number of pixels per CSS pixel, for example when the window moves to another monitor.
#[hook]
fn use_ratio_changes() -> u32 {
    let changes = use_state(|| 0u32);
    {
        let changes = changes.clone();
        // a media query tests for one ratio, so each change of the ratio needs a new query
        use_effect_with(*changes, move |_| {
            let window = gloo::utils::window();
            let same = format!("(resolution: {}dppx)", window.device_pixel_ratio());
            let query = window.match_media(&same).ok().flatten();
            let changed = move |_: &_| changes.set(*changes + 1);
            let listener = query.map(|query| gloo::events::EventListener::new(&query, "change", changed));
            move || drop(listener)
        });
    }
    *changes
}

/// Counts changes between light and dark, because a canvas does not follow the style sheet by itself.
#[hook]
fn use_theme_changes() -> u32 {
    let changes = use_state(|| 0u32);
    {
        let changes = changes.clone();
        use_effect_with((), move |()| {
            let count = Rc::new(counter(changes));
            let query = gloo::utils::window().match_media("(prefers-color-scheme: dark)").ok().flatten();
            let system = {
                let count = Rc::clone(&count);
                query.map(|query| gloo::events::EventListener::new(&query, "change", move |_| count()))
            };
            // the theme was chosen in this window or in another one
            let on_choice = Closure::<dyn FnMut()>::new(move || count());
            let observer = MutationObserver::new(on_choice.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(root)) = (&observer, gloo::utils::document().document_element()) {
                let what = MutationObserverInit::new();
                what.set_attribute_filter(&js_sys::Array::of1(&appearance::ATTRIBUTE.into()));
                drop(observer.observe_with_options(&root, &what)); // fails only for options that observe nothing
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop((system, on_choice));
            }
        });
    }
    *changes
}

fn counter(changes: UseStateHandle<u32>) -> impl Fn() {
    let count = std::cell::Cell::new(0u32);
    move || {
        count.set(count.get() + 1);
        changes.set(count.get());
    }
}
