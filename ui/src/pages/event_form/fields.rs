//! The fields of the form.

use happening_api::{Category, Event, EventStatus, OrgId, Visibility};
use yew::prelude::*;

use crate::components::{DateField, Field, icon, value_of};
use crate::features::event_draft::{Draft, Problems};

pub(super) fn organization_field(
    staffed: &[happening_api::Organization],
    chosen: Option<OrgId>,
    org: &UseStateHandle<Option<OrgId>>,
) -> Html {
    let on_change = {
        let org = org.clone();
        Callback::from(move |event: yew::Event| {
            org.set(
                event.target_dyn_into::<web_sys::HtmlSelectElement>().and_then(|select| select.value().parse().ok()),
            );
        })
    };
    html! {
        <Field id="organization" label="Organization">
            <select id="organization" class="input" onchange={on_change}>{ for staffed.iter().map(|one| html! { <option value={one.id.to_string()} selected={chosen == Some(one.id)}>{ &one.name }</option> }) }</select>
        </Field>
    }
}

pub(super) fn fields(
    draft: &Draft,
    problems: &Problems,
    event: Option<&Event>,
    set: &impl Fn(fn(&mut Draft, String)) -> Callback<String>,
) -> Html {
    let error = |field: &str| problems.get(field).cloned();
    let ongoing = event.is_some_and(|event| event.status == EventStatus::Ongoing);
    let input = |id: &'static str, value: &str, change: fn(&mut Draft, String), disabled: bool| {
        let changed = set(change);
        let on_input = Callback::from(move |event: InputEvent| changed.emit(value_of(&event)));
        // a date and a time share one label, which names the date, so the time needs a label of its own
        let label = match id {
            "event_time" => Some("Starts at this time"),
            "end_time" => Some("Ends at this time"),
            _ => None,
        };
        html! { <input {id} class="input" aria-label={label} value={value.to_owned()} {disabled} oninput={on_input} aria-describedby={format!("{}-note", note_of(id))} aria-invalid={problems.contains_key(id).to_string()} autocomplete="off" /> }
    };
    let area = {
        let changed = set(|draft, text| draft.description = text);
        Callback::from(move |event: InputEvent| changed.emit(value_of(&event)))
    };
    html! {
        <>
            <Field id="name" label="Name" error={error("name")}>{ input("name", &draft.name, |draft, text| draft.name = text, false) }</Field>
            <div class="pair">
                <Field id="event_date" label="Starts" error={error("event_date")} hint="For example 2027-04-24 and 19:00">
                    <div class="date-time"><DateField id="event_date" value={draft.date.clone()} on_change={set(|draft, text| draft.date = text)} disabled={ongoing} invalid={problems.contains_key("event_date")} />{ input("event_time", &draft.time, |draft, text| draft.time = text, ongoing) }</div>
                </Field>
                <Field id="ends_at" label="Ends" optional=true error={error("ends_at")} hint="Without a date, on the day of the start">
                    <div class="date-time"><DateField id="ends_at" value={draft.end_date.clone()} on_change={set(|draft, text| draft.end_date = text)} invalid={problems.contains_key("ends_at")} />{ input("end_time", &draft.end_time, |draft, text| draft.end_time = text, false) }</div>
                </Field>
            </div>
            <div class="pair">
                <Field id="total_slots" label="Seats in total" error={error("total_slots")}>{ input("total_slots", &draft.total, |draft, text| draft.total = text, ongoing) }</Field>
                <Field id="max_seats_per_user" label="Seats per person" optional=true error={error("max_seats_per_user")} hint="Counted over all bookings of one person">{ input("max_seats_per_user", &draft.per_person, |draft, text| draft.per_person = text, ongoing) }</Field>
            </div>
            <div class="pair">
                <Field id="place" label="Place" optional=true error={error("place")} hint="An address, or a link for a webinar">{ input("place", &draft.place, |draft, text| draft.place = text, false) }</Field>
                <Field id="time_zone" label="Time zone" error={error("time_zone")} hint="Its times are meant on the clocks there">{ input("time_zone", &draft.time_zone, |draft, text| draft.time_zone = text, ongoing) }</Field>
            </div>
            <Field id="description" label="Description" optional=true error={error("description")}>
                <textarea id="description" class="input area" rows="5" maxlength="10000" value={draft.description.clone()} oninput={area} aria-describedby="description-note" />
            </Field>
        </>
    }
}

/// The id of the field whose note describes a field: a time shares the note of its date.
fn note_of(id: &str) -> &str {
    match id {
        "event_time" => "event_date",
        "end_time" => "ends_at",
        own => own,
    }
}

pub(super) fn choices(draft: &UseStateHandle<Draft>, event: Option<&Event>) -> Html {
    let category = |wanted: Option<Category>, picture: &'static str, name: &'static str| {
        let (chosen, draft) = (draft.category == wanted, draft.clone());
        html! { <button type="button" aria-pressed={chosen.to_string()} onclick={move |_| draft.set(Draft { category: wanted, ..(*draft).clone() })}>{ icon(picture) }{ name }</button> }
    };
    let who = |wanted: Visibility, name: &'static str, text: &'static str| {
        let (checked, draft) = (draft.visibility == wanted, draft.clone());
        html! {
            <label class="choice"><input type="radio" name="visibility" {checked} onchange={move |_| draft.set(Draft { visibility: wanted, ..(*draft).clone() })} />
                <span><b>{ name }</b><span class="small muted">{ text }</span></span></label>
        }
    };
    let fixed = event.is_some_and(|event| event.status == EventStatus::Ongoing);
    html! {
        <fieldset class="bare stack loose" disabled={fixed}>
            <div class="stack"><b class="small" id="category-label">{ "Category" }</b>
                <span class="segmented" role="group" aria-labelledby="category-label">
                    { category(Some(Category::Concert), "music", "Concert") }{ category(Some(Category::Webinar), "screen", "Webinar") }{ category(Some(Category::Hackathon), "spark", "Hackathon") }{ category(None, "calendar", "Other") }
                </span></div>
            <div class="stack" role="radiogroup" aria-labelledby="who-label"><b class="small" id="who-label">{ "Who can book" }</b>
                <div class="pair">{ who(Visibility::Members, "Members only", "Members of the organization") }{ who(Visibility::Public, "Everyone", "Anyone who is signed in") }</div></div>
        </fieldset>
    }
}
