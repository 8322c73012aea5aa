//! Compares two versions of an event, when another person saved it first.

use happening_api::Event;
use yew::prelude::*;

use crate::features::event_draft::{self, Draft};
use crate::format::BrowserZones;
use crate::write::Write;

pub(super) type Base = UseStateHandle<Option<Event>>;

/// Continues from the version that the other person saved, with this person's fields: saving then changes the fields
/// that differ.
pub(super) fn keep_mine(base: &Base, write: &Write) -> Callback<Event> {
    let (base, write) = (base.clone(), write.clone());
    Callback::from(move |theirs: Event| {
        base.set(Some(theirs));
        write.clear();
    })
}

pub(super) fn take_theirs(base: &Base, draft: &UseStateHandle<Draft>, write: &Write) -> Callback<Event> {
    let (base, draft, write) = (base.clone(), draft.clone(), write.clone());
    Callback::from(move |theirs: Event| {
        draft.set(Draft::of(&theirs, &BrowserZones));
        base.set(Some(theirs));
        write.clear();
    })
}

#[derive(Properties, PartialEq)]
pub(super) struct CompareProps {
    pub(super) mine: Draft,
    pub(super) theirs: Event,
    pub(super) on_mine: Callback<Event>,
    pub(super) on_theirs: Callback<Event>,
}

/// Shows both versions, and lets the person choose one to continue with.
#[component]
pub(super) fn Compare(props: &CompareProps) -> Html {
    let theirs = Draft::of(&props.theirs, &BrowserZones);
    let rows = event_draft::differences(&props.mine, &theirs);
    let choose = |callback: &Callback<Event>| {
        let (callback, event) = (callback.clone(), props.theirs.clone());
        Callback::from(move |_: MouseEvent| callback.emit(event.clone()))
    };
    html! {
        <section class="card" role="alert">
            <header class="card-head"><h2>{ "This event was changed while you were editing" }</h2></header>
            <p class="card-part soft">{ "Compare both versions, then save again. Nothing was replaced." }</p>
            <table class="compare">
                <thead><tr><th scope="col">{ "Field" }</th><th scope="col">{ "Yours" }</th><th scope="col">{ "Saved meanwhile" }</th></tr></thead>
                <tbody>{ for rows.into_iter().map(|(field, mine, theirs)| html! { <tr><th scope="row">{ field }</th><td>{ mine }</td><td>{ theirs }</td></tr> }) }</tbody>
            </table>
            <footer class="card-part row">
                <button id="keep-mine" type="button" class="button primary" onclick={choose(&props.on_mine)}>{ "Go on with mine" }</button>
                <button id="take-theirs" type="button" class="button" onclick={choose(&props.on_theirs)}>{ "Take the saved one" }</button>
            </footer>
        </section>
    }
}
