//! One event's board, for its staff: numbers, seats, activity, waitlist, bookings, and what can be done with it.

use std::rc::Rc;

use happening_api::{ActivityEntry, Booking, BookingStatus, Download, DuplicateEvent, Event, EventStatus, SeatMap};
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use super::event::{save_file, status_chip, when};
use super::staff_cancel::StaffCancel;
use crate::api;
use crate::components::{Confirm, DateField, Empty, FailureNotice, Field, back, head, icon, skeleton, value_of};
use crate::features::event_draft::{Zones, parse_date};
use crate::features::failure;
use crate::features::selection::SeatState;
use crate::format::{self, BrowserZones};
use crate::here::use_here;
use crate::resource::use_resource;
use crate::route::Route;
use crate::seat_map::{SeatCanvas, legend};
use crate::write::use_write;
use happening_halls::Hall;

/// Bookings that a table shows before it is asked for more.
const ROWS_AT_FIRST: usize = 25;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event_id: Uuid,
}

/// What is open over the board.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    CancelEvent,
    DeleteEvent,
    Duplicate,
    Cancel(Box<Booking>),
}

struct Known {
    event: Event,
    map: SeatMap,
    bookings: Vec<Booking>,
    activity: Vec<ActivityEntry>,
}

/// The screen.
#[component]
pub(crate) fn Board(props: &Props) -> Html {
    let here = use_here();
    let open = use_state(|| Open::Nothing);
    let id = props.event_id;
    let read = use_resource(format!("board {id}"), here.refresh.count, move || async move {
        let event = api::event(id.into()).await?;
        let map = api::seats(id.into()).await?;
        let bookings = api::event_bookings(id.into()).await?;
        let activity = api::event_activity(id.into()).await?;
        Ok(Known { event, map, bookings, activity })
    });
    let known = read.value.clone();
    let hall = use_memo(known.as_ref().map(|known| (known.event.category, known.event.total_slots)), |known| {
        known.map(|(category, total)| Rc::new(Hall::new(category, total)))
    });
    let states = use_memo(known.as_ref().map(|known| (known.map.version, known.map.total)), |_| {
        let mut states = vec![SeatState::Free; known.as_ref().map_or(0, |known| known.map.total as usize)];
        for seat in known.iter().flat_map(|known| &known.map.taken) {
            if let Some(state) = states.get_mut(*seat as usize - 1) {
                *state = SeatState::Taken;
            }
        }
        Rc::new(states)
    });
    let (Some(known), Some(hall)) = (read.value.clone(), (*hall).clone()) else {
        return html! {
            <div class="page">
                { back(Route::Organize, "Organize") }
                if let Some(failure) = read.failure.clone() { <FailureNotice {failure} again={here.refresh.again.clone()} /> } else { { skeleton(10) } }
            </div>
        };
    };
    let event = &known.event;
    let show = |what: Open| {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(what.clone()))
    };
    let close = {
        let open = open.clone();
        Callback::from(move |()| open.set(Open::Nothing))
    };
    let on_cancel = {
        let open = open.clone();
        Callback::from(move |booking: Booking| open.set(Open::Cancel(Box::new(booking))))
    };
    let who = if event.visibility == happening_api::Visibility::Public { "open to everyone" } else { "members only" };
    let confirmed: Vec<Booking> = of_status(&known.bookings, |one| !one.seat_numbers.is_empty());
    let waiting: Vec<Booking> = of_status(&known.bookings, |one| one.waiting_seats > 0);
    let ended: Vec<Booking> = of_status(&known.bookings, |one| one.status == BookingStatus::Cancelled);
    // a list is read to a thousand bookings or so; the export has all of them
    let cut = confirmed.iter().map(|one| one.seat_numbers.len()).sum::<usize>() < known.map.taken.len();
    let note =
        if cut { "The first ones, by their lowest seat. Attendees saves all of them" } else { "By their lowest seat" };
    let nobody_waits = match event.waiting_bookings {
        0 => "Nobody is waiting.".to_owned(),
        some => format!(
            "{}. The event is too large for a list here: Attendees saves it.",
            format::count(some, "booking waits", "bookings wait")
        ),
    };
    html! {
        <div class="page">
            { back(Route::Organize, "Organize") }
            { head(event.name.clone(), html! { <>{ status_chip(event.status) }{ format!(" {} · {who}", when(event)) }</> }, html! { <Actions event={event.clone()} on_cancel={show(Open::CancelEvent)} on_delete={show(Open::DeleteEvent)} on_duplicate={show(Open::Duplicate)} /> }) }
            if let Some(failure) = read.failure.clone() { <FailureNotice {failure} old_shown=true again={here.refresh.again.clone()} /> }
            { numbers(event, &known.activity) }
            <div class="with-side even">
                <section class="card board-map" aria-labelledby="seats-now">
                    <header class="card-head"><h2 id="seats-now">{ "Seats now" }</h2><span class="small muted">{ format!("{} of {} booked", format::number(known.map.taken.len() as i64), format::number(i64::from(known.map.total))) }</span></header>
                    <SeatCanvas {hall} states={(*states).clone()} start=1 on_toggle={Callback::noop()} on_add={Callback::noop()} on_best={Callback::noop()} />
                    <div class="seat-legend">{ legend(&[SeatState::Free, SeatState::Taken]) }</div>
                </section>
                <section class="card" aria-labelledby="activity">
                    <header class="card-head"><h2 id="activity">{ "Recent activity" }</h2></header>
                    { activity(&known.activity) }
                </section>
            </div>
            <BookingTable title="Waitlist" nobody={nobody_waits} note="Seats go to the top of this list by themselves" bookings={waiting} waitlist=true on_cancel={on_cancel.clone()} open={event.status == EventStatus::Upcoming} />
            <BookingTable title="Bookings" nobody="Nobody has booked yet." note={note} bookings={confirmed} waitlist=false on_cancel={on_cancel.clone()} open={event.status == EventStatus::Upcoming} />
            if !ended.is_empty() { <BookingTable title="Cancelled" nobody="" note="Newest first" bookings={ended} waitlist=false {on_cancel} open=false /> }
            { dialog(&open, event, close) }
        </div>
    }
}

fn of_status(all: &[Booking], is: impl Fn(&Booking) -> bool) -> Vec<Booking> {
    all.iter().filter(|one| is(one)).cloned().collect()
}

fn dialog(open: &Open, event: &Event, on_close: Callback<()>) -> Html {
    match open {
        Open::Nothing => Html::default(),
        Open::CancelEvent => html! { <EndEvent event={event.clone()} delete=false {on_close} /> },
        Open::DeleteEvent => html! { <EndEvent event={event.clone()} delete=true {on_close} /> },
        Open::Duplicate => html! { <Duplicate event={event.clone()} {on_close} /> },
        Open::Cancel(booking) => html! { <StaffCancel booking={(**booking).clone()} {on_close} /> },
    }
}

fn numbers(event: &Event, activity: &[ActivityEntry]) -> Html {
    let today = format::event_date(format::now(), &format::own_zone()).date;
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
fn activity(entries: &[ActivityEntry]) -> Html {
    if entries.is_empty() {
        return html! { <Empty title="Nothing has happened yet" text="Bookings, cancellations and edits are told here." /> };
    }
    let rows = entries.iter().take(12).map(|entry| {
        let seats = format::seat_list(&entry.seat_numbers);
        let person = entry.person.clone().unwrap_or_else(|| "Somebody".to_owned());
        let actor = entry.actor.clone().unwrap_or_else(|| "Somebody".to_owned());
        let staff = entry.actor_id.is_some() && entry.actor != entry.person;
        let (picture, text) = match entry.action.as_str() {
            "booking_created" if entry.seat_numbers.is_empty() => ("clock", html! { <><b>{ person }</b>{ " joined the waitlist" }</> }),
            "booking_created" => ("check", html! { <><b>{ person }</b>{ format!(" booked {seats}") }</> }),
            "booking_promoted" => ("up", html! { <><b>{ person }</b>{ format!(" got {seats}") }</> }),
            "booking_claimed" => ("up", html! { <><b>{ person }</b>{ format!(" took {seats}") }</> }),
            "booking_cancelled" | "booking_seats_cancelled" if staff => ("minus", html! { <><b>{ actor }</b>{ format!(" took {seats} from {person}") }</> }),
            "booking_seats_cancelled" => ("minus", html! { <><b>{ person }</b>{ format!(" gave up {seats}") }</> }),
            "booking_cancelled" if entry.seat_numbers.is_empty() => ("minus", html! { <><b>{ person }</b>{ " left the waitlist" }</> }),
            "booking_cancelled" => ("minus", html! { <><b>{ person }</b>{ format!(" cancelled and gave up {seats}") }</> }),
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

#[derive(Properties, PartialEq)]
struct ActionsProps {
    event: Event,
    on_cancel: Callback<MouseEvent>,
    on_delete: Callback<MouseEvent>,
    on_duplicate: Callback<MouseEvent>,
}

#[component]
fn Actions(props: &ActionsProps) -> Html {
    let here = use_here();
    let write = use_write();
    let event = &props.event;
    let save = {
        let (write, id) = (write.clone(), event.id);
        Callback::from(move |_: MouseEvent| {
            let here = here.clone();
            write.start_read(move || save_file(Download::Attendees { event_id: id }, here.clone()));
        })
    };
    let window = {
        let id = event.id;
        Callback::from(move |_: MouseEvent| {
            wasm_bindgen_futures::spawn_local(async move {
                drop(api::open_board(id).await); // the shell says why in its log
            });
        })
    };
    let open = matches!(event.status, EventStatus::Upcoming | EventStatus::Ongoing);
    html! {
        <>
            if open { <Link<Route> to={Route::edit(event.id)} classes="button">{ icon("edit") }{ "Edit" }</Link<Route>> }
            <button class="button" onclick={props.on_duplicate.clone()}>{ icon("copy") }{ "Duplicate" }</button>
            <button id="attendees" class="button" disabled={write.busy()} onclick={save}>{ icon("download") }{ "Attendees" }</button>
            <button class="button quiet square" title="Open in a window of its own" aria-label="Open in a window of its own" onclick={window}>{ icon("window") }</button>
            if open { <button class="button quiet danger" onclick={props.on_cancel.clone()}>{ "Cancel event" }</button> }
            else { <button class="button quiet danger" onclick={props.on_delete.clone()}>{ "Delete event" }</button> }
            { write.notice() }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct TableProps {
    title: &'static str,
    note: &'static str,
    /// What an empty list means.
    nobody: AttrValue,
    bookings: Vec<Booking>,
    waitlist: bool,
    /// Bookings can still be ended.
    open: bool,
    on_cancel: Callback<Booking>,
}

#[component]
fn BookingTable(props: &TableProps) -> Html {
    let all = use_state(|| false);
    let shown = if *all { props.bookings.len() } else { ROWS_AT_FIRST };
    let more = {
        let all = all;
        Callback::from(move |_: MouseEvent| all.set(true))
    };
    let rows = props.bookings.iter().take(shown).map(|booking| {
        let name = booking.user.as_ref().map_or_else(|| "Somebody".to_owned(), |user| user.name.clone());
        let email = booking.user.as_ref().map(|user| user.email.clone()).unwrap_or_default();
        let cancel = {
            let (on_cancel, booking) = (props.on_cancel.clone(), booking.clone());
            Callback::from(move |_: MouseEvent| on_cancel.emit(booking.clone()))
        };
        let held = if booking.seat_numbers.is_empty() { "none".to_owned() } else { format::seat_list(&booking.seat_numbers) };
        html! {
            <tr key={booking.id.to_string()}>
                if props.waitlist { <td><b>{ format::ordinal(booking.position.unwrap_or(0)) }</b></td> }
                <th scope="row">{ name.clone() }<span class="small muted">{ email }</span></th>
                if props.waitlist { <td>{ format::seats(i64::from(booking.waiting_seats)) }</td> }
                <td>{ held }</td>
                <td class="muted hide-narrow">{ format::moment(booking.created_at) }</td>
                <td class="table-action">if props.open { <button class="button small quiet danger" aria-label={format!("Cancel the booking of {name}")} onclick={cancel}>{ "Cancel" }</button> }</td>
            </tr>
        }
    });
    html! {
        <section class="card section near">
            <header class="card-head"><h2>{ props.title }</h2><span class="small muted">{ props.note }</span></header>
            if props.bookings.is_empty() {
                <p class="card-part muted">{ props.nobody.clone() }</p>
            } else {
                <table>
                    <caption class="visually-hidden">{ props.title }</caption>
                    <thead><tr>
                        if props.waitlist { <th scope="col">{ "Place" }</th> }
                        <th scope="col">{ "Name" }</th>
                        if props.waitlist { <th scope="col">{ "Still wants" }</th> }
                        <th scope="col">{ if props.waitlist { "Has now" } else { "Seats" } }</th>
                        <th scope="col" class="hide-narrow">{ if props.waitlist { "Joined" } else { "Booked" } }</th>
                        <th scope="col"><span class="visually-hidden">{ "Actions" }</span></th>
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
                if shown < props.bookings.len() {
                    <footer class="card-part row spread"><span class="small muted">{ format!("{shown} of {} shown", format::number(props.bookings.len() as i64)) }</span><button class="button small" onclick={more}>{ "Show all" }</button></footer>
                }
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct EndProps {
    event: Event,
    delete: bool,
    on_close: Callback<()>,
}

/// Cancels or deletes an event, after saying what that does.
#[component]
fn EndEvent(props: &EndProps) -> Html {
    let here = use_here();
    let write = use_write();
    let navigator = use_navigator().expect("inside the router");
    let (event, delete) = (&props.event, props.delete);
    let on_go = {
        let (id, name, write, on_close) = (event.id, event.name.clone(), write.clone(), props.on_close.clone());
        Callback::from(move |()| {
            let (here, name, on_close, navigator) = (here.clone(), name.clone(), on_close.clone(), navigator.clone());
            let presence = write.presence();
            write.start(move || {
                let (here, name, on_close, navigator) =
                    (here.clone(), name.clone(), on_close.clone(), navigator.clone());
                let presence = presence.clone();
                async move {
                    if delete {
                        api::delete_event(id).await?;
                        if presence.lasts() {
                            navigator.push(&Route::Organize);
                        }
                        here.tell.emit(format!("{name} is deleted."));
                    } else {
                        api::cancel_event(id).await?;
                        here.tell.emit(format!("{name} is cancelled. Everybody with a booking is told."));
                        on_close.emit(());
                    }
                    here.refresh.again.emit(());
                    Ok(())
                }
            });
        })
    };
    let people = event.people.unwrap_or(0);
    let (title, label) =
        if delete { ("Delete this event?", "Delete the event") } else { ("Cancel this event?", "Cancel the event") };
    html! {
        <Confirm {title} {label} subtitle={html! { event.name.clone() }} keep="Keep it" busy={write.busy()} notice={write.notice()} {on_go} on_close={props.on_close.clone()}>
            if delete {
                <p>{ "It disappears from every list. Only an event without active bookings can be deleted." }</p>
            } else {
                <p>{ format!("Every booking ends, also those on the waitlist. {} told.", if people == 1 { "1 person is".to_owned() } else { format!("{} people are", format::number(people)) }) }</p>
            }
            <p class="soft">{ "You cannot undo this." }</p>
        </Confirm>
    }
}

#[derive(Properties, PartialEq)]
struct DuplicateProps {
    event: Event,
    on_close: Callback<()>,
}

/// The same event on another date.
#[component]
fn Duplicate(props: &DuplicateProps) -> Html {
    let here = use_here();
    let write = use_write();
    let navigator = use_navigator().expect("inside the router");
    let event = &props.event;
    let time = BrowserZones.local(event.event_date, &event.time_zone).map(|local| local.time());
    let (name, date) = (use_state(|| event.name.clone()), use_state(String::new));
    let key = use_state(api::new_key);
    let start =
        parse_date(&date).zip(time).and_then(|(date, time)| BrowserZones.moment(date.and_time(time), &event.time_zone));
    let on_name = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| name.set(value_of(&event)))
    };
    let on_date = {
        let date = date.clone();
        Callback::from(move |text: String| date.set(text))
    };
    let on_go = {
        let (id, write, name) = (event.id, write.clone(), name.clone());
        Callback::from(move |()| {
            let Some(event_date) = start else { return };
            let body = DuplicateEvent { event_date, ends_at: None, name: Some((*name).clone()) };
            let (key, here, navigator) = ((*key).clone(), here.clone(), navigator.clone());
            let presence = write.presence();
            write.start_keyed(move || {
                let (key, here, navigator, body) = (key.clone(), here.clone(), navigator.clone(), body.clone());
                let presence = presence.clone();
                async move {
                    let made = api::duplicate_event(id, key, body).await?;
                    here.tell.emit(format!("{} is created. Nobody has booked it yet.", made.name));
                    here.refresh.again.emit(());
                    if presence.lasts() {
                        navigator.push(&Route::board(made.id));
                    }
                    Ok(())
                }
            });
        })
    };
    let wrong = |field: &str| write.failure().and_then(|failure| failure::field(failure, field));
    html! {
        <Confirm title="Duplicate this event" subtitle={html! { "The same data on another date, without an end and without bookings" }} label="Create the copy" keep="Close"
            busy={write.busy()} notice={write.notice()} disabled={start.is_none() || write.unsure()} {on_go} on_close={props.on_close.clone()}>
            <Field id="copy-name" label="Name" error={wrong("name")}><input id="copy-name" class="input" aria-describedby="copy-name-note" maxlength="200" value={(*name).clone()} oninput={on_name} /></Field>
            <Field id="copy-date" label="Date" hint="At the same time of day" error={wrong("event_date")}><DateField id="copy-date" value={(*date).clone()} on_change={on_date} /></Field>
        </Confirm>
    }
}
