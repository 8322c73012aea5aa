//! An event at a glance.

use happening_api::{Category, Event, Visibility};
use yew::prelude::*;

use super::{Leaf, icon};
use crate::format;

/// A card says that only few seats are left when fewer than this are free.
const FEW_SEATS: i32 = 10;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event: Event,
    pub(crate) on_book: Callback<()>,
    pub(crate) on_open: Callback<()>,
}

/// The pattern, icon and name of a kind of event.
pub(crate) fn kind(category: Option<Category>) -> (&'static str, &'static str, &'static str) {
    match category {
        Some(Category::Concert) => ("concert", "music", "Concert"),
        Some(Category::Webinar) => ("webinar", "screen", "Webinar"),
        Some(Category::Hackathon) => ("hackathon", "spark", "Hackathon"),
        None => ("plain", "calendar", "Event"),
    }
}

/// A card with the event's date, name and free seats, and a button for the one thing to do.
#[component]
pub(crate) fn EventCard(props: &Props) -> Html {
    let event = &props.event;
    let (pattern, picture, word) = kind(event.category);
    let date = format::event_date(event.event_date, &event.time_zone);
    let here = format::event_date(event.event_date, &format::own_zone());
    let own = match (here.date == date.date, here.time == date.time) {
        (true, true) => String::new(),
        (true, false) => format!(" ({} for you)", here.time),
        (false, _) => format!(" ({} at {} for you)", here.weekday, here.time),
    };
    let who = if event.visibility == Visibility::Public { "open to everyone" } else { "members only" };
    let book = {
        let on_book = props.on_book.clone();
        Callback::from(move |_: MouseEvent| on_book.emit(()))
    };
    let open = {
        let on_open = props.on_open.clone();
        Callback::from(move |_: MouseEvent| on_open.emit(()))
    };
    let full = event.available_slots == 0;
    html! {
        <li class="card event-card">
            <div class={classes!("poster", pattern)}><span class="chip">{ icon(picture) }{ word }</span></div>
            <Leaf at={event.event_date} zone={event.time_zone.clone()} />
            <div class="event-card-body">
                <p class="event-card-when">{ format!("{} at {}{own}", date.weekday, date.time) }</p>
                <div>
                    <h3><button class="card-link" onclick={open}>{ &event.name }</button></h3>
                    <p class="small muted">{ format!("{} · {who}", event.org.name) }</p>
                </div>
                { meter(event) }
                <button class={classes!("button", "wide", (!full).then_some("primary"))} onclick={book}
                    aria-label={format!("{}: {}", if full { "Join the waitlist" } else { "Book seats" }, event.name)}>
                    { if full { "Join the waitlist" } else { "Book seats" } }
                </button>
            </div>
        </li>
    }
}

/// A bar that shows how full the event is, and the same in words.
fn meter(event: &Event) -> Html {
    let free = i64::from(event.available_slots);
    let (class, picture, words) = match event.available_slots {
        0 if event.waiting_bookings > 0 => {
            ("full", Some("clock"), format!("Full · {} waiting", format::number(event.waiting_bookings)))
        }
        0 => ("full", Some("clock"), "Full".to_owned()),
        few if few < FEW_SEATS => ("few", Some("alert"), format!("Only {} left", format::seats(free))),
        _ => ("", None, format!("{} free", format::seats(free))),
    };
    html! {
        <div class={classes!("meter", class)}>
            { bar(event) }
            <div class="meter-words">
                <b>if let Some(picture) = picture { { icon(picture) } }{ words }</b>
                <span class="muted">{ format!("of {}", format::number(i64::from(event.total_slots))) }</span>
            </div>
        </div>
    }
}

/// A bar of twenty small seats, filled from the left. Screen readers skip it, because the text beside it says the same.
pub(crate) fn bar(event: &Event) -> Html {
    let taken = f64::from(event.total_slots - event.available_slots) / f64::from(event.total_slots.max(1)) * 100.0;
    html! {
        <svg class="meter-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <rect width="100" height="1" /><rect class="on" width={taken.to_string()} height="1" />
        </svg>
    }
}
