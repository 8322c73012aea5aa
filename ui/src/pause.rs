//! A pause in which buttons do nothing after something on the screen has changed, because a second click or a held key
//! was meant for what the screen showed before.

use yew::prelude::*;

/// Longer than the time between two clicks of an impatient person.
const PAUSE_MS: u32 = 1_000;

/// Whether `what` has changed within the last second. `None` stands for an unknown value; the change from `None` to a
/// value does not count.
#[hook]
pub(crate) fn use_pause_after<T: PartialEq + Clone + 'static>(what: Option<T>) -> bool {
    // the value that the person has had time to see; the pause begins with the rendering that first shows another one
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
