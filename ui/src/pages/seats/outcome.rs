//! The result of the last try to book.

use yew::prelude::*;

use crate::components::{Banner, Countdown, Tone, icon};
use crate::features::failure;
use crate::features::selection::{Selection, Step, Wish};

/// Milliseconds after which the app says that it still waits for the answer.
const LONG_MS: u32 = 5_000;

#[derive(Properties, PartialEq)]
pub(super) struct OutcomeProps {
    pub(super) selection: UseReducerHandle<Selection>,
    pub(super) send: Callback<(Wish, String)>,
}

/// The failure of the last try to book. When the server asks to wait, the app retries by itself, with the same key.
#[component]
pub(super) fn Outcome(props: &OutcomeProps) -> Html {
    let failed = match props.selection.step() {
        Step::Failed { wish, key, failure, unsure } => Some((wish.clone(), key.clone(), failure.clone(), *unsure)),
        _ => None,
    };
    {
        let send = props.send.clone();
        // depends on the number of failures, too: the next failure can equal the last one, and the state between the
        // two may not have been drawn
        use_effect_with((failed.clone(), props.selection.failures()), move |(failed, _)| {
            let again = failed.clone().and_then(|(wish, key, failure, unsure)| {
                let wait_s = failure::of_booking(&failure, unsure).wait_s?.clamp(1, 60);
                let wait_ms = u32::try_from(wait_s).unwrap_or(60) * 1000;
                Some(gloo_timers::callback::Timeout::new(wait_ms, move || send.emit((wish, key))))
            });
            move || drop(again)
        });
    }
    if props.selection.busy() {
        return html! { <StillWaiting /> };
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
            if let Some(seconds) = words.wait_s { <Countdown key={seconds} {seconds} /> }
            if words.again { <button id="again" class="button small" onclick={again}>{ icon("retry") }{ "Try again" }</button> }
        </Banner>
    }
}

/// Shows nothing at first; after [`LONG_MS`], says that the answer has not come yet.
#[component]
fn StillWaiting() -> Html {
    let long = use_state(|| false);
    {
        let long = long.clone();
        use_effect_with((), move |()| {
            let timer = gloo_timers::callback::Timeout::new(LONG_MS, move || long.set(true));
            move || drop(timer)
        });
    }
    if !*long {
        return Html::default();
    }
    html! { <Banner tone={Tone::Wait} title="Still booking">{ "The answer takes longer than usual. You will not be booked twice." }</Banner> }
}
