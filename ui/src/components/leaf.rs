//! A small calendar leaf with month and day.

use chrono::{DateTime, Utc};
use yew::prelude::*;

use crate::format;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) at: DateTime<Utc>,
    pub(crate) zone: String,
}

/// The leaf for a date. Screen readers skip it, because the text beside it has the whole date.
#[component]
pub(crate) fn Leaf(props: &Props) -> Html {
    let date = format::event_date(props.at, &props.zone);
    html! { <div class="leaf" aria-hidden="true"><span>{ date.month }</span><b>{ date.day }</b></div> }
}
