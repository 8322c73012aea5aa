//! Choosing seats: the map, the same seats as a list beside it, and the result of booking them.

mod list;
mod outcome;
mod panel;

use std::rc::Rc;

use happening_api::{ApiFailure, Booking, ClaimSeats, Event, SEATS_PER_BOOKING_MAX};
use happening_halls::Hall;
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use self::panel::Panel;
use crate::api::{self, endpoint};
use crate::components::{Dialog, FailureNotice, skeleton};
use crate::features::failure;
use crate::features::holding::Holding;
use crate::features::selection::{Action, SeatState, Selection, Step, Wish};
use crate::focus::focus;
use crate::here::use_here;
use crate::presence::{Presence, use_presence};
use crate::route::SeatsWish;
use crate::seat_map::{SeatCanvas, legend};
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event_id: Uuid,
    pub(crate) on_close: Callback<()>,
}

/// The dialog for choosing and booking seats of an event.
#[component]
pub(crate) fn Seats(props: &Props) -> Html {
    let here = use_here();
    let presence = use_presence();
    let wish = use_location().and_then(|location| location.query::<SeatsWish>().ok()).unwrap_or_default();
    let selection = use_reducer(|| Selection::new(wish.seats.clamp(1, SEATS_PER_BOOKING_MAX)));
    let id = props.event_id;
    let event = store::use_read(endpoint::Event { event_id: id.into() });
    // an old map must not be shown, since the person chooses seats on it at once
    let map = store::use_fresh_read(endpoint::Seats { event_id: id.into() });
    let user = here.me.id;
    let own = store::use_read(endpoint::MyBookings { user_id: user });
    // seats that the person waits for count towards the limit, too; while their bookings are unknown, only the held
    // seats count
    let have = own.value.as_ref().map(|own| Holding::of(own, id.into()));
    {
        let selection = selection.dispatcher();
        use_effect_with((map.value.clone(), event.value.clone(), have), move |(map, event, have)| {
            if let (Some(map), Some(event)) = (map, event) {
                let have = have.map_or(map.mine.len() as i32, Holding::counted);
                selection.dispatch(Action::Limit(
                    event.max_seats_per_user.map_or(SEATS_PER_BOOKING_MAX, |max| max - have).min(map.total),
                ));
                selection.dispatch(Action::Map((**map).clone()));
            }
        });
    }
    let hall = {
        let known = event.value.as_ref().map(|event| (event.category, event.total_slots));
        use_memo(known, |known| known.map(|(category, total)| Rc::new(Hall::new(category, total))))
    };
    use_together_at_first(wish.together, (*hall).as_ref(), &selection);
    let event_failure = event.failure.clone();
    let (Some(event), Some(hall), true) = (event.value, (*hall).clone(), map.value.is_some()) else {
        return html! {
            <Dialog title="Choose your seats" class={classes!("large")} on_close={props.on_close.clone()}>
                <div class="dialog-body stack">
                    if let Some(failure) = event_failure.or(map.failure.clone()) { <FailureNotice {failure} /> }
                    else { { skeleton(8) } }
                </div>
            </Dialog>
        };
    };
    if let (Some(max), Some(have)) = (event.max_seats_per_user, have)
        && have.counted() >= max
        && matches!(selection.step(), Step::Choosing)
    {
        return html! {
            <Dialog title="Choose your seats" subtitle={html! { event.name.clone() }} on_close={props.on_close.clone()}>
                <div class="dialog-body"><p>{ have.sentence(Some(max)).unwrap_or_default() }</p></div>
            </Dialog>
        };
    }
    let read_failure = event_failure.or(map.failure);
    let send = sender(props.on_close.clone(), &event, selection.clone(), presence);
    let on_toggle = {
        let selection = selection.dispatcher();
        Callback::from(move |seat| selection.dispatch(Action::Toggle(seat)))
    };
    let on_add = {
        let selection = selection.dispatcher();
        Callback::from(move |seats| selection.dispatch(Action::Add(seats)))
    };
    let on_best = {
        let (selection, hall) = (selection.clone(), hall.clone());
        Callback::from(move |()| choose_best(&hall, &selection))
    };
    let free = format!(
        "{} of {} free",
        format::number(i64::from(selection.free())),
        format::number(i64::from(event.total_slots))
    );
    let subtitle = html! { <>{ format!("{} · {} · ", event.name, format::date_line(event.event_date, &event.time_zone)) }<span role="status">{ free }</span></> };
    html! {
        <Dialog title="Choose your seats" {subtitle} class={classes!("large")} on_close={props.on_close.clone()} closable={!selection.busy()}>
            <div class="seat-pick" onkeydown={go_on_by_f6}>
                <SeatCanvas hall={hall.clone()} states={selection.states().clone()} start={selection.chosen().first().copied().unwrap_or(1)} {on_toggle} {on_add} on_best={on_best.clone()} />
                <div class="seat-legend">{ shapes(&selection) }{ keys() }</div>
                <Panel {hall} {selection} event={(*event).clone()} failure={read_failure} {send} {on_best} />
            </div>
        </Dialog>
    }
}

/// Chooses the best seats together.
fn choose_best(hall: &Hall, selection: &UseReducerHandle<Selection>) {
    let best = hall.best_together(selection.party() as usize, |seat| selection.can_choose(seat));
    // keeps the present choice if there are not enough seats together
    if !best.is_empty() {
        selection.dispatch(Action::Choose(best));
    }
}

/// Chooses the best seats once, as soon as the seats are known, if the person asked for that.
#[hook]
fn use_together_at_first(wanted: bool, hall: Option<&Rc<Hall>>, selection: &UseReducerHandle<Selection>) {
    let (hall, selection) = (hall.cloned(), selection.clone());
    use_effect_with(hall.is_some() && !selection.states().is_empty(), move |known| {
        if let (true, true, Some(hall)) = (wanted, *known, hall) {
            choose_best(&hall, &selection);
        }
    });
}

/// Sends a booking; a new click has a new key, and a retry has the same.
fn sender(
    on_close: Callback<()>,
    event: &Event,
    selection: UseReducerHandle<Selection>,
    presence: Presence,
) -> Callback<(Wish, String)> {
    let event = event.clone();
    Callback::from(move |(wish, key): (Wish, String)| {
        // an earlier try with this key may have succeeded
        let unsure = matches!(selection.step(), Step::Failed { key: before, unsure: true, .. } if *before == key);
        selection.dispatch(Action::Send { wish: wish.clone(), key: key.clone() });
        let (selection, event, on_close, presence) =
            (selection.dispatcher(), event.clone(), on_close.clone(), presence.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let result = book(&event, &wish, key).await;
            store::changed();
            match &result {
                Ok((booking, None)) => said::tell(told(booking, &event)),
                Ok((booking, Some(failure))) => {
                    said::warn(format!("{}{}", told(booking, &event), told_of_claim(failure)));
                }
                Err(failed) if !presence.lasts() => said::warn(failure::of_left(failed, unsure)),
                Err(_) => {}
            }
            if presence.lasts() {
                if result.is_ok() {
                    on_close.emit(());
                }
                selection.dispatch(Action::Answer(Box::new(result.map(|(booking, _)| booking))));
            }
        });
    })
}

/// Books seats, and claims the free ones at once if the person wished that. Returns the booking, and the failure of the
/// claim.
async fn book(event: &Event, wish: &Wish, key: String) -> Result<(Booking, Option<ApiFailure>), ApiFailure> {
    let booking = api::ask(endpoint::CreateBooking { key: key.clone(), body: wish.body(event.id) }).await?;
    if !matches!(wish, Wish::WaitAndTake(_)) || booking.waiting_seats == 0 {
        return Ok((booking, None));
    }
    match api::ask(endpoint::Claim {
        booking_id: booking.id,
        key: format!("{key}-claim"),
        body: ClaimSeats { seats: None },
    })
    .await
    {
        Ok(booking) => Ok((booking, None)),
        Err(failure) => Ok((booking, Some(failure))),
    }
}

/// Says why a claim failed. The booking keeps its position, and its page offers the free seats again.
fn told_of_claim(failure: &ApiFailure) -> &'static str {
    match failure {
        ApiFailure::Refused { .. } => " Somebody was faster with the free seats.",
        failure if failure::is_unsure(failure) => {
            " We don't know yet whether you got the free seats: look at the booking."
        }
        _ => " The free seats could not be taken just now: try it on the booking's page.",
    }
}

fn told(booking: &Booking, event: &Event) -> String {
    let waits = booking.waiting_seats;
    match (booking.seat_numbers.is_empty(), waits) {
        (false, 0) => format!(
            "Booked: {} for {}. The confirmation is on its way to you.",
            format::seat_list(&booking.seat_numbers),
            event.name
        ),
        (false, more) => format!(
            "You got {}. You still wait for {more} more and keep your place.",
            format::seat_list(&booking.seat_numbers)
        ),
        (true, _) => {
            let place = format::ordinal(booking.position.or(booking.waiting_number.map(i64::from)).unwrap_or(1));
            format!("You are {place} on the waitlist. We tell you when you get a seat; you do not have to be online.")
        }
    }
}

/// F6 moves the focus from the map to the list, to the chosen seats, and back to the map; with Shift in the other
/// direction.
fn go_on_by_f6(event: KeyboardEvent) {
    const PARTS: [&str; 3] = [".hall-canvas", ".seat-list", ".seat-summary"];
    if event.key() != "F6" {
        return;
    }
    event.prevent_default();
    let document = gloo::utils::document();
    let part = |at: usize| document.query_selector(PARTS[at]).ok().flatten();
    let focused = document.active_element();
    let now = (0..PARTS.len()).find(|at| part(*at).is_some_and(|part| part.contains(focused.as_deref())));
    let next = match (now, event.shift_key()) {
        (None, _) => 0,
        (Some(now), false) => (now + 1) % PARTS.len(),
        (Some(now), true) => (now + PARTS.len() - 1) % PARTS.len(),
    };
    focus(PARTS[next]);
}

/// The legend of the map; it explains lost seats only while there are any.
fn shapes(selection: &Selection) -> Html {
    let lost = selection.lost().is_empty();
    let all = [SeatState::Free, SeatState::Chosen, SeatState::Own, SeatState::Taken, SeatState::Lost];
    legend(&all[..all.len() - usize::from(lost)])
}

fn keys() -> Html {
    html! {
        <p class="seat-keys"><kbd>{ "←" }</kbd><kbd>{ "↑" }</kbd><kbd>{ "→" }</kbd><kbd>{ "↓" }</kbd>{ " move " }<kbd>{ "Space" }</kbd>{ " choose " }<kbd>{ "+" }</kbd><kbd>{ "−" }</kbd>{ " zoom " }<kbd>{ "B" }</kbd>{ " best " }<kbd>{ "F6" }</kbd>{ " list" }</p>
    }
}
