//! Creating and editing an event: checked while it is typed, and it says what saving will do.

mod compare;
mod fields;
mod form;
mod side;

use happening_api::EventStatus;
use uuid::Uuid;
use yew::prelude::*;

use self::form::Form;
use crate::api::{self, endpoint};
use crate::components::{Banner, Empty, FailureNotice, Tone, back, skeleton, without_organizations};
use crate::here::use_here;
use crate::resource::use_resource;
use crate::route::Route;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// `None` creates one.
    pub(crate) event_id: Option<Uuid>,
}

/// The screen: reads the event first.
#[component]
pub(crate) fn EventForm(props: &Props) -> Html {
    let here = use_here();
    let id = props.event_id;
    // read again until it is known, then never: what somebody else saves meanwhile is met when saving, not under the person's hands
    let known_at = use_mut_ref(|| None::<u32>);
    let refresh = known_at.borrow().unwrap_or(here.refresh.count);
    let read = use_resource(format!("edit {id:?}"), refresh, move || async move {
        match id {
            Some(id) => api::ask(endpoint::Event { event_id: id.into() }).await.map(Some),
            None => Ok(None),
        }
    });
    if read.value.is_some() {
        known_at.borrow_mut().get_or_insert(refresh);
    }
    if let Some(waiting) = without_organizations(&here, "Event") {
        return waiting;
    }
    match (&read.value, &read.failure) {
        (Some(event), _) => match event.as_ref() {
            Some(event) if !here.runs(event) => {
                html! { <div class="page">{ back(Route::event(event.id), event.name.clone()) }<div class="card"><Empty title="You may not change this event" text="Only its organizer and the admins of its organization do." /></div></div> }
            }
            Some(event) if matches!(event.status, EventStatus::Cancelled | EventStatus::Completed) => {
                html! { <div class="page">{ back(Route::board(event.id), event.name.clone()) }<Banner tone={Tone::Wait} title="This event can no longer be changed">{ "It was cancelled, or is over." }</Banner></div> }
            }
            event => html! { <Form event={event.clone()} /> },
        },
        (None, Some(failure)) => {
            html! { <div class="page">{ back(Route::Organize, "Organize") }<FailureNotice failure={failure.clone()} again={here.refresh.again.clone()} /></div> }
        }
        (None, None) => html! { <div class="page">{ skeleton(10) }</div> },
    }
}
