//! A booking: its seats or its position, what is ahead of it, and its history.

use chrono::{DateTime, Utc};
use happening_api::{Booking, BookingStatus, Event, EventStatus, HistoryAction, HistoryEntry, User, WaitlistMove};
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use super::booking_list::{Cancel, claimer, seat_chips};
use super::manage_seats::ManageSeats;
use crate::api::endpoint;
use crate::components::{Empty, FailureNotice, Stepper, back, head, icon, skeleton};
use crate::features::waiting;
use crate::here::use_here;
use crate::route::Route;
use crate::write::use_write;
use crate::{format, store};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) booking_id: Uuid,
    /// Whether the dialog for giving back seats is open.
    pub(crate) managing: bool,
}

/// The page of a booking.
#[component]
pub(crate) fn BookingPage(props: &Props) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let cancelling = use_state(|| false);
    let id = props.booking_id;
    let read = store::use_read(endpoint::Booking { booking_id: id.into() });
    let known = read.value.clone();
    let event = store::use_read_if(known.as_ref().map(|booking| endpoint::Event { event_id: booking.event_id }));
    let history = store::use_read(endpoint::BookingHistory { booking_id: id.into() });
    let waits = known.as_ref().is_some_and(|booking| booking.waiting_seats > 0);
    let moves = store::use_read_if(waits.then(|| endpoint::BookingWaitlist { booking_id: id.into() }));
    let moves_there = !waits || moves.value.is_some();
    let failure = read.failure.or(event.failure).or(history.failure).or(moves.failure);
    let (Some(booking), Some(event), Some(history), true) = (known, event.value, history.value, moves_there) else {
        return html! {
            <div class="page">
                { back(Route::Bookings, "My bookings") }
                if let Some(failure) = failure { <FailureNotice {failure} /> } else { { skeleton(6) } }
            </div>
        };
    };
    let (booking, event): (&Booking, &Event) = (&booking, &event);
    let moves = moves.value.filter(|_| waits).unwrap_or_default();
    let own = booking.user_id == here.me.id;
    let open = own && event.status == EventStatus::Upcoming && booking.status != BookingStatus::Cancelled;
    let go = |route: Route| {
        let navigator = navigator.clone();
        Callback::from(move |_: MouseEvent| navigator.push(&route))
    };
    let ask = {
        let cancelling = cancelling.clone();
        Callback::from(move |_: MouseEvent| cancelling.set(true))
    };
    let leave = if booking.seat_numbers.is_empty() { "Leave the waitlist" } else { "Cancel booking" };
    let actions = html! {
        <>
            <button class="button" onclick={go(Route::event(event.id))}>{ "View event" }</button>
            if open && !booking.seat_numbers.is_empty() { <button class="button" onclick={go(Route::manage(booking.id))}>{ "Manage seats" }</button> }
            if open { <button class="button quiet danger" onclick={ask}>{ leave }</button> }
        </>
    };
    let close = {
        let cancelling = cancelling.clone();
        Callback::from(move |()| cancelling.set(false))
    };
    let stop_managing = {
        let booking = booking.id;
        Callback::from(move |()| navigator.push(&Route::booking(booking)))
    };
    html! {
        <div class="page">
            { back(Route::Bookings, "My bookings") }
            { head(event.name.clone(), html! { format::date_line(event.event_date, &event.time_zone) }, actions) }
            if let Some(failure) = failure { <FailureNotice {failure} old_shown=true /> }
            <div class="with-side">
                <div class="stack loose">
                    <section class="card">
                        { standing(booking) }
                        if open && booking.waiting_seats > 0 && event.available_slots > 0 {
                            <Claim booking={booking.clone()} free={event.available_slots} />
                        }
                    </section>
                    <section aria-labelledby="history" class="stack">
                        <h2 id="history">{ "What happened so far" }</h2>
                        { happened(booking, event, &history, &moves) }
                    </section>
                </div>
                <aside class="stack" aria-label="About this booking">{ side(booking, &here.me) }</aside>
            </div>
            if *cancelling { <Cancel booking={with_event(booking, event)} on_close={close} /> }
            if props.managing { <ManageSeats booking={booking.clone()} event={event.clone()} on_close={stop_managing} /> }
        </div>
    }
}

/// Adds the event's facts to a booking, because the dialog needs the event's name: only bookings that were read as a
/// list come with these facts.
fn with_event(booking: &Booking, event: &Event) -> Booking {
    let facts = happening_api::BookingEvent {
        id: event.id,
        org_id: event.org_id,
        name: event.name.clone(),
        event_date: event.event_date,
        place: event.place.clone(),
        status: event.status,
        time_zone: event.time_zone.clone(),
        category: event.category,
        available_slots: event.available_slots,
    };
    Booking { event: Some(facts), ..booking.clone() }
}

/// The booking's status, seats and wait.
fn standing(booking: &Booking) -> Html {
    let waits = booking.waiting_seats > 0;
    html! {
        <>
            if booking.status == BookingStatus::Cancelled {
                <div class="card-part"><span class="chip">{ icon("close") }{ "Cancelled" }</span><p class="soft">{ "This booking has ended. It holds no seats, and waits for none." }</p></div>
            }
            if !booking.seat_numbers.is_empty() {
                <div class="card-part">
                    <div class="row"><span class="chip good">{ icon("check") }{ "Confirmed" }</span><span class="soft">{ format!("You hold {}", format::seats(booking.seat_numbers.len() as i64)) }</span></div>
                    <div class="row">{ seat_chips(&booking.seat_numbers) }</div>
                </div>
            }
            if waits {
                <div class="card-part place">
                    <p class="place-number"><b>{ format::ordinal(booking.position.unwrap_or(1)) }</b><span class="muted">{ "on the waitlist" }</span></p>
                    <div class="stack">
                        <span class="chip wait">{ icon("clock") }{ format!("Waiting for {}", format::seats(i64::from(booking.waiting_seats))) }</span>
                        <p>{ waiting::ahead(booking) }</p>
                    </div>
                </div>
            }
        </>
    }
}

fn side(booking: &Booking, me: &User) -> Html {
    let mailed = if me.email_verified {
        format!("In the app, and by e-mail to {}, unless you switched that off.", me.email)
    } else {
        format!("In the app. {} gets no mail until it is verified.", me.email)
    };
    html! {
        <>
            if booking.waiting_seats > 0 {
                <section class="card pad stack small soft">
                    <h3>{ "How the waitlist works" }</h3>
                    <p>{ "The order is the order of joining. Nobody can move ahead of you." }</p>
                    <p>{ "A seat that is given back goes to the next person at once. You do not have to be online." }</p>
                    <p>{ "You can get some of your seats early. You keep your place until you have all of them." }</p>
                    <p>{ "We tell you each time you get a seat." }</p>
                </section>
            }
            <section class="card pad stack small soft">
                <h3>{ "How we tell you" }</h3>
                <p>{ mailed }</p>
                <p><Link<Route> to={Route::Settings}>{ "Change how you are told" }</Link<Route>></p>
            </section>
        </>
    }
}

/// The booking's history and the changes ahead of it, newest first, in sentences.
fn happened(booking: &Booking, event: &Event, history: &[HistoryEntry], moves: &[WaitlistMove]) -> Html {
    if history.is_empty() {
        return html! { <div class="card"><Empty title="Nothing yet" text="Every change of this booking is told here." /></div> };
    }
    let place = waiting::place(booking).map(|sentence| {
        html! { <li class="step now">{ icon("clock") }<div><h3>{ sentence }</h3><p class="small soft">{ waiting::ahead(booking) }</p></div><time>{ "Now" }</time></li> }
    });
    let own = history.iter().map(|entry| {
        let picture = match entry.action {
            HistoryAction::Created => "plus",
            HistoryAction::Promoted | HistoryAction::Claimed => "up",
            HistoryAction::Cancelled => "close",
            HistoryAction::SeatsCancelled => "minus",
            HistoryAction::WaitlistEnded => "clock",
        };
        (
            entry.created_at,
            step(picture, waiting::told(entry, booking, event.total_slots), entry.reason.clone(), entry.created_at),
        )
    });
    let ahead = moves.iter().map(|change| {
        let picture = if change.to < change.from { "up" } else { "clock" };
        (change.created_at, step(picture, waiting::moved(change), None, change.created_at))
    });
    let mut steps: Vec<_> = own.chain(ahead).collect();
    steps.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! { <ol class="card steps">{ for place }{ for steps.into_iter().map(|(_, step)| step) }</ol> }
}

fn step(picture: &'static str, (title, text): (String, String), reason: Option<String>, at: DateTime<Utc>) -> Html {
    html! {
        <li class="step">
            { icon(picture) }
            <div>
                <h3>{ title }</h3>
                <p class="small soft">{ text }</p>
                if let Some(reason) = reason { <p class="small">{ format!("Reason: {reason}") }</p> }
            </div>
            <time datetime={at.to_rfc3339()}>{ format::moment(at) }</time>
        </li>
    }
}

#[derive(Properties, PartialEq)]
struct ClaimProps {
    booking: Booking,
    free: i32,
}

/// Offers free seats to a booking that waits. Seats stay free although people wait when they are fewer than the first
/// of them wants; everyone can book them.
#[component]
fn Claim(props: &ClaimProps) -> Html {
    let write = use_write();
    let fewer = use_state(|| None::<i32>);
    let most = props.free.min(props.booking.waiting_seats);
    let wanted = fewer.unwrap_or(most).clamp(1, most);
    let claim = claimer(&write, props.booking.id, fewer.is_some().then_some(wanted));
    let choose = {
        let fewer = fewer.clone();
        Callback::from(move |_: MouseEvent| fewer.set(Some((most - 1).max(1))))
    };
    let on_change = {
        let fewer = fewer.clone();
        Callback::from(move |count| fewer.set(Some(count)))
    };
    let rest = props.booking.waiting_seats - wanted;
    html! {
        <div class="card-part offer stack">
            <div>
                <h2 class="h3">{ format!("{} free right now", if props.free == 1 { "1 seat is".to_owned() } else { format!("{} seats are", format::number(i64::from(props.free))) }) }</h2>
                <p class="small">{ waiting::offer(props.free, props.booking.waiting_seats, rest) }</p>
            </div>
            <div class="row">
                <button id="claim" class="button primary" disabled={write.busy() || write.unsure()} aria-busy={write.busy().to_string()} onclick={claim}>
                    { if wanted == 1 { "Take 1 free seat now".to_owned() } else { format!("Take the {wanted} free seats now") } }
                </button>
                if fewer.is_some() { <Stepper label="How many of them" value={wanted} min={1} max={most} {on_change} /> }
                else if most > 1 { <button class="button quiet" onclick={choose}>{ "Take fewer" }</button> }
            </div>
            { write.notice() }
        </div>
    }
}
