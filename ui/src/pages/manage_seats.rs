//! The dialog for giving back seats of a booking: the person ticks seats, reads what will happen, and confirms.

use std::collections::BTreeSet;

use happening_api::{Booking, BookingStatus, CancelSeats, Event as Happening};
use yew::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Banner, Dialog, Tone};
use crate::features::give_up;
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    pub(super) booking: Booking,
    pub(super) event: Happening,
    pub(super) on_close: Callback<()>,
}

/// The dialog in which a person gives seats of their booking back.
#[component]
pub(super) fn ManageSeats(props: &Props) -> Html {
    let (booking, event) = (&props.booking, &props.event);
    let subtitle = html! { format!("{} · {}", event.name, format::date_line(event.event_date, &event.time_zone)) };
    html! {
        <Dialog title="Which seats do you give up?" {subtitle} class={classes!("roomy")} on_close={props.on_close.clone()}>
            if booking.status == BookingStatus::Cancelled || booking.seat_numbers.is_empty() {
                <div class="dialog-body"><Banner tone={Tone::Wait} title="There is nothing to give up">{ "This booking holds no seats any more." }</Banner></div>
            } else if event.status != happening_api::EventStatus::Upcoming {
                <div class="dialog-body"><Banner tone={Tone::Wait} title="Too late">{ "The event has started or was cancelled." }</Banner></div>
            } else {
                <Ticks booking={booking.clone()} others_wait={event.waiting_bookings > 0} on_close={props.on_close.clone()} />
            }
        </Dialog>
    }
}

#[derive(Properties, PartialEq)]
struct TicksProps {
    booking: Booking,
    others_wait: bool,
    on_close: Callback<()>,
}

#[component]
fn Ticks(props: &TicksProps) -> Html {
    let ticked = use_state(BTreeSet::<i32>::new);

    let write = use_write();
    let booking = &props.booking;
    // ignores ticked seats that the booking no longer holds
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
        let (write, on_close) = (write.clone(), props.on_close.clone());
        Callback::from(move |_: MouseEvent| {
            let (on_close, seats, presence) = (on_close.clone(), seats.clone(), write.presence());
            write.start(move || {
                let (on_close, seats, presence) = (on_close.clone(), seats.clone(), presence.clone());
                async move {
                    let words = format::capitalized(&format::seat_list(&seats));
                    let result = api::ask(endpoint::CancelSeats {
                        booking_id: id,
                        body: CancelSeats { seat_numbers: seats, reason: None },
                    })
                    .await;
                    store::changed();
                    result?;
                    said::tell(format!("{words} given up."));
                    if presence.lasts() {
                        on_close.emit(());
                    }
                    Ok(())
                }
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
                { write.notice() }
            </div>
            <footer class="dialog-foot">
                <button class="button" onclick={keep}>{ "Keep all seats" }</button>
                <button id="give-up" class="button danger" disabled={count == 0 || write.busy()} aria-busy={write.busy().to_string()} onclick={go}>{ label }</button>
            </footer>
        </>
    }
}
