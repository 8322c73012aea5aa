//! Typed words, which are sent when the person pauses.

use yew::prelude::*;

/// Milliseconds without typing before a search is sent.
const PAUSE_MS: u32 = 250;

/// What was typed, as it was when the typing paused last.
#[hook]
pub(crate) fn use_paused(typed: &str) -> UseStateHandle<String> {
    let words = use_state(String::new);
    {
        let words = words.clone();
        use_effect_with(typed.to_owned(), move |typed| {
            let typed = typed.clone();
            let timer = gloo_timers::callback::Timeout::new(PAUSE_MS, move || words.set(typed));
            move || drop(timer)
        });
    }
    words
}
