//! The panel beside the map: the number of seats, the chosen seats, the list, and the button for booking.

use std::rc::Rc;

use happening_api::{ApiFailure, Event};
use happening_halls::Hall;
use yew::prelude::*;

use super::list::SeatList;
use super::outcome::Outcome;
use crate::components::{Banner, FailureNotice, Stepper, Tone, icon};
use crate::features::selection::{Action, Selection, Step, Wish};
use crate::focus::focus;
use crate::pause::use_pause_after;
use crate::{api, format};

#[derive(Properties, PartialEq)]
pub(super) struct PanelProps {
    pub(super) hall: Rc<Hall>,
    pub(super) selection: UseReducerHandle<Selection>,
    pub(super) event: Event,
    /// Why the last try to read the seats again failed.
    pub(super) failure: Option<ApiFailure>,
    pub(super) send: Callback<(Wish, String)>,
    pub(super) on_best: Callback<()>,
}

/// The panel beside the map: how many seats, the chosen ones, the list, and the button that books.
#[component]
pub(super) fn Panel(props: &PanelProps) -> Html {
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
    let shown = (selection.lost(), selection.too_few(), failed(selection));
    let paused = use_pause_after(selection.is_known().then_some(shown));
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
                    <button id="best" class="button wide" disabled={none_together || selection.fixed()} onclick={best}>{ icon("together") }{ best_label }</button>
                    if none_together && party > 1 { { apart(props, party) } }
                }
            </div>
            <div class="stack seat-summary" tabindex="-1" role="group" aria-label="What you chose">
                if let Some(failure) = props.failure.clone() { <FailureNotice {failure} old_shown=true /> }
                { conflict(selection) }{ nearest(props) }{ picked(selection) }{ fewer(props, paused) }<Outcome selection={selection.clone()} send={props.send.clone()} />
            </div>
            <SeatList hall={props.hall.clone()} selection={selection.clone()} />
            <div class="seat-foot stack">{ actions(props, paused) }</div>
        </aside>
    }
}

/// Offers the closest free seats when no row has enough side by side.
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
    html! { <><p class="small muted">{ words }</p><button id="closest" class="button wide" disabled={selection.fixed()} onclick={take}>{ format!("Choose these {party}") }</button></> }
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
            { format!("Someone booked {} a moment before you.{still} Nothing is booked yet.", if lost.len() == 1 { "it" } else { "them" }) }
        </Banner>
    }
}

/// Offers replacements after a conflict: as many free seats as are missing, nearest to those still chosen, or to the
/// lost ones.
fn nearest(props: &PanelProps) -> Html {
    let selection = &props.selection;
    let (kept, lost) = (selection.chosen(), selection.lost());
    let missing = usize::try_from(selection.party()).unwrap_or_default().saturating_sub(kept.len());
    if lost.is_empty() || missing == 0 {
        return Html::default();
    }
    let beside = if kept.is_empty() { &lost } else { &kept };
    let free = |seat| selection.can_choose(seat) && !kept.contains(&seat);
    let nearest = props.hall.nearest(beside, missing, free);
    if nearest.is_empty() {
        return Html::default();
    }
    let words = format!("Take the nearest: {}", format::seat_list(&nearest));
    let take = {
        let selection = selection.dispatcher();
        Callback::from(move |_: MouseEvent| {
            selection.dispatch(Action::Add(nearest.clone()));
            focus(".seat-summary"); // the button is removed, and without this the focus would be lost
        })
    };
    html! { <button id="nearest" class="button wide" disabled={selection.fixed()} onclick={take}>{ words }</button> }
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
                { for selection.lost().into_iter().map(|seat| html! { <span class="seat-chip lost">{ format::number(i64::from(seat)) }<span class="visually-hidden">{ " just taken" }</span></span> }) }
                { for chosen.into_iter().map(|seat| html! {
                    <span class="seat-chip">{ format::number(i64::from(seat)) }<button aria-label={format!("Do not take seat {seat}")} onclick={drop_seat(seat)}>{ icon("close") }</button></span>
                }) }
                { for (0..open.min(6)).map(|_| html! { <span class="seat-chip open" aria-hidden="true">{ "Choose" }</span> }) }
            </div>
        </>
    }
}

/// The key of the failed try that the screen shows.
fn failed(selection: &Selection) -> Option<String> {
    match selection.step() {
        Step::Failed { key, .. } => Some(key.clone()),
        _ => None,
    }
}

/// A separate button that books only the chosen seats although the person wanted more, so that a click meant for the
/// button that books all never does this.
fn fewer(props: &PanelProps, paused: bool) -> Html {
    let selection = &props.selection;
    let chosen = selection.chosen();
    let count = chosen.len() as i32;
    if count == 0 || count >= selection.party() || selection.too_few() {
        return Html::default();
    }
    let send = {
        let send = props.send.clone();
        Callback::from(move |_: MouseEvent| send.emit((Wish::Chosen(chosen.clone()), api::new_key())))
    };
    let label = format!("Book only {}", format::seats(i64::from(count)));
    html! { <button id="book-fewer" class="button wide" disabled={paused || selection.fixed()} onclick={send}>{ label }</button> }
}

fn actions(props: &PanelProps, paused: bool) -> Html {
    let selection = &props.selection;
    if props.event.status != happening_api::EventStatus::Upcoming {
        return html! { <Banner tone={Tone::Wait} title="Too late">{ "This event takes no bookings any more." }</Banner> };
    }
    let send = |wish: Wish| {
        let send = props.send.clone();
        Callback::from(move |_: MouseEvent| send.emit((wish.clone(), api::new_key())))
    };
    let (busy, fixed) = (selection.busy(), selection.fixed() || paused);
    let (party, free) = (selection.party(), selection.free());
    if selection.too_few() {
        return too_few((party, free), (busy, fixed), send);
    }
    let chosen = selection.chosen();
    let count = chosen.len() as i32;
    let label = format!("Book {}", format::seats(i64::from(party.max(count))));
    html! {
        <>
            <button id="book" class="button primary wide" disabled={count < party || fixed} aria-busy={busy.to_string()} onclick={send(Wish::Chosen(chosen))}>{ label }</button>
            <p class="small muted centred">{ "You can give seats back before the start." }</p>
        </>
    }
}

/// Offers three choices when too few seats are free, and says what each means.
fn too_few(
    (party, free): (i32, i32),
    (busy, fixed): (bool, bool),
    send: impl Fn(Wish) -> Callback<MouseEvent>,
) -> Html {
    let (wanted, now) = (format::seats(i64::from(party)), format::seats(i64::from(free)));
    let rest = format::seats(i64::from(party - free));
    html! {
        <>
            <p class="small soft">{ if free == 0 { "This event is full.".to_owned() } else { format!("Only {now} free, and you want {party}.") } }</p>
            if free > 0 {
                <button id="take-free" class="button wide" disabled={fixed} onclick={send(Wish::Free(free))}>{ format!("Take {now} now, no more") }</button>
                <button id="take-and-wait" class="button wide" disabled={fixed} onclick={send(Wish::WaitAndTake(party))}>{ format!("Take {now} and wait for {rest}") }</button>
            }
            <button id="wait" class="button primary wide" disabled={fixed} aria-busy={busy.to_string()} onclick={send(Wish::Wait(party))}>{ format!("Wait for all {wanted}") }</button>
            <p class="small muted centred">{ "Seats that come free reach you by themselves, in the order of joining." }</p>
        </>
    }
}
