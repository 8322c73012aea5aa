//! An event's numbers, and what happened at it.

use chrono::{DateTime, Utc};
use happening_api::{ActivityEntry, Event};
use yew::prelude::*;

use crate::components::{Empty, icon};
use crate::format;

/// The four numbers at the top.
pub(super) fn numbers(event: &Event, activity: &[ActivityEntry], now: DateTime<Utc>) -> Html {
    let today = format::event_date(now, &format::own_zone()).date;
    let moved: Vec<&ActivityEntry> = activity
        .iter()
        .filter(|one| {
            one.action == "booking_promoted" && format::event_date(one.created_at, &format::own_zone()).date == today
        })
        .collect();
    let seats: usize = moved.iter().map(|one| one.seat_numbers.len()).sum();
    let number = |name: &str, value: String, note: String| html! { <div><dt>{ name.to_owned() }</dt><dd><b>{ value }</b><span>{ note }</span></dd></div> };
    let booked = i64::from(event.total_slots - event.available_slots);
    html! {
        <dl class="card big-numbers">
            { number("Booked", format::number(booked), format!("of {}", format::seats(i64::from(event.total_slots)))) }
            { number("Free", format::number(i64::from(event.available_slots)), "seats".to_owned()) }
            { number("Waitlist", format::number(event.waiting_bookings), format!("bookings, {} wanted", format::seats(event.waiting_seats))) }
            { number("Moved up today", format::number(seats as i64), format!("seats, in {}", format::count(moved.len() as i64, "booking", "bookings"))) }
        </dl>
    }
}

/// What happened, in sentences, newest first.
pub(super) fn activity(entries: &[ActivityEntry]) -> Html {
    if entries.is_empty() {
        return html! { <Empty title="Nothing has happened yet" text="Bookings, cancellations and edits are told here." /> };
    }
    let rows = entries.iter().take(12).map(|entry| {
        let seats = format::seat_list(&entry.seat_numbers);
        let person = entry.person.clone().unwrap_or_else(|| "Somebody".to_owned());
        let actor = entry.actor.clone().unwrap_or_else(|| "Somebody".to_owned());
        let staff = entry.actor_id.is_some() && entry.actor != entry.person;
        let (picture, text) = match entry.action.as_str() {
            "booking_created" if staff && entry.seat_numbers.is_empty() => ("clock", html! { <><b>{ actor }</b>{ format!(" put {person} on the waitlist") }</> }),
            "booking_created" if staff => ("check", html! { <><b>{ actor }</b>{ format!(" gave {seats} to {person}") }</> }),
            "booking_created" if entry.seat_numbers.is_empty() => ("clock", html! { <><b>{ person }</b>{ " joined the waitlist" }</> }),
            "booking_created" => ("check", html! { <><b>{ person }</b>{ format!(" booked {seats}") }</> }),
            "booking_promoted" => ("up", html! { <><b>{ person }</b>{ format!(" got {seats}") }</> }),
            "booking_claimed" => ("up", html! { <><b>{ person }</b>{ format!(" took {seats}") }</> }),
            "booking_cancelled" | "booking_seats_cancelled" if staff => ("minus", html! { <><b>{ actor }</b>{ format!(" took {seats} from {person}") }</> }),
            "booking_seats_cancelled" => ("minus", html! { <><b>{ person }</b>{ format!(" gave up {seats}") }</> }),
            "booking_cancelled" if entry.seat_numbers.is_empty() => ("minus", html! { <><b>{ person }</b>{ " left the waitlist" }</> }),
            "booking_cancelled" => ("minus", html! { <><b>{ person }</b>{ format!(" cancelled and gave up {seats}") }</> }),
            "booking_waitlist_ended" => ("clock", html! { <><b>{ person }</b>{ " waited until the event started" }</> }),
            "event_created" => ("plus", html! { <><b>{ actor }</b>{ " created the event" }</> }),
            "event_updated" => ("edit", html! { <><b>{ actor }</b>{ " changed the event" }</> }),
            "event_cancelled" => ("close", html! { <><b>{ actor }</b>{ " cancelled the event" }</> }),
            other => ("edit", html! { { other.replace('_', " ") } }),
        };
        html! {
            <li key={entry.id.to_string()}>
                { icon(picture) }
                <div><p class="small">{ text }</p>if let Some(reason) = entry.reason.clone() { <p class="small muted">{ reason }</p> }</div>
                <time class="small muted" datetime={entry.created_at.to_rfc3339()}>{ format::moment(entry.created_at) }</time>
            </li>
        }
    });
    html! { <ul class="activity" tabindex="0" aria-label="Recent activity">{ for rows }</ul> }
}
