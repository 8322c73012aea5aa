//! The legend of the map's shapes.

use yew::prelude::*;

use crate::features::selection::SeatState;

/// A list of the shapes of these states, with their names.
pub(crate) fn legend(states: &[SeatState]) -> Html {
    let entries = states.iter().map(|state| {
        let (shape, name) = entry(*state);
        html! { <li><svg viewBox="0 0 16 16" aria-hidden="true">{ shape }</svg>{ name }</li> }
    });
    html! { <ul aria-label="What the shapes mean">{ for entries }</ul> }
}

fn entry(state: SeatState) -> (Html, &'static str) {
    match state {
        SeatState::Free => (html! { <rect class="free" x="2" y="2" width="12" height="12" rx="3" /> }, "Free"),
        SeatState::Chosen => (
            html! { <><rect class="mine" x="1" y="1" width="14" height="14" rx="4" /><path class="tick-mark" d="m4.500 8.300 2.400 2.400 4.600-5" /></> },
            "Chosen",
        ),
        SeatState::Own => (
            html! { <><rect class="mine" x="1.500" y="1.500" width="13" height="13" rx="3.500" /><circle class="own-dot" cx="8" cy="8" r="2.200" /></> },
            "Yours already",
        ),
        SeatState::Taken => (html! { <circle class="taken" cx="8" cy="8" r="5" /> }, "Taken"),
        SeatState::Lost => (
            html! { <><rect class="lost" x="2" y="2" width="12" height="12" rx="2" stroke-dasharray="3 2" /><path class="lost" d="m5.500 5.500 5 5m0-5-5 5" /></> },
            "Just taken",
        ),
    }
}
