//! The dialog in which staff book seats for a person who has or had a booking at the event, with a reason.

use happening_api::{
    ApiFailure, Booking, CreateBooking, ErrorCode, Event, EventStatus, OnConflict, SEATS_PER_BOOKING_MAX,
};
use yew::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Banner, Confirm, Field, Stepper, Tone, value_of};
use crate::features::failure;
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    pub(super) event: Event,
    /// A booking of the person who gets the seats.
    pub(super) of: Booking,
    pub(super) on_close: Callback<()>,
}

/// The dialog in which staff book seats for a person, with a reason.
#[component]
pub(super) fn StaffGive(props: &Props) -> Html {
    let write = use_write();
    let event = &props.event;
    let seats = use_state(|| 1);
    let reason = use_state(String::new);
    let key = use_state(api::new_key);
    let on_seats = {
        let seats = seats.clone();
        Callback::from(move |count: i32| seats.set(count))
    };
    let on_reason = {
        let reason = reason.clone();
        Callback::from(move |event: InputEvent| reason.set(value_of(&event)))
    };
    let name = props.of.user.as_ref().map_or_else(|| "Somebody".to_owned(), |user| user.name.clone());
    let free = event.available_slots;
    let most = free.min(SEATS_PER_BOOKING_MAX);
    // another person may have booked some of the free seats since they were counted
    let count = (*seats).clamp(1, most.max(1));
    let on_go = {
        let body = CreateBooking {
            event_id: event.id,
            seats: count,
            seat_numbers: None,
            on_conflict: OnConflict::Reject,
            waitlist: false,
            user_id: Some(props.of.user_id),
            reason: Some((*reason).clone()),
        };
        let (write, on_close, key, name) = (write.clone(), props.on_close.clone(), (*key).clone(), name.clone());
        Callback::from(move |()| {
            let (on_close, key, name, body) = (on_close.clone(), key.clone(), name.clone(), body.clone());
            write.start_keyed(move || {
                let (on_close, key, name, body) = (on_close.clone(), key.clone(), name.clone(), body.clone());
                async move {
                    let made = api::ask(endpoint::CreateBooking { key, body }).await;
                    store::changed();
                    let got = format::seat_list(&made?.seat_numbers);
                    said::tell(format!("{name} has {got} now, and is told, with your reason."));
                    on_close.emit(());
                    Ok(())
                }
            });
        })
    };
    let wrong = |field: &str| write.failure().and_then(|failure| failure::field(failure, field));
    let sold_out = matches!(write.failure(), Some(ApiFailure::Refused { body, .. }) if body.code == ErrorCode::SoldOut);
    let notice = if sold_out {
        html! { <Banner tone={Tone::Bad} title="Fewer seats are free now">{ "Somebody was faster. Choose again how many." }</Banner> }
    } else {
        write.notice()
    };
    let when = if event.status == EventStatus::Ongoing { "The event has started; " } else { "" };
    html! {
        <Confirm title="Give free seats" subtitle={html! { name.clone() }} label={format!("Give {}", format::seats(i64::from(count)))} keep="Close" harmless=true
            busy={write.busy()} {notice} disabled={most < 1 || reason.trim().is_empty() || write.unsure()} {on_go} on_close={props.on_close.clone()}>
            if most < 1 {
                <p>{ "No seat is free." }</p>
            } else {
                <Field id="seats" label={format!("How many, of {} free", format::number(i64::from(free)))} error={wrong("user_id").or_else(|| wrong("seats"))}><Stepper label="Seats" value={count} min=1 max={most} on_change={on_seats} /></Field>
                <Field id="reason" label="Reason" error={wrong("reason")} hint={format!("{name} reads it. It is kept in the organization's log.")}>
                    <textarea id="reason" class="input area" aria-describedby="reason-note" maxlength="500" rows="3" value={(*reason).clone()} oninput={on_reason} />
                </Field>
                <p class="small soft">{ format!("{when}{name} gets the lowest free seats, as a booking of their own.") }</p>
            }
        </Confirm>
    }
}
