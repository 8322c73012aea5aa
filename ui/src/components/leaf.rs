//! A leaf of a calendar: month and day.

use chrono::{DateTime, Utc};
use yew::prelude::*;

use crate::format;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) at: DateTime<Utc>,
    pub(crate) zone: String,
}

/// Month and day of a date; the date stands beside it in words.
#[component]
pub(crate) fn Leaf(props: &Props) -> Html {
    let date = format::event_date(props.at, &props.zone);
    html! { <div class="leaf" aria-hidden="true"><span>{ date.month }</span><b>{ date.day }</b></div> }
}
