//! The time, for words such as "today" or "expires in two days".

use chrono::{DateTime, Utc};
use yew::prelude::*;

use crate::format;

const EVERY_MS: u32 = 60_000;

/// The time now. A component that uses it is drawn again every minute.
#[hook]
pub(crate) fn use_now() -> DateTime<Utc> {
    let redraw = use_force_update();
    use_effect_with((), move |()| {
        let timer = gloo_timers::callback::Interval::new(EVERY_MS, move || redraw.force_update());
        move || drop(timer)
    });
    format::now()
}
