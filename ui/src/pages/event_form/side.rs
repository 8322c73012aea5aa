//! The parts beside the form: what saving will do, and who owns the event.

use happening_api::{Event, UserId};
use yew::prelude::*;

use crate::api::endpoint;
use crate::components::Field;
use crate::features::event_draft::{self, Draft};
use crate::format::{self, BrowserZones};
use crate::here::use_here;
use crate::store;

#[derive(Properties, PartialEq)]
pub(super) struct WhenSavedProps {
    pub(super) event: Event,
    pub(super) draft: Draft,
}

/// What saving will do.
#[component]
pub(super) fn WhenSaved(props: &WhenSavedProps) -> Html {
    let lines = match props.draft.changes(&props.event, &BrowserZones) {
        Some(changes) => event_draft::effects(&props.event, &changes),
        None => vec!["Nothing can be saved until the fields are corrected.".to_owned()],
    };
    html! {
        <>
            <section class="card pad stack small soft" aria-live="polite"><h2 class="h3">{ "When you save" }</h2>{ for lines.into_iter().map(|line| html! { <p>{ line }</p> }) }</section>
            <p class="small muted">{ format!("Last saved {}. If someone else saves first, you see both versions before anything is replaced.", format::moment(props.event.updated_at)) }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct HandOverProps {
    pub(super) event: Event,
    pub(super) owner: Option<UserId>,
    pub(super) on_owner: Callback<Option<UserId>>,
}

/// Lets admins hand the event over to another organizer.
#[component]
pub(super) fn HandOver(props: &HandOverProps) -> Html {
    let here = use_here();
    let org = props.event.org_id;
    let admin = here.role(org) == Some(happening_api::Role::OrgAdmin);
    let members = store::use_read_if(admin.then_some(endpoint::Members { org_id: org }));
    if !admin {
        return Html::default();
    }
    let staff: Vec<_> = members
        .value
        .iter()
        .flat_map(|all| all.iter())
        .filter(|one| one.role != happening_api::Role::User)
        .cloned()
        .collect();
    let ahead = props.event.status == happening_api::EventStatus::Upcoming;
    let current = props.owner.unwrap_or(props.event.owner_id);
    let on_change = {
        let on_owner = props.on_owner.clone();
        Callback::from(move |event: yew::Event| {
            on_owner.emit(
                event.target_dyn_into::<web_sys::HtmlSelectElement>().and_then(|select| select.value().parse().ok()),
            );
        })
    };
    html! {
        <section class="card pad stack">
            <Field id="owner" label="Organizer" hint={if ahead { "Hand the event over to another organizer or admin" } else { "An event that has begun stays with its organizer" }}>
                <select id="owner" class="input" disabled={!ahead} onchange={on_change}>
                    { for staff.iter().map(|one| html! { <option value={one.user_id.to_string()} selected={one.user_id == current}>{ &one.name }</option> }) }
                    if !staff.iter().any(|one| one.user_id == current) { <option value={current.to_string()} selected=true>{ if members.value.is_some() { "A former member" } else { "" } }</option> }
                </select>
            </Field>
        </section>
    }
}
