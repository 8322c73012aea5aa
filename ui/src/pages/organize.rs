//! Events that the person runs or administers.

use std::rc::Rc;

use happening_api::{Event, EventFilter, EventStatus, OrgId, Role};
use yew::prelude::*;
use yew_router::prelude::*;

use super::event::status_chip;
use crate::api::endpoint;
use crate::components::{Empty, FailureNotice, Leaf, head, icon, row_skeleton, without_organizations};
use crate::here::use_here;
use crate::route::Route;
use crate::store::Resource;
use crate::{format, store};

/// The list of the events that the person organizes.
#[component]
pub(crate) fn Organize() -> Html {
    let here = use_here();
    let past = use_state(|| false);
    let scope = here.scope;
    let show_past = *past;
    let administered: Vec<OrgId> =
        here.staffed().iter().filter(|one| one.role == Role::OrgAdmin).map(|one| one.id).collect();
    let read = use_run_by_me(scope, &administered, show_past);
    let known: Vec<Event> =
        read.value.iter().flat_map(|all| all.iter()).filter(|event| here.runs(event)).cloned().collect();
    let choose = |wanted: bool, name: &'static str| {
        let past = past.clone();
        html! { <button aria-pressed={(show_past == wanted).to_string()} onclick={move |_| past.set(wanted)}>{ name }</button> }
    };
    let create = html! { <Link<Route> to={Route::CreateEvent} classes="button primary">{ icon("plus") }{ "Create event" }</Link<Route>> };
    let actions = html! {
        <>
            <span class="segmented" role="group" aria-label="When">{ choose(false, "Ahead") }{ choose(true, "Past and cancelled") }</span>
            { create.clone() }
        </>
    };
    if let Some(waiting) = without_organizations(&here, "Organize") {
        return waiting;
    }
    if here.staffed().is_empty() {
        return html! {
            <div class="page">
                { head("Organize", html! {}, html! {}) }
                <div class="card"><Empty title="You run no events here" text="Organizers and admins of an organization create events. Ask an admin, or create an organization of your own in the list above." /></div>
            </div>
        };
    }
    let admin = here.staffed().iter().any(|one| one.role == Role::OrgAdmin);
    let lede = if admin {
        "Your events, and all of the organizations that you administer."
    } else {
        "The events that you run."
    };
    html! {
        <div class="page">
            { head("Organize", html! { lede }, actions) }
            if let Some(failure) = read.failure.clone() {
                <FailureNotice {failure} old_shown={read.value.is_some()} />
            }
            if read.loading() { { row_skeleton(6) } }
            if read.value.is_some() && known.is_empty() {
                <div class="card">
                    if show_past { <Empty title="Nothing is over yet" text="Events that ended or were cancelled are here, with who came." /> }
                    else { <Empty title="No event is planned" text="Create one, and people can book it at once.">{ create }</Empty> }
                </div>
            } else if !known.is_empty() {
                <h2 class="visually-hidden">{ "Your events" }</h2>
                <ul class="card list">{ for known.iter().map(event_row) }</ul>
            }
        </div>
    }
}

/// The person's own events and all events of the organizations that they administer: current ones, soonest first, or
/// past ones, latest first. One list of all events that the person may see would be cut off before the end.
#[hook]
fn use_run_by_me(scope: Option<OrgId>, administered: &[OrgId], past: bool) -> Resource<Vec<Event>> {
    let statuses: &[_] = if past { &[Some(EventStatus::Completed), Some(EventStatus::Cancelled)] } else { &[None] };
    let mut filters = Vec::new();
    for status in statuses.iter().copied() {
        filters.push(EventFilter { org_id: scope, mine: true, status, ..EventFilter::default() });
        filters.extend(administered.iter().map(|org| EventFilter {
            org_id: Some(*org),
            status,
            ..EventFilter::default()
        }));
    }
    let read = store::use_reads(filters.into_iter().map(|filter| endpoint::Events { filter }).collect());
    let value = read.value.map(|lists| {
        let mut all: Vec<Event> = lists.iter().flat_map(|list| list.iter()).cloned().collect();
        all.sort_by_key(|event| (event.event_date, event.id));
        all.dedup_by_key(|event| event.id);
        if past {
            all.reverse();
        }
        Rc::new(all)
    });
    Resource { value, failure: read.failure }
}

/// A row with an event's numbers and a link to its board.
pub(super) fn event_row(event: &Event) -> Html {
    let date = format::date_line(event.event_date, &event.time_zone);
    let sold = event.total_slots - event.available_slots;
    html! {
        <li class="organized" key={event.id.to_string()}>
            <Leaf at={event.event_date} zone={event.time_zone.clone()} />
            <div>
                <h3><Link<Route> to={Route::board(event.id)} classes="card-link">{ event.name.clone() }</Link<Route>></h3>
                <p class="small muted">{ format!("{} · {date}", event.org.name) }</p>
                if event.status != EventStatus::Upcoming { <p>{ status_chip(event.status) }</p> }
            </div>
            <dl class="numbers">
                <div><dt>{ "Booked" }</dt><dd>{ format!("{} of {}", format::number(i64::from(sold)), format::number(i64::from(event.total_slots))) }</dd></div>
                <div><dt>{ "Waiting" }</dt><dd>{ format::number(event.waiting_bookings) }</dd></div>
                <div class="hide-narrow"><dt>{ "People" }</dt><dd>{ event.people.map_or_else(|| "-".to_owned(), format::number) }</dd></div>
            </dl>
        </li>
    }
}
