//! A moment in which buttons do nothing: something in front of the person has just changed, and a second click or a held key was
//! meant for what stood there before.

use yew::prelude::*;

/// Longer than the clicks of an impatient hand are apart.
const PAUSE_MS: u32 = 1_000;

/// True for a second after `what` has changed; `None` while it is not known, and becoming known is no change.
#[hook]
pub(crate) fn use_pause_after<T: PartialEq + Clone + 'static>(what: Option<T>) -> bool {
    // what the person has had time to see; the pause begins with the very drawing that shows something else
    let seen = use_state(|| what.clone());
    let pauses = seen.is_some() && *seen != what;
    use_effect_with((what, pauses), move |(what, pauses)| {
        let what = what.clone();
        let timer = if *pauses {
            Some(gloo_timers::callback::Timeout::new(PAUSE_MS, move || seen.set(what)))
        } else {
            if *seen != what {
                seen.set(what);
            }
            None
        };
        move || drop(timer)
    });
    pauses
}
