//! Creating and editing an event: the form checks the fields while the person types, and says what saving will do.

mod compare;
mod fields;
mod form;
mod side;

use happening_api::EventStatus;
use uuid::Uuid;
use yew::prelude::*;

use self::form::Form;
use crate::api::endpoint;
use crate::components::{Banner, Empty, FailureNotice, Tone, back, skeleton, without_organizations};
use crate::here::use_here;
use crate::route::Route;
use crate::store;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The event to edit; `None` creates an event.
    pub(crate) event_id: Option<Uuid>,
}

/// The screen: reads the event first.
#[component]
pub(crate) fn EventForm(props: &Props) -> Html {
    let here = use_here();
    let id = props.event_id;
    // read once, so that an edit by another person does not change the form while this person types; they learn of it
    // when they save
    let read = store::use_read_once(id.map(|id| endpoint::Event { event_id: id.into() }));
    let event = read.value;
    if let Some(waiting) = without_organizations(&here, "Event") {
        return waiting;
    }
    match (event, &read.failure) {
        (Some(event), _) if !here.runs(&event) => {
            html! { <div class="page">{ back(Route::event(event.id), event.name.clone()) }<div class="card"><Empty title="You may not change this event" text="Only its organizer and the admins of its organization do." /></div></div> }
        }
        (Some(event), _) if matches!(event.status, EventStatus::Cancelled | EventStatus::Completed) => {
            html! { <div class="page">{ back(Route::board(event.id), event.name.clone()) }<Banner tone={Tone::Wait} title="This event can no longer be changed">{ "It was cancelled, or is over." }</Banner></div> }
        }
        (Some(event), _) => html! { <Form event={Some((*event).clone())} /> },
        (None, _) if id.is_none() => html! { <Form event={None::<happening_api::Event>} /> },
        (None, Some(failure)) => {
            html! { <div class="page">{ back(Route::Organize, "Organize") }<FailureNotice failure={failure.clone()} /></div> }
        }
        (None, None) => html! { <div class="page">{ skeleton(10) }</div> },
    }
}
