//! An event's board, for its staff: numbers, seats, activity, waitlist, bookings, and buttons for changes.

mod activity;
mod duplicate;
mod end;
mod table;

use std::rc::Rc;

use happening_api::{ActivityEntry, Booking, BookingStatus, Download, Event, EventId, EventStatus, SeatMap};
use happening_halls::Hall;
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use self::activity::{activity, numbers};
use self::duplicate::Duplicate;
use self::end::EndEvent;
use self::table::BookingTable;
use super::event::{save_file, status_chip, when};
use super::staff_cancel::StaffCancel;
use super::staff_give::StaffGive;
use crate::api::{self, endpoint};
use crate::clock::use_now;
use crate::components::{FailureNotice, back, head, icon, skeleton};
use crate::features::selection::SeatState;
use crate::here::use_here;
use crate::route::Route;
use crate::seat_map::{SeatCanvas, legend};
use crate::store::Resource;
use crate::write::use_write;
use crate::{format, store};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) event_id: Uuid,
}

/// The dialog that is open over the board.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    CancelEvent,
    DeleteEvent,
    Duplicate,
    Cancel(Box<Booking>),
    Give(Box<Booking>),
}

struct Known {
    event: Rc<Event>,
    map: Rc<SeatMap>,
    bookings: Rc<Vec<Booking>>,
    waiting: Rc<Vec<Booking>>,
    activity: Rc<Vec<ActivityEntry>>,
}

/// Everything that the board shows; known once all its reads are answered.
#[hook]
fn use_known(event_id: EventId) -> Resource<Known> {
    let event = store::use_read(endpoint::Event { event_id });
    let map = store::use_read(endpoint::Seats { event_id });
    let bookings = store::use_read(endpoint::EventBookings { event_id });
    let waiting = store::use_read(endpoint::EventWaitlist { event_id });
    let activity = store::use_read(endpoint::EventActivity { event_id });
    let read = event.and(map).and(bookings.and(waiting)).and(activity);
    let value = read.value.map(|all| {
        let (first, activity) = &*all;
        let ((event, map), (bookings, waiting)) = (&*first.0, &*first.1);
        let (event, map) = (Rc::clone(event), Rc::clone(map));
        let (bookings, waiting) = (Rc::clone(bookings), Rc::clone(waiting));
        Rc::new(Known { event, map, bookings, waiting, activity: Rc::clone(activity) })
    });
    Resource { value, failure: read.failure }
}

/// The board of an event, for its staff.
#[component]
pub(crate) fn Board(props: &Props) -> Html {
    let here = use_here();
    let open = use_state(|| Open::Nothing);
    let id = props.event_id;
    let read = use_known(id.into());
    let now = use_now();
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
    // the window's title names the event, so that several boards' windows can be told apart
    use_effect_with(known.as_ref().map(|known| known.event.name.clone()), |name| {
        if let Some(name) = name {
            gloo::utils::document().set_title(&format!("{name} - Happening"));
        }
    });
    let (Some(known), Some(hall)) = (read.value.clone(), (*hall).clone()) else {
        return html! {
            <div class="page">
                { back(Route::Organize, "Organize") }
                if let Some(failure) = read.failure.clone() { <FailureNotice {failure} /> } else { { skeleton(10) } }
            </div>
        };
    };
    let event: &Event = &known.event;
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
    let on_give = {
        let open = open.clone();
        Callback::from(move |booking: Booking| open.set(Open::Give(Box::new(booking))))
    };
    let is_on = matches!(event.status, EventStatus::Upcoming | EventStatus::Ongoing);
    let (me, started) = (here.me.id, event.status != EventStatus::Upcoming);
    let who = if event.visibility == happening_api::Visibility::Public { "open to everyone" } else { "members only" };
    let confirmed: Vec<Booking> = of_status(&known.bookings, |one| !one.seat_numbers.is_empty());
    let ended: Vec<Booking> = of_status(&known.bookings, |one| one.status == BookingStatus::Cancelled);
    // the shell reads only the first thousand or so bookings of a list; the export contains all of them
    let cut = confirmed.iter().map(|one| one.seat_numbers.len()).sum::<usize>() < known.map.taken.len();
    let note =
        if cut { "The first ones, by their lowest seat. Attendees saves all of them" } else { "By their lowest seat" };
    let waiting_note = if (known.waiting.len() as i64) < event.waiting_bookings {
        "The first ones. Attendees saves all of them"
    } else {
        "Seats go to the top of this list by themselves"
    };
    html! {
        <div class="page">
            { back(Route::Organize, "Organize") }
            { head(event.name.clone(), html! { <>{ status_chip(event.status) }{ format!(" {} · {who}", when(event)) }</> }, html! { <Actions event={event.clone()} on_cancel={show(Open::CancelEvent)} on_delete={show(Open::DeleteEvent)} on_duplicate={show(Open::Duplicate)} /> }) }
            if let Some(failure) = read.failure.clone() { <FailureNotice {failure} old_shown=true /> }
            { numbers(event, &known.activity, now) }
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
            <BookingTable title="Waitlist" nobody="Nobody is waiting." note={waiting_note} bookings={known.waiting.to_vec()} waitlist=true {me} {started} on_cancel={is_on.then(|| on_cancel.clone())} />
            <BookingTable title="Bookings" nobody="Nobody has booked yet." note={note} bookings={confirmed} waitlist=false {me} {started} on_cancel={is_on.then_some(on_cancel)} on_give={is_on.then(|| on_give.clone())} />
            if !ended.is_empty() { <BookingTable title={if started { "Cancelled, or without a seat" } else { "Cancelled" }} nobody="" note="Newest first" bookings={ended} waitlist=false {me} {started} on_give={is_on.then_some(on_give)} /> }
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
        Open::Cancel(booking) => {
            html! { <StaffCancel booking={(**booking).clone()} started={event.status != EventStatus::Upcoming} {on_close} /> }
        }
        Open::Give(of) => html! { <StaffGive event={event.clone()} of={(**of).clone()} {on_close} /> },
    }
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
    let write = use_write();
    let event = &props.event;
    let save = {
        let (write, id) = (write.clone(), event.id);
        Callback::from(move |_: MouseEvent| {
            write.start_read(move || save_file(Download::Attendees { event_id: id }));
        })
    };
    let window = {
        let id = event.id;
        Callback::from(move |_: MouseEvent| {
            wasm_bindgen_futures::spawn_local(async move {
                drop(api::open_board(id).await); // the shell logs why it failed
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
