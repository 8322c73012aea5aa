//! Giving up seats of a booking: tick them, read what happens, do it.

use std::collections::BTreeSet;

use happening_api::{ApiFailure, Booking, BookingStatus};
use uuid::Uuid;
use yew::prelude::*;

use super::bookings::failure_banner;
use crate::api;
use crate::app::Tell;
use crate::components::{Banner, Dialog, FailureNotice, Skeleton, Tone};
use crate::features::give_up;
use crate::format;
use crate::resource::{Refresh, use_resource};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) booking_id: Uuid,
    pub(crate) refresh: Refresh,
    pub(crate) tell: Tell,
    pub(crate) on_close: Callback<()>,
}

/// The dialog.
#[component]
pub(crate) fn ManageSeats(props: &Props) -> Html {
    let read = use_resource((props.booking_id, props.refresh.count), |(id, _)| async move {
        let booking = api::booking(id.into()).await?;
        let event = api::event(booking.event_id).await?;
        Ok((booking, event))
    });
    let Some((booking, event)) = read.value.clone() else {
        return html! {
            <Dialog title="Which seats do you give up?" class={classes!("roomy")} on_close={props.on_close.clone()}>
                <div class="dialog-body stack">
                    if let Some(failure) = read.failure.clone() { <FailureNotice {failure} again={props.refresh.again.clone()} /> } else { <Skeleton lines={4} /> }
                </div>
            </Dialog>
        };
    };
    let subtitle = html! { format!("{} · {}", event.name, format::date_line(event.event_date, &event.time_zone)) };
    html! {
        <Dialog title="Which seats do you give up?" {subtitle} class={classes!("roomy")} on_close={props.on_close.clone()}>
            if booking.status == BookingStatus::Cancelled {
                <div class="dialog-body"><Banner tone={Tone::Wait} title="This booking was cancelled">{ "There is nothing left to give up." }</Banner></div>
            } else {
                <Ticks {booking} others_wait={event.waiting_bookings > 0} refresh={props.refresh.clone()} tell={props.tell.clone()} on_close={props.on_close.clone()} />
            }
        </Dialog>
    }
}

#[derive(Properties, PartialEq)]
struct TicksProps {
    booking: Booking,
    others_wait: bool,
    refresh: Refresh,
    tell: Tell,
    on_close: Callback<()>,
}

#[component]
fn Ticks(props: &TicksProps) -> Html {
    let ticked = use_state(BTreeSet::<i32>::new);
    let busy = use_state(|| false);
    let failed = use_state(|| None::<ApiFailure>);
    let booking = &props.booking;
    // a seat that is no longer held cannot be given up
    let chosen: BTreeSet<i32> = ticked.iter().copied().filter(|seat| booking.seat_numbers.contains(seat)).collect();
    let all = chosen.len() == booking.seat_numbers.len();
    let toggle = |seat: i32| {
        let (ticked, chosen) = (ticked.clone(), chosen.clone());
        Callback::from(move |_: Event| {
            let mut next = chosen.clone();
            if !next.remove(&seat) {
                next.insert(seat);
            }
            ticked.set(next);
        })
    };
    let toggle_all = {
        let (ticked, seats) = (ticked.clone(), booking.seat_numbers.clone());
        Callback::from(move |_: Event| ticked.set(if all { BTreeSet::new() } else { seats.iter().copied().collect() }))
    };
    let go = {
        let (id, seats): (_, Vec<i32>) = (booking.id, chosen.iter().copied().collect());
        let (busy, failed, refresh, tell, on_close) =
            (busy.clone(), failed.clone(), props.refresh.clone(), props.tell.clone(), props.on_close.clone());
        Callback::from(move |_: MouseEvent| {
            busy.set(true);
            let seats = seats.clone();
            let (busy, failed, refresh, tell, on_close) =
                (busy.clone(), failed.clone(), refresh.clone(), tell.clone(), on_close.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let words = format::capitalized(&format::seat_list(&seats));
                match api::cancel_seats(id, seats).await {
                    Ok(_) => {
                        tell.emit(format!("{words} given up."));
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
    let count = chosen.len() as i64;
    let label = if count == 0 { "Give up seats".to_owned() } else { format!("Give up {}", format::seats(count)) };
    html! {
        <>
            <div class="dialog-body stack loose">
                <fieldset class="bare stack">
                    <legend>{ "Tick the seats that you no longer need" }</legend>
                    <div class="ticks">
                        { for booking.seat_numbers.iter().map(|seat| html! {
                            <label class="tick" key={*seat}>
                                <input type="checkbox" checked={chosen.contains(seat)} onchange={toggle(*seat)} />
                                <b>{ format!("Seat {}", format::number(i64::from(*seat))) }</b>
                            </label>
                        }) }
                    </div>
                    if booking.seat_numbers.len() > 1 {
                        <label class="row small soft"><input type="checkbox" checked={all} onchange={toggle_all} />{ format!("Give up all {}", booking.seat_numbers.len()) }</label>
                    }
                </fieldset>
                <section class="card sunken pad stack" aria-live="polite">
                    <h3>{ "What happens" }</h3>
                    <ul class="stack small">{ for give_up::preview(booking, &chosen, props.others_wait).into_iter().map(|line| html! { <li>{ line }</li> }) }</ul>
                </section>
                if let Some(failure) = (*failed).clone() { { failure_banner(&failure) } }
            </div>
            <footer class="dialog-foot">
                <button class="button" onclick={keep}>{ "Keep all seats" }</button>
                <button id="give-up" class="button danger" disabled={count == 0 || *busy} aria-busy={busy.to_string()} onclick={go}>{ label }</button>
            </footer>
        </>
    }
}
