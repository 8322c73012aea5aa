//! Choosing seats: the map, the same seats as a list beside it, and what booking them came to.

use std::rc::Rc;

use happening_api::{ApiFailure, Booking, Event};
use uuid::Uuid;
use yew::prelude::*;

use crate::api;
use crate::components::{Banner, Countdown, Dialog, FailureNotice, Stepper, Tone, icon, skeleton};
use crate::features::failure;
use crate::features::selection::{Action, SeatState, Selection, Step, Wish};
use crate::format;
use crate::here::{Here, use_here};
use crate::presence::{Presence, use_presence};
use crate::resource::use_resource;
use crate::seat_map::SeatCanvas;
use happening_halls::Hall;

const PARTY_AT_FIRST: i32 = 2;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event_id: Uuid,
    pub(crate) on_close: Callback<()>,
}

/// The dialog.
#[component]
pub(crate) fn Seats(props: &Props) -> Html {
    let here = use_here();
    let presence = use_presence();
    let selection = use_reducer(|| Selection::new(PARTY_AT_FIRST));
    let id = props.event_id;
    let event = use_resource(format!("seats of {id}: event"), here.refresh.count, move || api::event(id.into()));
    let map = use_resource(format!("seats of {id}: map"), here.refresh.count, move || api::seats(id.into()));
    {
        let selection = selection.dispatcher();
        use_effect_with((map.value.clone(), event.value.clone()), move |(map, event)| {
            if let (Some(map), Some(event)) = (map, event) {
                let mine = map.mine.len() as i32;
                selection.dispatch(Action::Limit(event.max_seats_per_user.map_or(50, |max| max - mine).min(map.total)));
                selection.dispatch(Action::Map((**map).clone()));
            }
        });
    }
    let hall = {
        let known = event.value.as_ref().map(|event| (event.category, event.total_slots));
        use_memo(known, |known| known.map(|(category, total)| Rc::new(Hall::new(category, total))))
    };
    let (Some(event), Some(hall), true) = (event.value.clone(), (*hall).clone(), map.value.is_some()) else {
        return html! {
            <Dialog title="Choose your seats" class={classes!("large")} on_close={props.on_close.clone()}>
                <div class="dialog-body stack">
                    if let Some(failure) = event.failure.clone().or(map.failure.clone()) { <FailureNotice {failure} again={here.refresh.again.clone()} /> }
                    else { { skeleton(8) } }
                </div>
            </Dialog>
        };
    };
    let send = sender(&here, props.on_close.clone(), &event, selection.clone(), presence);
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
        Callback::from(move |()| {
            let best = hall.best_together(selection.party() as usize, |seat| selection.can_choose(seat));
            selection.dispatch(Action::Choose(best));
        })
    };
    let free = format!(
        "{} of {} free",
        format::number(i64::from(selection.free())),
        format::number(i64::from(event.total_slots))
    );
    let subtitle =
        html! { format!("{} · {} · {free}", event.name, format::date_line(event.event_date, &event.time_zone)) };
    html! {
        <Dialog title="Choose your seats" {subtitle} class={classes!("large")} on_close={props.on_close.clone()} closable={!selection.busy()}>
            <div class="seat-pick">
                <SeatCanvas hall={hall.clone()} states={selection.states().clone()} start={selection.chosen().first().copied().unwrap_or(1)} {on_toggle} {on_add} on_best={on_best.clone()} />
                { legend() }
                <Panel {hall} {selection} event={(*event).clone()} {send} {on_best} />
            </div>
        </Dialog>
    }
}

/// Sends a wish; the key is new for a new click and the same for a next try.
fn sender(
    here: &Here,
    on_close: Callback<()>,
    event: &Event,
    selection: UseReducerHandle<Selection>,
    presence: Presence,
) -> Callback<(Wish, String)> {
    let (event, here) = (event.clone(), here.clone());
    Callback::from(move |(wish, key): (Wish, String)| {
        // an earlier try with this key may have booked
        let unsure = matches!(selection.step(), Step::Failed { key: before, unsure: true, .. } if *before == key);
        selection.dispatch(Action::Send { wish: wish.clone(), key: key.clone() });
        let (selection, event, here, on_close, presence) =
            (selection.dispatcher(), event.clone(), here.clone(), on_close.clone(), presence.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let result = book(&event, &wish, key).await;
            here.refresh.again.emit(());
            match &result {
                Ok(booking) => here.tell.emit(told(booking, &event)),
                Err(failed) if !presence.lasts() => here.warn.emit(failure::of_left(failed, unsure)),
                Err(_) => {}
            }
            if presence.lasts() {
                if result.is_ok() {
                    on_close.emit(());
                }
                selection.dispatch(Action::Answer(Box::new(result)));
            }
        });
    })
}

async fn book(event: &Event, wish: &Wish, key: String) -> Result<Booking, ApiFailure> {
    let booking = api::create_booking(key.clone(), wish.body(event.id)).await?;
    if !matches!(wish, Wish::WaitAndTake(_)) || booking.waiting_seats == 0 {
        return Ok(booking);
    }
    match api::claim(booking.id, format!("{key}-claim"), None).await {
        Ok(booking) => Ok(booking),
        // somebody was faster, or no answer came: the place on the waitlist stays, and the list that is read next says the rest
        Err(_) => Ok(booking),
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

fn legend() -> Html {
    html! {
        <div class="seat-legend">
            <ul aria-label="What the shapes mean">
                <li><svg viewBox="0 0 16 16" aria-hidden="true"><rect class="free" x="2" y="2" width="12" height="12" rx="3" /></svg>{ "Free" }</li>
                <li><svg viewBox="0 0 16 16" aria-hidden="true"><rect class="mine" x="1" y="1" width="14" height="14" rx="4" /><path class="tick-mark" d="m4.500 8.300 2.400 2.400 4.600-5" /></svg>{ "Chosen" }</li>
                <li><svg viewBox="0 0 16 16" aria-hidden="true"><rect class="mine" x="1.500" y="1.500" width="13" height="13" rx="3.500" /><circle class="own-dot" cx="8" cy="8" r="2.200" /></svg>{ "Yours already" }</li>
                <li><svg viewBox="0 0 16 16" aria-hidden="true"><circle class="taken" cx="8" cy="8" r="5" /></svg>{ "Taken" }</li>
            </ul>
            <p class="seat-keys"><kbd>{ "←" }</kbd><kbd>{ "↑" }</kbd><kbd>{ "→" }</kbd><kbd>{ "↓" }</kbd>{ " move " }<kbd>{ "Space" }</kbd>{ " choose " }<kbd>{ "+" }</kbd><kbd>{ "−" }</kbd>{ " zoom " }<kbd>{ "B" }</kbd>{ " best" }</p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct PanelProps {
    hall: Rc<Hall>,
    selection: UseReducerHandle<Selection>,
    event: Event,
    send: Callback<(Wish, String)>,
    on_best: Callback<()>,
}

/// Party size, what is chosen, the list, and the one thing to do.
#[component]
fn Panel(props: &PanelProps) -> Html {
    let selection = &props.selection;
    let party = selection.party();
    let on_party = {
        let selection = selection.dispatcher();
        Callback::from(move |party| selection.dispatch(Action::Party(party)))
    };
    let best = {
        let on_best = props.on_best.clone();
        Callback::from(move |_: MouseEvent| on_best.emit(()))
    };
    let none_together = props.hall.best_together(party as usize, |seat| selection.can_choose(seat)).is_empty();
    let best_label = match (party, selection.lost().is_empty()) {
        (1, _) => "Best seat".to_owned(),
        (more, true) => format!("Best {more} seats together"),
        (more, false) => format!("Find {more} together again"),
    };
    html! {
        <aside class="seat-panel" aria-label="Your selection">
            <div class="stack">
                <div class="row spread">
                    <b>{ "How many seats?" }</b>
                    <Stepper label="How many seats" value={party} min={1} max={selection.party_max()} on_change={on_party} />
                </div>
                if !selection.too_few() {
                    <button id="best" class="button wide" disabled={none_together || selection.busy()} onclick={best}>{ icon("together") }{ best_label }</button>
                    if none_together && party > 1 { { apart(props, party) } }
                }
            </div>
            <div class="stack">{ conflict(selection) }{ picked(selection) }<Outcome selection={selection.clone()} send={props.send.clone()} /></div>
            <SeatList hall={props.hall.clone()} selection={selection.clone()} />
            <div class="seat-foot stack">{ actions(props) }</div>
        </aside>
    }
}

/// No row has so many side by side: the closest that there are.
fn apart(props: &PanelProps, party: i32) -> Html {
    let selection = &props.selection;
    let closest = props.hall.closest(party as usize, |seat| selection.can_choose(seat));
    if closest.is_empty() {
        return Html::default();
    }
    let words = format!("No {party} seats together are left. The closest are {}.", format::seat_list(&closest));
    let take = {
        let selection = selection.dispatcher();
        Callback::from(move |_: MouseEvent| selection.dispatch(Action::Choose(closest.clone())))
    };
    html! { <><p class="small muted">{ words }</p><button id="closest" class="button wide" disabled={selection.busy()} onclick={take}>{ format!("Choose these {party}") }</button></> }
}

fn conflict(selection: &Selection) -> Html {
    let lost = selection.lost();
    if lost.is_empty() {
        return Html::default();
    }
    let were = if lost.len() == 1 { "was" } else { "were" };
    let kept = selection.chosen();
    let still = match kept.len() {
        0 => String::new(),
        1 => format!(" {} is still free.", format::capitalized(&format::seat_list(&kept))),
        _ => format!(" {} are still free.", format::capitalized(&format::seat_list(&kept))),
    };
    html! {
        <Banner tone={Tone::Bad} title={format!("{} {were} just taken", format::capitalized(&format::seat_list(&lost)))}>
            { format!("Somebody was a moment faster.{still} Nothing is booked yet.") }
        </Banner>
    }
}

fn picked(selection: &UseReducerHandle<Selection>) -> Html {
    let chosen = selection.chosen();
    let open = (selection.party() - chosen.len() as i32).max(0);
    let words = match (chosen.len(), open) {
        (0, _) => "None chosen yet".to_owned(),
        (some, 0) => format!("{some} chosen"),
        (some, _) => format!("{some} of {} chosen", selection.party()),
    };
    let drop_seat = |seat: i32| {
        let selection = selection.dispatcher();
        Callback::from(move |_: MouseEvent| selection.dispatch(Action::Toggle(seat)))
    };
    html! {
        <>
            <div class="row spread"><h3>{ "Your seats" }</h3><span class="small muted" role="status">{ words }</span></div>
            <div class="row">
                { for selection.lost().into_iter().map(|seat| html! { <span class="seat-chip lost">{ seat }<span class="visually-hidden">{ " just taken" }</span></span> }) }
                { for chosen.into_iter().map(|seat| html! {
                    <span class="seat-chip">{ seat }<button aria-label={format!("Do not take seat {seat}")} onclick={drop_seat(seat)}>{ icon("close") }</button></span>
                }) }
                { for (0..open.min(6)).map(|_| html! { <span class="seat-chip open" aria-hidden="true">{ "Choose" }</span> }) }
            </div>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct OutcomeProps {
    selection: UseReducerHandle<Selection>,
    send: Callback<(Wish, String)>,
}

/// What the last try came to, when it was not a booking. When the server asks to wait, the same click is tried again by
/// itself, with the same key.
#[component]
fn Outcome(props: &OutcomeProps) -> Html {
    let failed = match props.selection.step() {
        Step::Failed { wish, key, failure, unsure } => Some((wish.clone(), key.clone(), failure.clone(), *unsure)),
        _ => None,
    };
    {
        let send = props.send.clone();
        use_effect_with(failed.clone(), move |failed| {
            let again = failed.clone().and_then(|(wish, key, failure, unsure)| {
                let wait_s = failure::of_booking(&failure, unsure).wait_s?.clamp(1, 60);
                let wait_ms = u32::try_from(wait_s).unwrap_or(60) * 1000;
                Some(gloo_timers::callback::Timeout::new(wait_ms, move || send.emit((wish, key))))
            });
            move || drop(again)
        });
    }
    let Some((wish, key, failure, unsure)) = failed else { return Html::default() };
    let words = failure::of_booking(&failure, unsure);
    let again = {
        let send = props.send.clone();
        Callback::from(move |_: MouseEvent| send.emit((wish.clone(), key.clone())))
    };
    html! {
        <Banner tone={Tone::Bad} title={words.title}>
            <p>{ words.text }</p>
            if let Some(seconds) = words.wait_s { <Countdown {seconds} /> }
            if words.again { <button id="again" class="button small" onclick={again}>{ icon("retry") }{ "Try again" }</button> }
        </Banner>
    }
}

fn actions(props: &PanelProps) -> Html {
    let selection = &props.selection;
    if props.event.status != happening_api::EventStatus::Upcoming {
        return html! { <Banner tone={Tone::Wait} title="Too late">{ "This event takes no bookings any more." }</Banner> };
    }
    let send = |wish: Wish| {
        let send = props.send.clone();
        Callback::from(move |_: MouseEvent| send.emit((wish.clone(), api::new_key())))
    };
    let busy = selection.busy();
    let (party, free) = (selection.party(), selection.free());
    if selection.too_few() {
        return too_few(party, free, busy, send);
    }
    let chosen = selection.chosen();
    let count = chosen.len() as i32;
    let label = match count {
        0 => format!("Book {}", format::seats(i64::from(party))),
        some if some < party => format!("Book only {}", format::seats(i64::from(some))),
        some => format!("Book {}", format::seats(i64::from(some))),
    };
    html! {
        <>
            <button id="book" class="button primary wide" disabled={count == 0 || busy} aria-busy={busy.to_string()} onclick={send(Wish::Chosen(chosen))}>{ label }</button>
            <p class="small muted centred">{ "You can give seats back before the start." }</p>
        </>
    }
}

/// Three plain choices, each with what it means.
fn too_few(party: i32, free: i32, busy: bool, send: impl Fn(Wish) -> Callback<MouseEvent>) -> Html {
    let (wanted, now) = (format::seats(i64::from(party)), format::seats(i64::from(free)));
    let rest = format::seats(i64::from(party - free));
    html! {
        <>
            <p class="small soft">{ if free == 0 { "This event is full.".to_owned() } else { format!("Only {now} free, and you want {party}.") } }</p>
            if free > 0 {
                <button id="take-free" class="button wide" disabled={busy} onclick={send(Wish::Free(free))}>{ format!("Take {now} now, no more") }</button>
                <button id="take-and-wait" class="button wide" disabled={busy} onclick={send(Wish::WaitAndTake(party))}>{ format!("Take {now} and wait for {rest}") }</button>
            }
            <button id="wait" class="button primary wide" disabled={busy} aria-busy={busy.to_string()} onclick={send(Wish::Wait(party))}>{ format!("Wait for all {wanted}") }</button>
            <p class="small muted centred">{ "Seats that come free reach you by themselves, in the order of joining." }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ListProps {
    hall: Rc<Hall>,
    selection: UseReducerHandle<Selection>,
}

/// Rows that the list shows at once: a hall of 100,000 seats has hundreds.
const ROWS_SHOWN: usize = 60;

/// All free seats, by rows of numbers: what the map can do, this can do.
#[component]
fn SeatList(props: &ListProps) -> Html {
    let open = use_state(|| None::<usize>);
    let from = use_state(|| 0usize);
    let rows = use_memo(props.hall.clone(), |hall| hall.rows());
    let selection = &props.selection;
    let from_row = (*from).min(rows.len().saturating_sub(1));
    let row = |(at, (first, last)): (usize, (i32, i32))| {
        let is_open = *open == Some(at);
        let free: Vec<i32> = (first..=last).filter(|seat| selection.can_choose(*seat)).collect();
        let toggle = {
            let open = open.clone();
            Callback::from(move |_: MouseEvent| open.set((!is_open).then_some(at)))
        };
        let count = if free.is_empty() { "full".to_owned() } else { format!("{} free", free.len()) };
        html! {
            <li key={first}>
                <button class="seat-row" aria-expanded={is_open.to_string()} onclick={toggle}>{ icon("right") }{ format!("Seats {} to {}", format::number(i64::from(first)), format::number(i64::from(last))) }<span>{ count }</span></button>
                if is_open {
                    <div class="seat-options">{ for free.into_iter().map(|seat| option(selection, seat)) }</div>
                }
            </li>
        }
    };
    let turn = |to: usize, words: &'static str| {
        let from = from.clone();
        html! { <button class="button small wide" onclick={move |_| from.set(to)}>{ words }</button> }
    };
    let shown = rows.iter().copied().enumerate().skip(from_row).take(ROWS_SHOWN);
    html! {
        <div class="seat-list" role="region" aria-label="All free seats" tabindex="0">
            if from_row > 0 { { turn(from_row.saturating_sub(ROWS_SHOWN), "Seats before these") } }
            <ul>{ for shown.map(row) }</ul>
            if from_row + ROWS_SHOWN < rows.len() { { turn(from_row + ROWS_SHOWN, "Seats after these") } }
        </div>
    }
}

fn option(selection: &UseReducerHandle<Selection>, seat: i32) -> Html {
    let toggle = {
        let selection = selection.dispatcher();
        Callback::from(move |_: MouseEvent| selection.dispatch(Action::Toggle(seat)))
    };
    let chosen = selection.state_of(seat) == SeatState::Chosen;
    html! { <button key={seat} class="seat-option" aria-pressed={chosen.to_string()} aria-label={format!("Seat {seat}")} onclick={toggle}>{ seat }</button> }
}
