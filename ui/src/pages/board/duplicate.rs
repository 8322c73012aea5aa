//! Duplicating an event.

use happening_api::{DuplicateEvent, Event};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Confirm, DateField, Field, value_of};
use crate::features::event_draft::parse_date;
use crate::features::failure;
use crate::format::{BrowserZones, Zones};
use crate::route::Route;
use crate::write::use_write;
use crate::{said, store};

#[derive(Properties, PartialEq)]
pub(super) struct DuplicateProps {
    pub(super) event: Event,
    pub(super) on_close: Callback<()>,
}

/// The dialog that creates the same event on another date.
#[component]
pub(super) fn Duplicate(props: &DuplicateProps) -> Html {
    let write = use_write();
    let navigator = use_navigator().expect("inside the router");
    let event = &props.event;
    let time = BrowserZones.local(event.event_date, &event.time_zone).map(|local| local.time());
    let (name, date) = (use_state(|| event.name.clone()), use_state(String::new));
    let key = use_state(api::new_key);
    let start =
        parse_date(&date).zip(time).and_then(|(date, time)| BrowserZones.moment(date.and_time(time), &event.time_zone));
    let on_name = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| name.set(value_of(&event)))
    };
    let on_date = {
        let date = date.clone();
        Callback::from(move |text: String| date.set(text))
    };
    let on_go = {
        let (id, write, name) = (event.id, write.clone(), name.clone());
        Callback::from(move |()| {
            let Some(event_date) = start else { return };
            let body = DuplicateEvent { event_date, ends_at: None, name: Some((*name).clone()) };
            let (key, navigator) = ((*key).clone(), navigator.clone());
            let presence = write.presence();
            write.start_keyed(move || {
                let (key, navigator, body) = (key.clone(), navigator.clone(), body.clone());
                let presence = presence.clone();
                async move {
                    let made = api::ask(endpoint::DuplicateEvent { event_id: id, key, body }).await?;
                    said::tell(format!("{} is created. Nobody has booked it yet.", made.name));
                    store::changed();
                    if presence.lasts() {
                        navigator.push(&Route::board(made.id));
                    }
                    Ok(())
                }
            });
        })
    };
    let wrong = |field: &str| write.failure().and_then(|failure| failure::field(failure, field));
    html! {
        <Confirm title="Duplicate this event" subtitle={html! { "The same data on another date, without an end and without bookings" }} label="Create the copy" keep="Close" harmless=true
            busy={write.busy()} notice={write.notice()} disabled={start.is_none() || write.unsure()} {on_go} on_close={props.on_close.clone()}>
            <Field id="copy-name" label="Name" error={wrong("name")}><input id="copy-name" class="input" aria-describedby="copy-name-note" maxlength="200" value={(*name).clone()} oninput={on_name} /></Field>
            <Field id="copy-date" label="Date" hint="At the same time of day" error={wrong("event_date")}><DateField id="copy-date" value={(*date).clone()} on_change={on_date} /></Field>
        </Confirm>
    }
}
