//! A labelled form field with its hint, or with what is wrong in it.

use yew::prelude::*;

use super::icon;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The id of the control inside the field.
    pub(crate) id: AttrValue,
    pub(crate) label: AttrValue,
    #[prop_or_default]
    pub(crate) optional: bool,
    #[prop_or_default]
    pub(crate) hint: AttrValue,
    #[prop_or_default]
    pub(crate) error: Option<String>,
    pub(crate) children: Html,
}

/// The field. A control with `aria-describedby="<id>-note"` has its hint or error read out.
#[component]
pub(crate) fn Field(props: &Props) -> Html {
    let note = format!("{}-note", props.id);
    html! {
        <div class={classes!("field", props.error.is_some().then_some("wrong"))}>
            <label for={props.id.clone()}>{ props.label.clone() }if props.optional { <span class="muted">{ " (optional)" }</span> }</label>
            { props.children.clone() }
            if let Some(error) = props.error.clone() {
                <p id={note} class="field-error">{ icon("alert") }{ error }</p>
            } else if !props.hint.is_empty() {
                <p id={note} class="small muted">{ props.hint.clone() }</p>
            }
        </div>
    }
}

/// The text of the field that sent an input event.
pub(crate) fn value_of(event: &InputEvent) -> String {
    let target = event.target_dyn_into::<web_sys::HtmlInputElement>().map(|input| input.value());
    target
        .or_else(|| event.target_dyn_into::<web_sys::HtmlTextAreaElement>().map(|area| area.value()))
        .unwrap_or_default()
}
