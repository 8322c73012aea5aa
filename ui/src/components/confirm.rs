//! Asks before something that cannot be undone: says what will happen, and names it on the button.

use yew::prelude::*;

use super::Dialog;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) subtitle: Html,
    /// The text of the button that confirms.
    pub(crate) label: AttrValue,
    /// The text of the button that closes the dialog and changes nothing.
    pub(crate) keep: AttrValue,
    pub(crate) busy: bool,
    /// The failure of the last try.
    #[prop_or_default]
    pub(crate) notice: Html,
    /// Whether the button is disabled, for example until a reason is given.
    #[prop_or_default]
    pub(crate) disabled: bool,
    /// The action ends nothing, so the button shows no warning.
    #[prop_or_default]
    pub(crate) harmless: bool,
    pub(crate) on_go: Callback<()>,
    pub(crate) on_close: Callback<()>,
    pub(crate) children: Html,
}

/// A dialog that asks before something that cannot be undone.
#[component]
pub(crate) fn Confirm(props: &Props) -> Html {
    let go = {
        let on_go = props.on_go.clone();
        Callback::from(move |_: MouseEvent| on_go.emit(()))
    };
    let keep = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    html! {
        <Dialog title={props.title.clone()} subtitle={props.subtitle.clone()} on_close={props.on_close.clone()} closable={!props.busy}>
            <div class="dialog-body stack">{ props.children.clone() }{ props.notice.clone() }</div>
            <footer class="dialog-foot">
                <button class="button" disabled={props.busy} onclick={keep}>{ props.keep.clone() }</button>
                <button id="confirm" class={classes!("button", if props.harmless { "primary" } else { "danger" })} disabled={props.busy || props.disabled} aria-busy={props.busy.to_string()} onclick={go}>{ props.label.clone() }</button>
            </footer>
        </Dialog>
    }
}
