//! The home screen: upcoming events, the person's bookings, and the events that they run.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use happening_api::{Booking, Event, EventFilter, EventStatus};
use yew::prelude::*;
use yew_router::prelude::*;

use super::booking_list::{BookingList, groups, is_current};
use super::organize::event_row;
use crate::api::endpoint;
use crate::clock::use_now;
use crate::components::{Empty, EventCard, FailureNotice, card_skeleton, icon, row_skeleton};
use crate::format;
use crate::here::use_here;
use crate::route::Route;
use crate::store::{self, Resource};

const CARDS: usize = 3;
/// Events run by the person that the home screen shows.
const ORGANIZED_SHOWN: usize = 4;

/// The first screen: upcoming events, the person's bookings, and the events that they run.
#[component]
pub(crate) fn Home() -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let (scope, user) = (here.scope, here.me.id);
    let filter = EventFilter { org_id: scope, status: Some(EventStatus::Upcoming), ..EventFilter::default() };
    let events = store::use_read(endpoint::Events { filter });
    let bookings = store::use_read(endpoint::MyBookings { user_id: user });
    let bookings = Resource {
        value: bookings.value.map(|all| Rc::new(here.within(&all).cloned().collect())),
        failure: bookings.failure,
    };
    let greeting = match format::hour_now() {
        5..=11 => "Good morning",
        12..=17 => "Good afternoon",
        _ => "Good evening",
    };
    let first_name = here.me.name.split_whitespace().next().unwrap_or_default().to_owned();
    let now = use_now();
    let today = format::event_date(now, &format::own_zone()).date;
    let chip = here.scope.and(here.organization()).map(|one| {
        let words = format!("{} · {}", one.name, format::count(one.member_count, "member", "members"));
        html! { <Link<Route> to={Route::Members} classes="chip outline">{ icon("people") }{ words }</Link<Route>> }
    });
    html! {
        <div class="page">
            <header class="page-head">
                <h1>{ format!("{greeting}, {first_name}") }</h1>
                <p class="lede">{ format!("{today}. {}", summary(&bookings, now)) }</p>
                <div class="page-actions">{ for chip }</div>
            </header>
            { upcoming(&events, &navigator) }
            { yours(&bookings) }
            if !here.staffed().is_empty() { <Organized /> }
        </div>
    }
}

fn summary(bookings: &Resource<Vec<Booking>>, now: DateTime<Utc>) -> String {
    let Some(all) = &bookings.value else { return String::new() };
    let ahead = |one: &&Booking| one.event.as_ref().is_some_and(|event| event.event_date > now);
    let held: i64 = all.iter().filter(ahead).map(|one| one.seat_numbers.len() as i64).sum();
    let waits = all.iter().filter(ahead).filter(|one| one.waiting_seats > 0).count();
    let seats =
        if held == 0 { "You have no seats yet".to_owned() } else { format!("You have {}", format::seats(held)) };
    match waits {
        0 => format!("{seats}."),
        1 => format!("{seats} and a place on one waitlist."),
        more => format!("{seats} and places on {more} waitlists."),
    }
}

fn upcoming(events: &Resource<Vec<Event>>, navigator: &Navigator) -> Html {
    let known = events.value.clone().unwrap_or_default();
    let cards = known.iter().take(CARDS).map(|event| {
        let (book, open, id) = (navigator.clone(), navigator.clone(), event.id);
        html! {
            <EventCard key={event.id.to_string()} event={event.clone()}
                on_book={move |()| book.push(&Route::seats(id))} on_open={move |()| open.push(&Route::event(id))} />
        }
    });
    html! {
        <section aria-labelledby="upcoming">
            <div class="section-head">
                <h2 id="upcoming">{ "Upcoming events" }</h2>
                if known.len() > CARDS { <Link<Route> to={Route::Events} classes="button quiet">{ format!("See all {}", known.len()) }{ icon("right") }</Link<Route>> }
            </div>
            if let Some(failure) = events.failure.clone() {
                <FailureNotice {failure} old_shown={events.value.is_some()} />
            }
            if events.loading() { { card_skeleton(3) } }
            if events.value.is_some() && known.is_empty() {
                <div class="card"><Empty title="No events yet" text="When an organization opens one that you may book, it is here." /></div>
            }
            <ul class="cards">{ for cards }</ul>
        </section>
    }
}

fn yours(bookings: &Resource<Vec<Booking>>) -> Html {
    let current = bookings.value.iter().flat_map(|all| all.iter()).filter(|one| is_current(one)).cloned();
    let groups = groups(current, true);
    html! {
        <section class="section" aria-labelledby="yours">
            <div class="section-head">
                <h2 id="yours">{ "Your events" }</h2>
                <Link<Route> to={Route::Bookings} classes="button quiet">{ "All my bookings" }{ icon("right") }</Link<Route>>
            </div>
            if let Some(failure) = bookings.failure.clone() {
                <FailureNotice {failure} old_shown={bookings.value.is_some()} />
            }
            if bookings.loading() { { row_skeleton(2) } }
            if bookings.value.is_some() && groups.is_empty() {
                <div class="card"><Empty title="You have no bookings" text="Choose an event above; your seats are here afterwards." /></div>
            } else if bookings.value.is_some() {
                <BookingList {groups} />
            }
        </section>
    }
}

/// Events that the person runs.
#[component]
fn Organized() -> Html {
    let here = use_here();
    let scope = here.scope;
    let mine = store::use_read(endpoint::Events {
        filter: EventFilter { org_id: scope, mine: true, ..EventFilter::default() },
    });
    let rows = mine.value.iter().flat_map(|all| all.iter()).take(ORGANIZED_SHOWN).map(event_row);
    html! {
        <section class="section" aria-labelledby="organized">
            <div class="section-head">
                <h2 id="organized">{ "Organized by you" }</h2>
                <Link<Route> to={Route::CreateEvent} classes="button">{ icon("plus") }{ "Create event" }</Link<Route>>
            </div>
            if let Some(failure) = mine.failure.clone() {
                <FailureNotice {failure} old_shown={mine.value.is_some()} />
            }
            if mine.loading() { { row_skeleton(3) } }
            if mine.value.as_ref().is_some_and(|all| all.is_empty()) {
                <div class="card"><Empty title="You run no event" text="Events that you create are here, with their numbers." /></div>
            } else if mine.value.is_some() {
                <ul class="card list">{ for rows }</ul>
            }
        </section>
    }
}
