//! Home: what comes up, what is yours, what you run. Seat dialogs open over it.

use happening_api::{Event, OrgId, Organization, Role};
use yew::prelude::*;
use yew_router::prelude::*;

use super::bookings::Bookings;
use super::manage_seats::ManageSeats;
use super::seats::Seats;
use crate::api;
use crate::app::Tell;
use crate::components::{Empty, EventCard, FailureNotice, Icon, Leaf, Skeleton};
use crate::format;
use crate::resource::{Refresh, Resource, use_resource};
use crate::route::Route;
use crate::session::CurrentUser;

const CARDS_AT_FIRST: usize = 3;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) refresh: Refresh,
    pub(crate) route: Route,
    pub(crate) organizations: Vec<Organization>,
    pub(crate) scope: Option<OrgId>,
    pub(crate) tell: Tell,
}

/// The screen.
#[component]
pub(crate) fn Home(props: &Props) -> Html {
    let me = use_context::<CurrentUser>().expect("the app provides it");
    let navigator = use_navigator().expect("inside the router");
    let reading = (props.scope, props.refresh.count);
    let events = use_resource(reading, |(org, _)| async move { api::events(org, false).await });
    let bookings =
        use_resource((me.user.id, props.refresh.count), |(user, _)| async move { api::my_bookings(user).await });
    let runs_events = props.organizations.iter().any(|one| {
        matches!(one.role, Role::OrgAdmin | Role::Organizer) && props.scope.is_none_or(|scope| scope == one.id)
    });
    let close = {
        let navigator = navigator;
        Callback::from(move |()| navigator.push(&Route::Home))
    };
    let dialog = match props.route {
        Route::Seats { id } => html! {
            <Seats key={id.to_string()} event_id={id} refresh={props.refresh.clone()} tell={props.tell.clone()} on_close={close} />
        },
        Route::ManageSeats { id } => html! {
            <ManageSeats key={id.to_string()} booking_id={id} refresh={props.refresh.clone()} tell={props.tell.clone()} on_close={close} />
        },
        _ => Html::default(),
    };
    let greeting = match format::hour_now() {
        5..=11 => "Good morning",
        12..=17 => "Good afternoon",
        _ => "Good evening",
    };
    let first_name = me.user.name.split_whitespace().next().unwrap_or_default().to_owned();
    let today = format::event_date(format::now(), &format::own_zone()).date;
    let chip = props.organizations.iter().find(|one| Some(one.id) == props.scope).map(|one| {
        html! { <span class="chip outline"><Icon name="people" />{ format!("{} · {} members", one.name, format::number(one.member_count)) }</span> }
    });
    html! {
        <div class="page">
            <header class="page-head">
                <div><h1>{ format!("{greeting}, {first_name}") }</h1><p class="lede">{ format!("{today}. {}", summary(&bookings)) }</p></div>
                { for chip }
            </header>
            <Upcoming {events} refresh={props.refresh.clone()} />
            <Bookings {bookings} refresh={props.refresh.clone()} tell={props.tell.clone()} />
            if runs_events { <Organized scope={props.scope} refresh={props.refresh.clone()} /> }
            { dialog }
        </div>
    }
}

fn summary(bookings: &Resource<Vec<happening_api::Booking>>) -> String {
    let Some(all) = &bookings.value else { return String::new() };
    let now = format::now();
    let ahead = |one: &&happening_api::Booking| one.event.as_ref().is_some_and(|event| event.event_date > now);
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

#[derive(Properties, PartialEq)]
struct UpcomingProps {
    events: Resource<Vec<Event>>,
    refresh: Refresh,
}

#[component]
fn Upcoming(props: &UpcomingProps) -> Html {
    let navigator = use_navigator().expect("inside the router");
    let (text, all) = (use_state(String::new), use_state(|| false));
    let known: Vec<Event> = props.events.value.clone().unwrap_or_default();
    let wanted = text.trim().to_lowercase();
    let found: Vec<Event> = known
        .iter()
        .filter(|event| event.status == happening_api::EventStatus::Upcoming)
        .filter(|event| wanted.is_empty() || event.name.to_lowercase().contains(&wanted))
        .cloned()
        .collect();
    let shown = if *all || !wanted.is_empty() { found.len() } else { CARDS_AT_FIRST };
    let on_input = {
        let text = text.clone();
        Callback::from(move |event: InputEvent| {
            text.set(event.target_unchecked_into::<web_sys::HtmlInputElement>().value());
        })
    };
    let toggle = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    let cards = found.iter().take(shown).map(|event| {
        let (navigator, id) = (navigator.clone(), event.id);
        html! { <EventCard key={event.id.to_string()} event={event.clone()} on_book={move |()| navigator.push(&Route::seats(id))} /> }
    });
    html! {
        <section aria-labelledby="upcoming">
            <div class="section-head">
                <h2 id="upcoming">{ "Upcoming events" }</h2>
                <label class="search"><span class="visually-hidden">{ "Find an event" }</span><Icon name="search" />
                    <input class="input" type="search" placeholder="Find an event" value={(*text).clone()} oninput={on_input} /></label>
                if found.len() > CARDS_AT_FIRST && wanted.is_empty() {
                    <button class="button quiet" aria-expanded={all.to_string()} onclick={toggle}>
                        { if *all { "Show fewer".to_owned() } else { format!("See all {}", found.len()) } }<Icon name="right" />
                    </button>
                }
            </div>
            if let Some(failure) = props.events.failure.clone() {
                <FailureNotice {failure} old_shown={props.events.value.is_some()} again={props.refresh.again.clone()} />
            }
            if props.events.loading() { <Skeleton lines={4} /> }
            if props.events.value.is_some() && found.is_empty() {
                <div class="card">
                    if wanted.is_empty() { <Empty title="No events yet" text="When an organization opens one that you may book, it is here." /> }
                    else { <Empty title="No event has that name" text="Try another word." /> }
                </div>
            }
            <ul class="cards">{ for cards }</ul>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct OrganizedProps {
    scope: Option<OrgId>,
    refresh: Refresh,
}

/// Events that the person runs.
#[component]
fn Organized(props: &OrganizedProps) -> Html {
    let mine = use_resource((props.scope, props.refresh.count), |(org, _)| async move { api::events(org, true).await });
    let rows = mine.value.iter().flatten().map(|event| {
        let date = format::date_line(event.event_date, &event.time_zone);
        let sold = event.total_slots - event.available_slots;
        html! {
            <li class="organized" key={event.id.to_string()}>
                <Leaf at={event.event_date} zone={event.time_zone.clone()} />
                <div><h3>{ &event.name }</h3><p class="small muted">{ format!("{} · {date}", event.org.name) }</p></div>
                <dl class="numbers">
                    <div><dt>{ "Booked" }</dt><dd>{ format!("{} of {}", format::number(i64::from(sold)), format::number(i64::from(event.total_slots))) }</dd></div>
                    <div><dt>{ "Waiting" }</dt><dd>{ format::number(event.waiting_bookings) }</dd></div>
                    <div><dt>{ "People" }</dt><dd>{ event.people.map_or_else(|| "-".to_owned(), format::number) }</dd></div>
                </dl>
            </li>
        }
    });
    html! {
        <section class="section" aria-labelledby="organized">
            <div class="section-head"><h2 id="organized">{ "Organized by you" }</h2></div>
            if let Some(failure) = mine.failure.clone() {
                <FailureNotice {failure} old_shown={mine.value.is_some()} again={props.refresh.again.clone()} />
            }
            if mine.loading() { <Skeleton lines={3} /> }
            if mine.value.as_ref().is_some_and(Vec::is_empty) {
                <div class="card"><Empty title="You run no event" text="Events that you create are here, with their numbers." /></div>
            } else if mine.value.is_some() {
                <ul class="card list">{ for rows }</ul>
            }
        </section>
    }
}
