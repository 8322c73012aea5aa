//! A number with a button on either side.

use yew::prelude::*;

use super::icon;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) label: AttrValue,
    pub(crate) value: i32,
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) on_change: Callback<i32>,
}

/// A control for choosing a small number.
#[component]
pub(crate) fn Stepper(props: &Props) -> Html {
    let to = |value: i32| {
        let on_change = props.on_change.clone();
        Callback::from(move |_: MouseEvent| on_change.emit(value))
    };
    html! {
        <div class="stepper" role="group" aria-label={props.label.clone()}>
            <button aria-label="One fewer" disabled={props.value <= props.min} onclick={to(props.value - 1)}>{ icon("minus") }</button>
            <output aria-live="polite">{ props.value }</output>
            <button aria-label="One more" disabled={props.value >= props.max} onclick={to(props.value + 1)}>{ icon("plus") }</button>
        </div>
    }
}
