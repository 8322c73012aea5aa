//! The person's bookings, grouped by event.

use happening_api::{ApiFailure, Booking, BookingStatus, EventStatus};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api;
use crate::app::Tell;
use crate::components::{Banner, Dialog, Empty, FailureNotice, Icon, Leaf, Skeleton, Tone};
use crate::features::failure;
use crate::format;
use crate::resource::{Refresh, Resource};
use crate::route::Route;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) bookings: Resource<Vec<Booking>>,
    pub(crate) refresh: Refresh,
    pub(crate) tell: Tell,
}

/// Bookings that hold or want something, of events that are not over; soonest event first.
fn groups(all: &[Booking]) -> Vec<Vec<Booking>> {
    let mut groups: Vec<Vec<Booking>> = Vec::new();
    let current = |one: &&Booking| {
        let open = |status| matches!(status, EventStatus::Upcoming | EventStatus::Ongoing);
        one.status != BookingStatus::Cancelled && one.event.as_ref().is_some_and(|event| open(event.status))
    };
    for booking in all.iter().filter(current) {
        match groups.iter_mut().find(|group| group[0].event_id == booking.event_id) {
            Some(group) => group.push(booking.clone()),
            None => groups.push(vec![booking.clone()]),
        }
    }
    groups.sort_by_key(|group| group[0].event.as_ref().map(|event| event.event_date));
    groups
}

/// The section.
#[component]
pub(crate) fn Bookings(props: &Props) -> Html {
    let cancelling = use_state(|| None::<Booking>);
    let groups = groups(props.bookings.value.as_deref().unwrap_or_default());
    let ask = {
        let cancelling = cancelling.clone();
        Callback::from(move |booking: Booking| cancelling.set(Some(booking)))
    };
    let close = {
        let cancelling = cancelling.clone();
        Callback::from(move |()| cancelling.set(None))
    };
    let rows = groups.iter().map(|group| {
        html! { <Group key={group[0].event_id.to_string()} bookings={group.clone()} on_cancel={ask.clone()} refresh={props.refresh.clone()} tell={props.tell.clone()} /> }
    });
    html! {
        <section class="section" aria-labelledby="yours">
            <div class="section-head"><h2 id="yours">{ "Your events" }</h2></div>
            if let Some(failure) = props.bookings.failure.clone() {
                <FailureNotice {failure} old_shown={props.bookings.value.is_some()} again={props.refresh.again.clone()} />
            }
            if props.bookings.loading() { <Skeleton lines={3} /> }
            if props.bookings.value.is_some() {
                if groups.is_empty() {
                    <div class="card"><Empty title="You have no bookings" text="Choose an event above; your seats are here afterwards." /></div>
                } else {
                    <ul class="card list">{ for rows }</ul>
                }
            }
            if let Some(booking) = (*cancelling).clone() {
                <Cancel {booking} refresh={props.refresh.clone()} tell={props.tell.clone()} on_close={close} />
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    bookings: Vec<Booking>,
    on_cancel: Callback<Booking>,
    refresh: Refresh,
    tell: Tell,
}

#[component]
fn Group(props: &GroupProps) -> Html {
    let Some(event) = props.bookings[0].event.clone() else { return Html::default() };
    let held: i64 = props.bookings.iter().map(|one| one.seat_numbers.len() as i64).sum();
    let count = props.bookings.len();
    let bookings = if count == 1 { String::new() } else { format!("{count} bookings, ") };
    let line = format!("{} · {bookings}{}", format::date_line(event.event_date, &event.time_zone), format::seats(held));
    html! {
        <li class="booking">
            <Leaf at={event.event_date} zone={event.time_zone.clone()} />
            <div class="booking-facts">
                <div><h3>{ &event.name }</h3><p class="small muted">{ line }</p></div>
                { for props.bookings.iter().map(|booking| html! {
                    <Line key={booking.id.to_string()} booking={booking.clone()} on_cancel={props.on_cancel.clone()} refresh={props.refresh.clone()} tell={props.tell.clone()} />
                }) }
            </div>
        </li>
    }
}

#[derive(Properties, PartialEq)]
struct LineProps {
    booking: Booking,
    on_cancel: Callback<Booking>,
    refresh: Refresh,
    tell: Tell,
}

#[component]
fn Line(props: &LineProps) -> Html {
    let navigator = use_navigator().expect("inside the router");
    let booking = &props.booking;
    let claiming = use_state(|| None::<String>);
    let failed = use_state(|| None::<ApiFailure>);
    let manage = {
        let id = booking.id;
        Callback::from(move |_: MouseEvent| navigator.push(&Route::manage(id)))
    };
    let cancel = {
        let (on_cancel, booking) = (props.on_cancel.clone(), booking.clone());
        Callback::from(move |_: MouseEvent| on_cancel.emit(booking.clone()))
    };
    let free = booking.event.as_ref().map_or(0, |event| event.available_slots);
    let claim = {
        let (id, claiming, failed) = (booking.id, claiming, failed.clone());
        let (refresh, tell) = (props.refresh.clone(), props.tell.clone());
        Callback::from(move |_: MouseEvent| {
            // trying again after a failure is the same click
            let key = (*claiming).clone().unwrap_or_else(api::new_key);
            claiming.set(Some(key.clone()));
            let (claiming, failed, refresh, tell) = (claiming.clone(), failed.clone(), refresh.clone(), tell.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::claim(id, key).await {
                    Ok(booking) => {
                        claiming.set(None);
                        failed.set(None);
                        tell.emit(format!("You now hold {}.", format::seat_list(&booking.seat_numbers)));
                    }
                    Err(failure) => {
                        if matches!(failure, ApiFailure::Refused { .. }) {
                            claiming.set(None);
                        }
                        failed.set(Some(failure));
                    }
                }
                refresh.again.emit(());
            });
        })
    };
    let waits = booking.waiting_seats > 0;
    html! {
        <>
            <div class="booking-line">
                if booking.status == BookingStatus::Confirmed {
                    <span class="chip good"><Icon name="check" />{ "Confirmed" }</span>
                    <span class="small muted">{ "Seats" }</span>
                    { for booking.seat_numbers.iter().map(|seat| html! { <span class="seat-chip">{ format::number(i64::from(*seat)) }</span> }) }
                }
                if waits {
                    <span class="chip wait"><Icon name="clock" />{ format!("{} on the waitlist", format::ordinal(booking.position.unwrap_or(1))) }</span>
                    <span class="small muted">{ format!("waits for {}", format::seats(i64::from(booking.waiting_seats))) }</span>
                }
                <span class="booking-actions">
                    if waits && free > 0 {
                        <button class="button small" onclick={claim}>{ format!("Take the {} free now", free.min(booking.waiting_seats)) }</button>
                    }
                    if !booking.seat_numbers.is_empty() {
                        <button class="button small" onclick={manage}>{ "Manage seats" }</button>
                    }
                    <button class="button small quiet danger" onclick={cancel}>{ if booking.seat_numbers.is_empty() { "Leave waitlist" } else { "Cancel booking" } }</button>
                </span>
            </div>
            if let Some(failure) = (*failed).clone() {
                { failure_banner(&failure) }
            }
        </>
    }
}

/// A write that failed, in words.
pub(super) fn failure_banner(failure: &ApiFailure) -> Html {
    let words = failure::of_write(failure);
    html! { <Banner tone={Tone::Bad} title={words.title}>{ words.text }</Banner> }
}

#[derive(Properties, PartialEq)]
struct CancelProps {
    booking: Booking,
    refresh: Refresh,
    tell: Tell,
    on_close: Callback<()>,
}

/// Confirms a cancellation: names the seats and what happens.
#[component]
fn Cancel(props: &CancelProps) -> Html {
    let busy = use_state(|| false);
    let failed = use_state(|| None::<ApiFailure>);
    let booking = &props.booking;
    let name = booking.event.as_ref().map(|event| event.name.clone()).unwrap_or_default();
    let go = {
        let (id, busy, failed) = (booking.id, busy.clone(), failed.clone());
        let (refresh, tell, on_close, name) =
            (props.refresh.clone(), props.tell.clone(), props.on_close.clone(), name.clone());
        Callback::from(move |_: MouseEvent| {
            busy.set(true);
            let (busy, failed, refresh, tell) = (busy.clone(), failed.clone(), refresh.clone(), tell.clone());
            let (on_close, name) = (on_close.clone(), name.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match api::cancel_booking(id).await {
                    Ok(_) => {
                        tell.emit(format!("Your booking for {name} is cancelled."));
                        on_close.emit(());
                    }
                    Err(failure) => failed.set(Some(failure)),
                }
                busy.set(false);
                refresh.again.emit(());
            });
        })
    };
    let keep = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    let waiting_only = booking.seat_numbers.is_empty();
    let title = if waiting_only { "Leave the waitlist?" } else { "Cancel this booking?" };
    html! {
        <Dialog title={title} subtitle={html! { name }} on_close={props.on_close.clone()}>
            <div class="dialog-body stack">
                if waiting_only {
                    <p>{ format!("You give up your place, {} on the waitlist.", format::ordinal(booking.position.unwrap_or(1))) }</p>
                } else {
                    <p>{ format!("You give up {}. People who wait get them first.", format::seat_list(&booking.seat_numbers)) }</p>
                }
                <p class="soft">{ "You cannot undo this." }</p>
                if let Some(failure) = (*failed).clone() { { failure_banner(&failure) } }
            </div>
            <footer class="dialog-foot">
                <button class="button" onclick={keep}>{ "Keep it" }</button>
                <button id="confirm-cancel" class="button danger" disabled={*busy} aria-busy={busy.to_string()} onclick={go}>{ if waiting_only { "Leave the waitlist" } else { "Cancel the booking" } }</button>
            </footer>
        </Dialog>
    }
}
