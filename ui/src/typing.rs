//! Typed words, of which the app uses a version from the last pause in typing.

use yew::prelude::*;

/// Milliseconds without typing after which a search is sent.
const PAUSE_MS: u32 = 250;

/// The typed text at the last pause in typing.
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
