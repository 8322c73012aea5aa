//! The seats of the map as a list.

use std::rc::Rc;

use happening_halls::Hall;
use yew::prelude::*;

use crate::components::icon;
use crate::features::selection::{Action, SeatState, Selection};
use crate::format;

#[derive(Properties, PartialEq)]
pub(super) struct ListProps {
    pub(super) hall: Rc<Hall>,
    pub(super) selection: UseReducerHandle<Selection>,
}

/// Rows that the list shows at once, since a hall of 100,000 seats has hundreds.
const ROWS_SHOWN: usize = 60;

/// All free seats, grouped by row. People who cannot use the map can do the same here.
#[component]
pub(super) fn SeatList(props: &ListProps) -> Html {
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
