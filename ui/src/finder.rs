//! The finder, opened by Ctrl or Cmd K: searches events, bookings, organizations and actions by name.

use happening_api::{Booking, Event, EventFilter, OrgId};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::endpoint;
use crate::components::{Dialog, icon, value_of};
use crate::here::{Here, use_here};
use crate::route::Route;
use crate::{format, store};

const FOUND_MAX: usize = 12;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) on_close: Callback<()>,
}

/// A search result.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    icon: &'static str,
    name: String,
    note: String,
    leads: Leads,
}

#[derive(Clone, Debug, PartialEq)]
enum Leads {
    To(Route),
    Scope(Option<OrgId>),
}

const ACTIONS: [(&str, &str, Route); 9] = [
    ("home", "Home", Route::Home),
    ("calendar", "Events", Route::Events),
    ("seat", "My bookings", Route::Bookings),
    ("board", "Organize", Route::Organize),
    ("plus", "Create event", Route::CreateEvent),
    ("people", "Members", Route::Members),
    ("bell", "Notifications", Route::Notifications),
    ("sliders", "Settings", Route::Settings),
    ("alert", "About and diagnostics", Route::About),
];

fn find(words: &str, here: &Here, events: &[Event], bookings: &[Booking]) -> Vec<Found> {
    let words = words.trim().to_lowercase();
    let fits = |name: &str| name.to_lowercase().contains(&words);
    let mut found: Vec<Found> = Vec::new();
    if !words.is_empty() {
        found.extend(events.iter().filter(|one| fits(&one.name)).map(|one| Found {
            icon: "calendar",
            name: one.name.clone(),
            note: format::date_line(one.event_date, &one.time_zone),
            leads: Leads::To(Route::event(one.id)),
        }));
        let mine = bookings.iter().filter_map(|one| Some((one, one.event.as_ref()?)));
        found.extend(mine.filter(|(_, event)| fits(&event.name)).map(|(one, event)| Found {
            icon: "seat",
            name: event.name.clone(),
            note: if one.seat_numbers.is_empty() {
                "Your place on the waitlist".to_owned()
            } else {
                format!("Your {}", format::seat_list(&one.seat_numbers))
            },
            leads: Leads::To(Route::booking(one.id)),
        }));
        found.extend(here.organizations.iter().filter(|one| fits(&one.name)).map(|one| Found {
            icon: "people",
            name: one.name.clone(),
            note: "Switch to it".to_owned(),
            leads: Leads::Scope(Some(one.id)),
        }));
    }
    let may = |route: &Route| here.is_staff() || !matches!(route, Route::Organize | Route::CreateEvent);
    let actions = ACTIONS.iter().filter(|(_, name, route)| fits(name) && may(route));
    found.extend(actions.map(|(icon, name, route)| Found {
        icon,
        name: (*name).to_owned(),
        note: String::new(),
        leads: Leads::To(*route),
    }));
    found.truncate(FOUND_MAX);
    found
}

/// The dialog that finds pages, events and bookings by typed words.
#[component]
pub(crate) fn Finder(props: &Props) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let words = use_state(String::new);
    let at = use_state(|| 0usize);
    let input = use_node_ref();
    let user = here.me.id;
    let events = store::use_read(endpoint::Events { filter: EventFilter::default() });
    let bookings = store::use_read(endpoint::MyBookings { user_id: user });
    {
        let input = input.clone();
        use_effect_with((), move |()| {
            if let Some(input) = input.cast::<web_sys::HtmlElement>() {
                drop(input.focus());
            }
        });
    }
    let nothing = match (events.loading() || bookings.loading(), events.failure.is_some() || bookings.failure.is_some())
    {
        (true, _) => "Looking…",
        (false, true) => "Not everything could be read. Nothing of what is known has that name.",
        (false, false) => "Nothing has that name.",
    };
    let events = events.value.as_deref().cloned().unwrap_or_default();
    let bookings = bookings.value.as_deref().cloned().unwrap_or_default();
    let found = find(&words, &here, &events, &bookings);
    let chosen = (*at).min(found.len().saturating_sub(1));
    // scrolls the chosen row into view, since the list can be longer than the dialog
    use_effect_with(chosen, |chosen| {
        if let Some(row) = gloo::utils::document().get_element_by_id(&format!("found-{chosen}")) {
            let nearest = web_sys::ScrollIntoViewOptions::new();
            nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
            row.scroll_into_view_with_scroll_into_view_options(&nearest);
        }
    });
    let go = {
        let (here, on_close) = (here, props.on_close.clone());
        Callback::from(move |leads: Leads| {
            on_close.emit(());
            match leads {
                Leads::To(route) => navigator.push(&route),
                Leads::Scope(org) => here.on_scope.emit(org),
            }
        })
    };
    let on_input = {
        let (words, at) = (words.clone(), at.clone());
        Callback::from(move |event: InputEvent| {
            words.set(value_of(&event));
            at.set(0);
        })
    };
    let on_key = {
        let (at, go, found) = (at, go.clone(), found.clone());
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowDown" => at.set((chosen + 1).min(found.len().saturating_sub(1))),
                "ArrowUp" => at.set(chosen.saturating_sub(1)),
                "Enter" => {
                    if let Some(one) = found.get(chosen) {
                        go.emit(one.leads.clone());
                    }
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let rows = found.iter().enumerate().map(|(index, one)| {
        let (go, leads) = (go.clone(), one.leads.clone());
        html! {
            <li key={index} id={format!("found-{index}")} role="option" aria-selected={(index == chosen).to_string()} onclick={move |_| go.emit(leads.clone())}>
                { icon(one.icon) }<span><b>{ &one.name }</b><span class="small muted">{ &one.note }</span></span>
            </li>
        }
    });
    html! {
        <Dialog title="Find" class={classes!("finder")} on_close={props.on_close.clone()}>
            <div class="dialog-body stack">
                <label class="search always"><span class="visually-hidden">{ "Event, booking, organization or action" }</span>{ icon("search") }
                    <input ref={input} id="finder" class="input" role="combobox" aria-expanded="true" aria-controls="found" aria-activedescendant={format!("found-{chosen}")}
                        autocomplete="off" placeholder="Event, booking, organization or action" value={(*words).clone()} oninput={on_input} onkeydown={on_key} /></label>
                <ul id="found" class="found" role="listbox" aria-label="Found">{ for rows }</ul>
                if found.is_empty() { <p class="muted centred" role="status">{ nothing }</p> }
            </div>
        </Dialog>
    }
}
