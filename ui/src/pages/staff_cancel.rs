//! The dialog in which staff cancel a person's booking or some of its seats, with a reason.

use std::collections::BTreeSet;

use happening_api::{Booking, CancelBooking, CancelSeats};
use yew::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Confirm, Field, value_of};
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    pub(super) booking: Booking,
    /// Whether the event has started; there is no waitlist after that.
    pub(super) started: bool,
    pub(super) on_close: Callback<()>,
}

/// The dialog in which staff cancel a person's booking, with a reason.
#[component]
pub(super) fn StaffCancel(props: &Props) -> Html {
    let write = use_write();
    let booking = &props.booking;
    let reason = use_state(String::new);
    let ticked = use_state(|| booking.seat_numbers.iter().copied().collect::<BTreeSet<i32>>());
    let toggle = |seat: i32| {
        let ticked = ticked.clone();
        Callback::from(move |_: Event| {
            let mut next = (*ticked).clone();
            if !next.remove(&seat) {
                next.insert(seat);
            }
            ticked.set(next);
        })
    };
    let on_reason = {
        let reason = reason.clone();
        Callback::from(move |event: InputEvent| reason.set(value_of(&event)))
    };
    let all = ticked.len() == booking.seat_numbers.len();
    let seats: Vec<i32> = ticked.iter().copied().collect();
    let on_go = {
        let (id, write, on_close, reason, seats) =
            (booking.id, write.clone(), props.on_close.clone(), reason.clone(), seats.clone());
        Callback::from(move |()| {
            let (on_close, reason, seats) = (on_close.clone(), (*reason).clone(), seats.clone());
            write.start(move || {
                let (on_close, reason, seats) = (on_close.clone(), Some(reason.clone()), seats.clone());
                async move {
                    let result = if all {
                        api::ask(endpoint::CancelBooking { booking_id: id, body: CancelBooking { reason } }).await
                    } else {
                        api::ask(endpoint::CancelSeats {
                            booking_id: id,
                            body: CancelSeats { seat_numbers: seats, reason },
                        })
                        .await
                    };
                    store::changed();
                    result?;
                    said::tell("Done. The person is told, with your reason.".to_owned());
                    on_close.emit(());
                    Ok(())
                }
            });
        })
    };
    let name = booking.user.as_ref().map_or_else(|| "Somebody".to_owned(), |user| user.name.clone());
    let label =
        if all { "Cancel the booking".to_owned() } else { format!("Take {}", format::seats(seats.len() as i64)) };
    let nothing = !booking.seat_numbers.is_empty() && seats.is_empty();
    html! {
        <Confirm title="Cancel this booking?" subtitle={html! { name.clone() }} {label} keep="Keep it" busy={write.busy()} notice={write.notice()}
            disabled={nothing || reason.trim().is_empty()} {on_go} on_close={props.on_close.clone()}>
            if let [seat] = booking.seat_numbers[..] { <p>{ format!("{name} holds seat {}.", format::number(i64::from(seat))) }</p> }
            if booking.seat_numbers.len() > 1 {
                <fieldset class="bare stack">
                    <legend>{ "Which seats" }</legend>
                    <div class="ticks">
                        { for booking.seat_numbers.iter().map(|seat| html! {
                            <label class="tick" key={*seat}><input type="checkbox" checked={ticked.contains(seat)} onchange={toggle(*seat)} /><b>{ format!("Seat {}", format::number(i64::from(*seat))) }</b></label>
                        }) }
                    </div>
                </fieldset>
            }
            <Field id="reason" label="Reason" hint={format!("{name} reads it. It is kept in the organization's log.")}>
                <textarea id="reason" class="input area" aria-describedby="reason-note" maxlength="500" rows="3" value={(*reason).clone()} oninput={on_reason} />
            </Field>
            <p class="small soft">{ if props.started { "The seats are free then; you can give them to somebody. You cannot undo this." } else { "Seats go to the waitlist first. You cannot undo this." } }</p>
        </Confirm>
    }
}
