//! A person's bookings, grouped by event, with buttons for what can be done with each.

use happening_api::{Booking, BookingId, BookingStatus, CancelBooking, ClaimSeats, EventStatus};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Confirm, Leaf, icon};
use crate::route::Route;
use crate::write::{Write, use_write};
use crate::{format, said, store};

/// Groups bookings by event; the events are in the order of their dates, or in the opposite order.
pub(super) fn groups(bookings: impl Iterator<Item = Booking>, soonest_first: bool) -> Vec<Vec<Booking>> {
    let mut groups: Vec<Vec<Booking>> = Vec::new();
    for booking in bookings {
        match groups.iter_mut().find(|group| group[0].event_id == booking.event_id) {
            Some(group) => group.push(booking),
            None => groups.push(vec![booking]),
        }
    }
    groups.sort_by_key(|group| group[0].event.as_ref().map(|event| event.event_date));
    if !soonest_first {
        groups.reverse();
    }
    groups
}

/// Whether a booking holds or waits for seats of an event that is not over.
pub(super) fn is_current(booking: &Booking) -> bool {
    let open = |status| matches!(status, EventStatus::Upcoming | EventStatus::Ongoing);
    booking.status != BookingStatus::Cancelled && booking.event.as_ref().is_some_and(|event| open(event.status))
}

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    /// The bookings with their events, grouped by event.
    pub(super) groups: Vec<Vec<Booking>>,
    /// Leaves out the event's facts, because the page shows them above the list.
    #[prop_or_default]
    pub(super) bare: bool,
}

/// The list of a person's bookings.
#[component]
pub(super) fn BookingList(props: &Props) -> Html {
    let cancelling = use_state(|| None::<Booking>);
    let ask = {
        let cancelling = cancelling.clone();
        Callback::from(move |booking: Booking| cancelling.set(Some(booking)))
    };
    let close = {
        let cancelling = cancelling.clone();
        Callback::from(move |()| cancelling.set(None))
    };
    let lines = |group: &[Booking]| {
        let ask = ask.clone();
        group
            .iter()
            .map(move |booking| html! { <Line key={booking.id.to_string()} booking={booking.clone()} on_cancel={ask.clone()} /> })
            .collect::<Html>()
    };
    let rows = props.groups.iter().map(|group| match (&group[0].event, props.bare) {
        (Some(event), false) => {
            let held: i64 = group.iter().map(|one| one.seat_numbers.len() as i64).sum();
            let several = if group.len() == 1 { String::new() } else { format!("{} bookings, ", group.len()) };
            let date = format::date_line(event.event_date, &event.time_zone);
            // no number of seats for a person who only waits: the line below says so
            let seats = if held == 0 { String::new() } else { format!(" · {several}{}", format::seats(held)) };
            html! {
                <li class="booking" key={event.id.to_string()}>
                    <Leaf at={event.event_date} zone={event.time_zone.clone()} />
                    <div class="booking-facts">
                        <div>
                            <h3><Link<Route> to={Route::event(event.id)} classes="card-link">{ event.name.clone() }</Link<Route>></h3>
                            <p class="small muted">{ format!("{date}{seats}") }</p>
                        </div>
                        { lines(group) }
                    </div>
                </li>
            }
        }
        _ => html! { <li class="booking bare" key={group[0].event_id.to_string()}><div class="booking-facts">{ lines(group) }</div></li> },
    });
    html! {
        <>
            <ul class="card list">{ for rows }</ul>
            if let Some(booking) = (*cancelling).clone() { <Cancel {booking} on_close={close} /> }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct LineProps {
    booking: Booking,
    on_cancel: Callback<Booking>,
}

/// Shows seats as small chips, and the number of further seats if there are many.
pub(super) fn seat_chips(seats: &[i32]) -> Html {
    const SHOWN: usize = 10;
    let chips = seats
        .iter()
        .take(SHOWN)
        .map(|seat| html! { <span class="seat-chip">{ format::number(i64::from(*seat)) }</span> });
    html! { <>{ for chips }if seats.len() > SHOWN { <span class="small muted">{ format!("and {} more", seats.len() - SHOWN) }</span> }</> }
}

#[component]
fn Line(props: &LineProps) -> Html {
    let navigator = use_navigator().expect("inside the router");
    let write = use_write();
    let booking = &props.booking;
    let go = |route: Route| {
        let navigator = navigator.clone();
        Callback::from(move |_: MouseEvent| navigator.push(&route))
    };
    let cancel = {
        let (on_cancel, booking) = (props.on_cancel.clone(), booking.clone());
        Callback::from(move |_: MouseEvent| on_cancel.emit(booking.clone()))
    };
    let free = booking.event.as_ref().map_or(0, |event| event.available_slots);
    let claim = claimer(&write, booking.id, None);
    let waits = booking.waiting_seats > 0;
    let open = is_current(booking) && booking.event.as_ref().is_some_and(|event| event.status == EventStatus::Upcoming);
    html! {
        <>
            <div class="booking-line">
                { status_chips(booking) }
                <span class="booking-actions">
                    if open && waits && free > 0 {
                        <button class="button small" disabled={write.busy() || write.unsure()} onclick={claim}>{ format!("Take the {} free now", free.min(booking.waiting_seats)) }</button>
                    }
                    <button class="button small quiet" onclick={go(Route::booking(booking.id))}>{ "Details" }</button>
                    if open && !booking.seat_numbers.is_empty() {
                        <button class="button small" onclick={go(Route::manage(booking.id))}>{ "Manage seats" }</button>
                    }
                    if open {
                        <button class="button small quiet danger" onclick={cancel}>{ if booking.seat_numbers.is_empty() { "Leave waitlist" } else { "Cancel booking" } }</button>
                    }
                </span>
            </div>
            { write.notice() }
        </>
    }
}

/// Claims free seats for a booking that waits: exactly `seats`, or as many as are free and wanted. While the result of
/// a claim is unknown, the person cannot click again, because that would be another claim.
pub(super) fn claimer(write: &Write, id: BookingId, seats: Option<i32>) -> Callback<MouseEvent> {
    let write = write.clone();
    Callback::from(move |_: MouseEvent| {
        let key = api::new_key();
        write.start_keyed(move || {
            let key = key.clone();
            async move {
                let result = api::ask(endpoint::Claim { booking_id: id, key, body: ClaimSeats { seats } }).await;
                store::changed();
                said::tell(format!("You now hold {}.", format::seat_list(&result?.seat_numbers)));
                Ok(())
            }
        });
    })
}

/// A booking's status and seats, as chips and text.
pub(super) fn status_chips(booking: &Booking) -> Html {
    html! {
        <>
            if booking.status == BookingStatus::Confirmed {
                <span class="chip good">{ icon("check") }{ "Confirmed" }</span>
                <span class="small muted">{ "Seats" }</span>
                { seat_chips(&booking.seat_numbers) }
            }
            if booking.status == BookingStatus::Cancelled {
                <span class="chip">{ icon("close") }{ "Cancelled" }</span>
            }
            if booking.waiting_seats > 0 {
                <span class="chip wait">{ icon("clock") }{ format!("{} on the waitlist", format::ordinal(booking.position.unwrap_or(1))) }</span>
                <span class="small muted">{ format!("waits for {}", format::seats(i64::from(booking.waiting_seats))) }</span>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct CancelProps {
    pub(super) booking: Booking,
    pub(super) on_close: Callback<()>,
}

/// The dialog that asks before a booking is cancelled: names the seats and what happens.
#[component]
pub(super) fn Cancel(props: &CancelProps) -> Html {
    let write = use_write();
    let booking = &props.booking;
    let name = booking.event.as_ref().map(|event| event.name.clone()).unwrap_or_default();
    let on_go = {
        let (id, write, name, on_close) = (booking.id, write.clone(), name.clone(), props.on_close.clone());
        Callback::from(move |()| {
            let (name, on_close) = (name.clone(), on_close.clone());
            write.start(move || {
                let (name, on_close) = (name.clone(), on_close.clone());
                async move {
                    let result =
                        api::ask(endpoint::CancelBooking { booking_id: id, body: CancelBooking { reason: None } })
                            .await;
                    store::changed();
                    result?;
                    said::tell(format!("Your booking for {name} is cancelled."));
                    on_close.emit(());
                    Ok(())
                }
            });
        })
    };
    let waiting_only = booking.seat_numbers.is_empty();
    let (title, label) = if waiting_only {
        ("Leave the waitlist?", "Leave the waitlist")
    } else {
        ("Cancel this booking?", "Cancel the booking")
    };
    html! {
        <Confirm {title} {label} subtitle={html! { name }} keep="Keep it" busy={write.busy()} notice={write.notice()} {on_go} on_close={props.on_close.clone()}>
            if waiting_only {
                <p>{ format!("You give up your place, {} on the waitlist.", format::ordinal(booking.position.unwrap_or(1))) }</p>
            } else {
                <p>{ format!("You give up {}. People who wait get them first.", format::seat_list(&booking.seat_numbers)) }</p>
                if booking.waiting_seats > 0 { <p>{ format!("You also give up your place on the waitlist, for {} more.", format::seats(i64::from(booking.waiting_seats))) }</p> }
            }
            <p class="soft">{ "You cannot undo this." }</p>
        </Confirm>
    }
}
