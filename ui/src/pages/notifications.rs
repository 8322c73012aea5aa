//! The person's notifications, newest first.

use happening_api::{Notification, NotificationType};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::{self, endpoint};
use crate::clock::use_now;
use crate::components::{Empty, FailureNotice, icon, row_skeleton};
use crate::route::Route;
use crate::write::use_write;
use crate::{format, said, store};

/// The list of the person's notifications: all of them, or only the unread ones.
#[component]
pub(crate) fn Notifications() -> Html {
    let write = use_write();
    let only_unread = use_state(|| false);
    let wanted = *only_unread;
    let all = store::use_read_if((!wanted).then_some(endpoint::Notifications {}));
    let unread = store::use_read_if(wanted.then_some(endpoint::UnreadNotifications {}));
    let read = if wanted { unread } else { all };
    let all: Vec<Notification> = read.value.as_deref().cloned().unwrap_or_default();
    let unread = all.iter().filter(|one| one.read_at.is_none()).count();
    let show = |unread: bool| {
        let only_unread = only_unread.clone();
        Callback::from(move |_: MouseEvent| only_unread.set(unread))
    };
    let mark_all = {
        let write = write.clone();
        Callback::from(move |_: MouseEvent| {
            write.start(|| async {
                let result = api::ask(endpoint::ReadAllNotifications {}).await;
                store::changed();
                result.map(drop)
            });
        })
    };
    let today = format::event_date(use_now(), &format::own_zone()).date;
    let (new, old): (Vec<_>, Vec<_>) =
        all.iter().cloned().partition(|one| format::event_date(one.created_at, &format::own_zone()).date == today);
    html! {
        <div class="page narrow">
            <header class="page-head">
                <h1>{ "Notifications" }</h1>
                <p class="lede">{ if unread == 0 { "All read".to_owned() } else { format!("{unread} unread") } }</p>
                <div class="page-actions">
                    <span class="segmented">
                        <button aria-pressed={(!*only_unread).to_string()} onclick={show(false)}>{ "All" }</button>
                        <button aria-pressed={only_unread.to_string()} onclick={show(true)}>{ "Unread" }</button>
                    </span>
                    <button class="button" disabled={unread == 0 || write.busy()} onclick={mark_all}>{ icon("check") }{ "Mark all as read" }</button>
                </div>
            </header>
            { write.notice() }
            if let Some(failure) = read.failure.clone() {
                <FailureNotice {failure} old_shown={read.value.is_some()} />
            }
            if read.loading() { { row_skeleton(5) } }
            if read.value.is_some() && all.is_empty() {
                <div class="card"><Empty title="Nothing new" text="When you book, wait or get a seat, it is told here." /></div>
            }
            { list("Today", &new) }
            { list("Earlier", &old) }
        </div>
    }
}

fn list(title: &str, entries: &[Notification]) -> Html {
    if entries.is_empty() {
        return Html::default();
    }
    html! {
        <section class="section near stack">
            <h2 class="small muted">{ title.to_owned() }</h2>
            <ul class="card list">{ for entries.iter().map(|one| html! { <Entry key={one.id.to_string()} entry={one.clone()} /> }) }</ul>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct EntryProps {
    entry: Notification,
}

#[component]
fn Entry(props: &EntryProps) -> Html {
    let navigator = use_navigator().expect("inside the router");
    let entry = &props.entry;
    let unread = entry.read_at.is_none();
    let (tone, picture, title) = match entry.kind {
        NotificationType::BookingConfirmed => ("good", "check", "Booked"),
        NotificationType::WaitlistPromoted => ("good", "up", "You got seats"),
        NotificationType::BookingWaitlisted => ("wait", "clock", "You are on the waitlist"),
        NotificationType::BookingCancelled => ("", "minus", "Given up"),
        NotificationType::WaitlistEnded => ("", "clock", "It did not work this time"),
        NotificationType::EventUpdated => ("", "edit", "Event changed"),
        NotificationType::EventCancelled => ("bad", "close", "Event cancelled"),
        NotificationType::OrgInvite | NotificationType::RoleChanged => ("", "person", "Your organization"),
    };
    let seats = format::seat_list(&entry.seat_numbers);
    let title = match entry.kind {
        NotificationType::BookingConfirmed => format!("Booked: {seats}"),
        NotificationType::WaitlistPromoted => format!("You got {seats}"),
        _ => title.to_owned(),
    };
    let open = {
        let id = entry.id;
        let route = target(entry);
        Callback::from(move |_: MouseEvent| {
            if let Some(route) = route {
                navigator.push(&route);
            }
            wasm_bindgen_futures::spawn_local(async move {
                // no warning if the click also led to another screen: the next click on the entry tries again
                if api::ask(endpoint::ReadNotification { notification_id: id }).await.is_err() && route.is_none() {
                    said::warn("It could not be marked as read. Try again in a moment.".to_owned());
                }
                store::changed();
            });
        })
    };
    html! {
        <li class={classes!("notice", unread.then_some("unread"))}>
            <span class={classes!("badge", tone)}>{ icon(picture) }</span>
            <div>
                <h3>if unread { <span class="visually-hidden">{ "Unread: " }</span> }{ title }</h3>
                <p class="small soft">{ &entry.message }</p>
            </div>
            <div class="notice-meta">
                <time datetime={entry.created_at.to_rfc3339()}>{ format::moment(entry.created_at) }</time>
                if target(entry).is_some() { <button class="link small" onclick={open}>{ if entry.booking_id.is_some() { "View booking" } else { "View event" } }</button> }
                else if unread { <button class="link small" onclick={open}>{ "Mark as read" }</button> }
            </div>
        </li>
    }
}

/// The screen to which an entry leads.
fn target(entry: &Notification) -> Option<Route> {
    entry.booking_id.map(Route::booking).or_else(|| entry.event_id.map(Route::event))
}
