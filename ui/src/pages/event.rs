//! An event: its facts, the free seats, buttons for booking, and the person's own bookings.

use happening_api::{Booking, BookingStatus, Download, Event, EventStatus, SEATS_PER_BOOKING_MAX, Saved, Visibility};
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use super::booking_list::BookingList;
use super::seats::Seats;
use crate::api::{self, endpoint};
use crate::components::{Banner, FailureNotice, Leaf, Stepper, Tone, back, bar, icon, kind, skeleton};
use crate::features::holding::Holding;
use crate::here::use_here;
use crate::route::{Route, SeatsWish};
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event_id: Uuid,
    /// Whether the dialog for choosing seats is open.
    pub(crate) choosing: bool,
}

/// The page of an event, for people who book.
#[component]
pub(crate) fn EventPage(props: &Props) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let (id, user) = (props.event_id, here.me.id);
    let read = store::use_read(endpoint::Event { event_id: id.into() })
        .and(store::use_read(endpoint::MyBookings { user_id: user }));
    let close = {
        let navigator = navigator;
        Callback::from(move |()| navigator.push(&Route::Event { id }))
    };
    let dialog = if props.choosing {
        html! { <Seats event_id={id} on_close={close} /> }
    } else {
        Html::default()
    };
    let Some(known) = read.value.clone() else {
        return html! {
            <div class="page">
                { back(Route::Events, "Events") }
                if let Some(failure) = read.failure.clone() { <FailureNotice {failure} /> } else { { skeleton(8) } }
            </div>
        };
    };
    let (event, own) = &*known;
    let is_of_it = |one: &&Booking| one.event_id == event.id && one.status != BookingStatus::Cancelled;
    let own: Vec<Booking> = own.iter().filter(is_of_it).cloned().collect();
    html! {
        <div class="page">
            { back(Route::Events, "Events") }
            if let Some(failure) = read.failure.clone() { <FailureNotice {failure} old_shown=true /> }
            <div class="with-side">
                <div class="stack loose">
                    { facts(event) }
                    if !event.description.trim().is_empty() {
                        <section class="stack" aria-labelledby="about"><h2 id="about">{ "About this event" }</h2><div class="prose">{ event.description.clone() }</div></section>
                    }
                    if !own.is_empty() {
                        <section class="stack" aria-labelledby="own"><h2 id="own">{ "Your bookings" }</h2><BookingList groups={vec![with_facts(&own, event)]} bare=true /></section>
                    }
                </div>
                <aside aria-label="Booking"><BookPanel event={(**event).clone()} own={own.clone()} /></aside>
            </div>
            { dialog }
        </div>
    }
}

/// Updates the event's facts in the person's bookings, since the event was read later than the list of bookings.
fn with_facts(own: &[Booking], event: &Event) -> Vec<Booking> {
    let fresh = |booking: &Booking| {
        let mut booking = booking.clone();
        if let Some(facts) = &mut booking.event {
            (facts.available_slots, facts.status) = (event.available_slots, event.status);
        }
        booking
    };
    own.iter().map(fresh).collect()
}

/// "Friday 12 March, 19:30 to 22:00"
pub(super) fn when(event: &Event) -> String {
    let start = format::date_line(event.event_date, &event.time_zone);
    let Some(end) = event.ends_at else { return start };
    let (first, last) =
        (format::event_date(event.event_date, &event.time_zone), format::event_date(end, &event.time_zone));
    let end = if first.date == last.date { last.time } else { format!("{}, {}", last.date, last.time) };
    format!("{start} to {end}")
}

/// A chip with the event's status.
pub(super) fn status_chip(status: EventStatus) -> Html {
    let (class, picture, word) = match status {
        EventStatus::Upcoming => ("", "calendar", "Upcoming"),
        EventStatus::Ongoing => ("good", "clock", "Going on now"),
        EventStatus::Completed => ("", "check", "Over"),
        EventStatus::Cancelled => ("bad", "close", "Cancelled"),
    };
    html! { <span class={classes!("chip", class)}>{ icon(picture) }{ word }</span> }
}

fn facts(event: &Event) -> Html {
    let (pattern, picture, word) = kind(event.category);
    let fact = |picture: &'static str, name: &'static str, value: String| {
        html! { <div class="fact"><dt>{ icon(picture) }{ name }</dt><dd>{ value }</dd></div> }
    };
    let who = if event.visibility == Visibility::Public {
        "Everyone".to_owned()
    } else {
        format!("Members of {}", event.org.name)
    };
    let limit = event.max_seats_per_user.map_or_else(|| "No limit".to_owned(), |max| format!("Up to {max}"));
    html! {
        <article class="card">
            <div class={classes!("poster", "tall", pattern)}><span class="chip">{ icon(picture) }{ word }</span></div>
            <div class="card-part stack">
                <div class="event-title">
                    <Leaf at={event.event_date} zone={event.time_zone.clone()} />
                    <div><h1>{ &event.name }</h1><p class="soft">{ when(event) }</p></div>
                </div>
                if event.status != EventStatus::Upcoming { <p>{ status_chip(event.status) }</p> }
                <dl class="facts">
                    { fact("globe", "Who can book", who) }
                    { fact("person", "Organized by", event.org.name.clone()) }
                    { fact("seat", "Seats per person", limit) }
                    { fact("clock", "Booking closes", "When the event starts".to_owned()) }
                    if let Some(place) = event.place.clone() { { fact("place", "Where", place) } }
                </dl>
            </div>
        </article>
    }
}

#[derive(Properties, PartialEq)]
struct PanelProps {
    event: Event,
    own: Vec<Booking>,
}

/// The free seats and the buttons for booking.
#[component]
fn BookPanel(props: &PanelProps) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let write = use_write();
    let event = &props.event;
    let go = |route: Route| {
        let navigator = navigator.clone();
        Callback::from(move |_: MouseEvent| navigator.push(&route))
    };
    let save = {
        let (write, id) = (write.clone(), event.id);
        Callback::from(move |_: MouseEvent| {
            write.start_read(move || save_file(Download::Calendar { event_id: id }));
        })
    };
    let party = use_state(|| SeatsWish::default().seats);
    let choose = {
        let (navigator, id) = (navigator.clone(), event.id);
        Callback::from(move |wish: SeatsWish| {
            // cannot fail, since a query can hold a number and a boolean
            drop(navigator.push_with_query(&Route::seats(id), &wish));
        })
    };
    let have = Holding::of(&props.own, event.id);
    let open = event.status == EventStatus::Upcoming;
    let limit = event.max_seats_per_user.map(|max| (max - have.counted()).max(0));
    let held = have.sentence(event.max_seats_per_user).unwrap_or_default();
    html! {
        <section class="card" aria-label="Book">
            <div class="card-part stack">
                <div class="big-number" role="status"><b>{ format::number(i64::from(event.available_slots)) }</b><span>{ format!("seats are free, of {}", format::number(i64::from(event.total_slots))) }</span></div>
                { bar(event) }
                if !open {
                    <Banner tone={Tone::Wait} title="This event takes no bookings">{ closed_because(event.status) }</Banner>
                } else if limit == Some(0) {
                    <p class="small soft">{ held }</p>
                } else {
                    { ways_to_book(event, limit, &party, &choose) }
                    if !held.is_empty() { <p class="small soft">{ held }</p> }
                }
                if here.runs(event) { <button class="button wide" onclick={go(Route::board(event.id))}>{ icon("board") }{ "Organize this event" }</button> }
                <button class="button wide quiet" onclick={save}>{ icon("calendar") }{ "Save for your calendar" }</button>
                { write.notice() }
            </div>
            <ul class="card-part stack small soft">
                <li class="row tight">{ icon("check") }{ "Nothing is booked until you confirm." }</li>
                <li class="row tight">{ icon("calendar") }{ "The confirmation mail has a calendar entry." }</li>
                <li class="row tight">{ icon("seat") }{ "Give seats back any time before the start." }</li>
            </ul>
        </section>
    }
}

/// Lets the person choose the number of seats, and whether the app finds them or they do.
fn ways_to_book(event: &Event, limit: Option<i32>, party: &UseStateHandle<i32>, choose: &Callback<SeatsWish>) -> Html {
    let max = limit.unwrap_or(SEATS_PER_BOOKING_MAX).min(event.total_slots).min(SEATS_PER_BOOKING_MAX);
    let seats = (**party).min(max);
    let on_party = {
        let party = party.clone();
        Callback::from(move |wanted| party.set(wanted))
    };
    let go = |together| {
        let choose = choose.clone();
        Callback::from(move |_: MouseEvent| choose.emit(SeatsWish { seats, together }))
    };
    let enough = event.available_slots >= seats;
    let best = if seats == 1 { "Find the best seat".to_owned() } else { format!("Find the best {seats} together") };
    let other = if event.available_slots == 0 { "Join the waitlist" } else { "Choose on the seat map" };
    html! {
        <>
            <div class="row spread"><b>{ "How many seats?" }</b><Stepper label="How many seats" value={seats} min={1} {max} on_change={on_party} /></div>
            if enough { <button id="together" class="button primary wide" onclick={go(true)}>{ icon("together") }{ best }</button> }
            <button id="choose" class={classes!("button", "wide", (!enough).then_some("primary"))} onclick={go(false)}>{ icon("seat") }{ other }</button>
        </>
    }
}

fn closed_because(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Ongoing => "It has started.",
        EventStatus::Completed => "It is over.",
        EventStatus::Cancelled => "It was cancelled.",
        EventStatus::Upcoming => "",
    }
}

/// Saves a file where the person chooses, and tells its name.
pub(super) async fn save_file(file: Download) -> Result<(), happening_api::ApiFailure> {
    if let Saved::File { name } = api::save(file).await? {
        said::tell(format!("Saved as {name}."));
    }
    Ok(())
}
