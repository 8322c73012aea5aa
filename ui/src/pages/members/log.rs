//! The organization's audit log: who changed what, and when.

use happening_api::{AuditEntry, OrgId, UserId};
use yew::prelude::*;

use crate::api::endpoint;
use crate::components::{FailureNotice, skeleton};
use crate::{format, store};

#[derive(Properties, PartialEq)]
pub(super) struct LogProps {
    pub(super) org: OrgId,
}

/// The audit log; it is read only when the person opens it.
#[component]
pub(super) fn Log(props: &LogProps) -> Html {
    let open = use_state(|| false);
    let (org, shown) = (props.org, *open);
    let read = store::use_read_if(shown.then_some(endpoint::Audit { org_id: org }));
    let members = store::use_read_if(shown.then_some(endpoint::Members { org_id: org }));
    let who = |actor: Option<UserId>| match actor {
        None => "Happening itself".to_owned(),
        Some(actor) => {
            let known = members.value.iter().flat_map(|all| all.iter()).find(|one| one.user_id == actor);
            let unknown = if members.value.is_some() { "A former member" } else { "" };
            known.map_or_else(|| unknown.to_owned(), |one| one.name.clone())
        }
    };
    let toggle = {
        let open = open;
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let rows = read.value.iter().flat_map(|all| all.iter()).map(|entry: &AuditEntry| {
        let what = entry.action.replace('_', " ");
        let details = entry.details.as_object().filter(|details| !details.is_empty()).map(|details| {
            details.iter().map(|(name, value)| format!("{}: {}", name.replace('_', " "), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect::<Vec<_>>().join(", ")
        });
        html! {
            <tr key={entry.id.to_string()}><th scope="row">{ format::capitalized(&what) }</th><td>{ who(entry.actor_id) }</td><td class="muted">{ details.unwrap_or_default() }</td><td class="muted hide-narrow">{ format::moment(entry.created_at) }</td></tr>
        }
    });
    html! {
        <section class="card section near" aria-labelledby="log">
            <header class="card-head"><h2 id="log">{ "Log" }</h2><button class="button small" aria-expanded={shown.to_string()} onclick={toggle}>{ if shown { "Hide" } else { "Show who changed what" } }</button></header>
            if shown {
                if let Some(failure) = read.failure.clone() { <FailureNotice {failure} /> }
                if read.loading() { { skeleton(3) } }
                if read.value.is_some() { <table><thead><tr><th scope="col">{ "What" }</th><th scope="col">{ "Who" }</th><th scope="col">{ "Details" }</th><th scope="col" class="hide-narrow">{ "When" }</th></tr></thead><tbody>{ for rows }</tbody></table> }
            }
        </section>
    }
}
