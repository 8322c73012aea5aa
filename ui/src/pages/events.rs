//! All events that the person may book, filtered by words, kind, dates and free seats.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use happening_api::{Category, EventFilter, EventStatus, time_in_bounds};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::endpoint;
use crate::components::{DateField, Empty, EventCard, FailureNotice, card_skeleton, head, icon, value_of};
use crate::features::event_draft::parse_date;
use crate::format::{self, BrowserZones, Zones};
use crate::here::use_here;
use crate::route::Route;
use crate::store;
use crate::typing::use_paused;

/// Most events that are shown at once.
const SHOWN_MAX: usize = 120;

/// The list of events, with search and filters.
#[component]
pub(crate) fn Events() -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let typed = use_state(String::new);
    let words = use_paused(&typed);
    let category = use_state(|| None::<Category>);
    let only_free = use_state(|| false);
    let (from, to) = (use_state(String::new), use_state(String::new));
    let filter = EventFilter {
        org_id: here.scope,
        category: *category,
        q: (*words).clone(),
        status: Some(EventStatus::Upcoming),
        from: day_begins(&from),
        to: day_ends(&to),
        ..EventFilter::default()
    };
    let read = store::use_read(endpoint::Events { filter });
    let all = read.value.clone().unwrap_or_default();
    let shown: Vec<_> = all.iter().filter(|event| !*only_free || event.available_slots > 0).cloned().collect();
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| typed.set(value_of(&event)))
    };
    let choose = |wanted: Option<Category>, name: &'static str| {
        let chosen = *category == wanted;
        let category = category.clone();
        html! { <button aria-pressed={chosen.to_string()} onclick={move |_| category.set(wanted)}>{ name }</button> }
    };
    let toggle_free = {
        let only_free = only_free.clone();
        Callback::from(move |_: Event| only_free.set(!*only_free))
    };
    let clear = {
        let (typed, words, category, only_free) = (typed.clone(), words.clone(), category.clone(), only_free.clone());
        let (from, to) = (from.clone(), to.clone());
        Callback::from(move |_: MouseEvent| {
            for text in [&typed, &words, &from, &to] {
                text.set(String::new());
            }
            category.set(None);
            only_free.set(false);
        })
    };
    let filtered = !words.is_empty() || category.is_some() || *only_free || !from.is_empty() || !to.is_empty();
    let date = |id: &'static str, label: &'static str, value: &UseStateHandle<String>| {
        let change = value.clone();
        let invalid = !value.is_empty() && day_begins(value).is_none();
        html! {
            <label class="row small" for={id}>{ label }<DateField {id} value={(**value).clone()} {invalid} on_change={move |text| change.set(text)} /></label>
        }
    };
    let cards = shown.iter().take(SHOWN_MAX).map(|event| {
        let (book, open, id) = (navigator.clone(), navigator.clone(), event.id);
        html! {
            <EventCard key={event.id.to_string()} event={event.clone()}
                on_book={move |()| book.push(&Route::seats(id))} on_open={move |()| open.push(&Route::event(id))} />
        }
    });
    let lede = match here.scope.and(here.organization()) {
        Some(one) => format!("What you may book at {}.", one.name),
        None => "What you may book, soonest first.".to_owned(),
    };
    html! {
        <div class="page">
            { head("Events", html! { lede }, html! {}) }
            <div class="filters" role="search">
                <label class="search"><span class="visually-hidden">{ "Find an event" }</span>{ icon("search") }
                    <input id="event-search" class="input" type="search" placeholder="Name, place or words" value={(*typed).clone()} oninput={on_input} /></label>
                <span class="segmented" role="group" aria-label="Kind of event">
                    { choose(None, "All") }{ choose(Some(Category::Concert), "Concerts") }{ choose(Some(Category::Webinar), "Webinars") }{ choose(Some(Category::Hackathon), "Hackathons") }
                </span>
                <label class="row small"><input id="only-free" type="checkbox" checked={*only_free} onchange={toggle_free} />{ "Only with free seats" }</label>
                { date("from-date", "From", &from) }
                { date("to-date", "To", &to) }
                <span class="small muted" role="status">if read.value.is_some() { { format::count(shown.len() as i64, "event", "events") } }</span>
            </div>
            if let Some(failure) = read.failure.clone() {
                <FailureNotice {failure} old_shown={read.value.is_some()} />
            }
            if read.loading() { { card_skeleton(6) } }
            if read.value.is_some() && shown.is_empty() {
                <div class="card">
                    if filtered {
                        <Empty title="No event fits" text="Try other words, or look at all of them."><button class="button" onclick={clear}>{ "Show all events" }</button></Empty>
                    } else {
                        <Empty title="No events yet" text="When an organization opens one that you may book, it is here." />
                    }
                </div>
            }
            <h2 class="visually-hidden">{ "Events found" }</h2>
            <ul class="cards wide">{ for cards }</ul>
            if shown.len() > SHOWN_MAX { <p class="small muted centred">{ format!("The first {SHOWN_MAX} are shown. Search to find more.") }</p> }
        </div>
    }
}

/// The first moment of a day in this machine's time zone; `None` while the text is no date.
fn day_begins(text: &str) -> Option<DateTime<Utc>> {
    let date = parse_date(text)?;
    BrowserZones.moment(date.and_time(NaiveTime::MIN), &format::own_zone()).filter(|time| time_in_bounds(*time))
}

/// The last second of a day in this machine's time zone.
fn day_ends(text: &str) -> Option<DateTime<Utc>> {
    let next = parse_date(text)?.succ_opt()?;
    let end = BrowserZones.moment(next.and_time(NaiveTime::MIN), &format::own_zone())? - TimeDelta::seconds(1);
    time_in_bounds(end).then_some(end)
}
