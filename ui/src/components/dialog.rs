//! A dialog over a screen: the focus starts on its title, stays inside, and returns to the element that had it before;
//! Escape closes the dialog.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

use super::{OfflineBar, icon};
use crate::here::Here;
use crate::layers::{self, LAYER};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) subtitle: Html,
    /// The class `large` makes the dialog fill the window.
    #[prop_or_default]
    pub(crate) class: Classes,
    pub(crate) on_close: Callback<()>,
    /// Whether the person can close the dialog without an answer.
    #[prop_or(true)]
    pub(crate) closable: bool,
    pub(crate) children: Html,
}

/// A unique id for a dialog's title, since one dialog can lie over another.
fn new_name() -> AttrValue {
    thread_local! {
        static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get() + 1);
    AttrValue::from(format!("dialog-title-{count}"))
}

/// A dialog over a screen.
#[component]
pub(crate) fn Dialog(props: &Props) -> Html {
    let node = use_node_ref();
    let name = use_state(new_name);
    let inside = use_context::<Here>().is_some(); // without a person who is signed in, the dialog shows no offline bar
    {
        let node = node.clone();
        use_effect_with((), move |()| {
            let opener = web_sys::window()
                .and_then(|window| window.document())
                .and_then(|document| document.active_element())
                .and_then(|element| element.dyn_into::<HtmlElement>().ok());
            let dialog = node.cast::<HtmlDialogElement>();
            if let Some(dialog) = dialog.as_ref().filter(|dialog| !dialog.open()) {
                drop(dialog.show_modal());
            }
            let layer = dialog.as_ref().and_then(|dialog| dialog.query_selector(&format!(".{LAYER}")).ok().flatten());
            let layer = layer.map(layers::put_on_top);
            move || {
                drop(layer);
                // the dialog must be closed first, since nothing behind an open one can take the focus
                if let Some(dialog) = dialog {
                    dialog.close();
                }
                if let Some(opener) = opener {
                    drop(opener.focus());
                }
            }
        });
    }
    let on_cancel = {
        let (on_close, closable) = (props.on_close.clone(), props.closable);
        Callback::from(move |event: Event| {
            event.prevent_default();
            if closable {
                on_close.emit(());
            }
        })
    };
    let on_click = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    html! {
        <dialog ref={node} class={classes!("dialog", props.class.clone())} aria-labelledby={(*name).clone()} oncancel={on_cancel}>
            <header class="dialog-head">
                <div>
                    <h2 id={(*name).clone()} tabindex="-1" autofocus=true>{ props.title.clone() }</h2>
                    <p class="small muted">{ props.subtitle.clone() }</p>
                </div>
                if props.closable { <button class="button quiet square" aria-label="Close" onclick={on_click}>{ icon("close") }</button> }
            </header>
            if inside { <OfflineBar /> }
            { props.children.clone() }
            <div class={LAYER} aria-live="polite"></div>
        </dialog>
    }
}
