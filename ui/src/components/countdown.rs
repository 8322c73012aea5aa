//! Seconds until the app retries something.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) seconds: u64,
}

/// Counts down and does nothing at the end. If it is still shown after that, it starts again, because the retry failed
/// and the server asked for the same wait.
#[component]
pub(crate) fn Countdown(props: &Props) -> Html {
    let left = use_state(|| props.seconds);
    {
        let left = left.clone();
        use_effect_with((*left, props.seconds), move |(now, seconds)| {
            let next = now.checked_sub(1).unwrap_or(*seconds);
            let timer = gloo_timers::callback::Timeout::new(1_000, move || left.set(next));
            move || drop(timer)
        });
    }
    let words = match *left {
        0 => "Trying again now.".to_owned(),
        1 => "Trying again in 1 second.".to_owned(),
        more => format!("Trying again in {more} seconds."),
    };
    html! { <p class="small" role="timer">{ words }</p> }
}
