//! The app in parts. What is needed to look around is loaded at the start; the rest when somebody first goes there.
//!
//! `xtask ui` cuts the bundle at the functions with `wasm_split`: what only such a function leads to lies in a file of its own.

use std::cell::Cell;

use happening_api::{ApiFailure, SessionView};
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::prelude::*;

use crate::components::{FailureNotice, skeleton};
use crate::pages;
use crate::route::Route;

/// A part that is not there at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Events and bookings with their seats.
    Seats,
    /// What staff do.
    Staff,
    /// What is about the person and the app; signing in, too.
    Person,
}

/// What a part is asked to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Screen {
    SignIn(SessionView),
    /// Over the screen that was left when the session ended.
    SignInPane(SessionView),
    At(Route),
}

impl Screen {
    /// The part that shows it; `None` when it is there from the start.
    fn part(&self) -> Option<Part> {
        let route = match self {
            Self::SignIn(_) | Self::SignInPane(_) => return Some(Part::Person),
            Self::At(route) => route,
        };
        match route {
            Route::Home | Route::Nothing | Route::Events => None,
            Route::Event { .. }
            | Route::Seats { .. }
            | Route::Bookings
            | Route::Booking { .. }
            | Route::ManageSeats { .. } => Some(Part::Seats),
            Route::Organize | Route::CreateEvent | Route::Board { .. } | Route::EditEvent { .. } | Route::Members => {
                Some(Part::Staff)
            }
            Route::Notifications | Route::Settings | Route::About | Route::Invite => Some(Part::Person),
        }
    }
}

type Shows = fn(&Screen) -> Html;

thread_local! {
    static LOADED: [Cell<Option<Shows>>; Part::COUNT] = const { [const { Cell::new(None) }; Part::COUNT] };
}

impl Part {
    const COUNT: usize = Self::Person as usize + 1;

    fn loaded(self) -> Option<Shows> {
        LOADED.with(|loaded| loaded[self as usize].get())
    }

    async fn load(self) -> Result<Shows, SplitLoaderError> {
        let shows = match self {
            Self::Seats => seats().await,
            Self::Staff => staff().await,
            Self::Person => person().await,
        }?;
        LOADED.with(|loaded| loaded[self as usize].set(Some(shows)));
        Ok(shows)
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) screen: Screen,
}

/// A screen: at once when its part is there, else when it is.
#[component]
pub(crate) fn Shown(props: &Props) -> Html {
    match (props.screen.part(), &props.screen) {
        // once per part: another one is another place in the tree
        (Some(part), screen) => html! { <InPart key={part as usize} {part} screen={screen.clone()} /> },
        (None, Screen::At(Route::Events)) => html! { <pages::Events /> },
        (None, _) => html! { <pages::Home /> },
    }
}

#[derive(Properties, PartialEq)]
struct InPartProps {
    part: Part,
    screen: Screen,
}

#[component]
fn InPart(props: &InPartProps) -> Html {
    let part = props.part;
    let shows = use_state(|| part.loaded());
    let failed = use_state_eq(|| false);
    let load = {
        let (shows, failed) = (shows.clone(), failed.clone());
        use_callback((), move |(), ()| {
            let (shows, failed) = (shows.clone(), failed.clone());
            failed.set(false);
            wasm_bindgen_futures::spawn_local(async move {
                match part.load().await {
                    Ok(loaded) => shows.set(Some(loaded)),
                    Err(_) => failed.set(true),
                }
            });
        })
    };
    {
        let (load, missing) = (load.clone(), shows.is_none());
        use_effect_with((), move |()| {
            if missing {
                load.emit(());
            }
        });
    }
    if let Some(shows) = *shows {
        return shows(&props.screen);
    }
    let instead = if *failed {
        let failure =
            ApiFailure::Unexpected { message: "This part of the app could not be loaded from its files.".to_owned() };
        html! { <FailureNotice {failure} again={load} /> }
    } else {
        skeleton(6)
    };
    // where the screen will stand
    match props.screen {
        Screen::SignIn(_) => html! { <main class="page" tabindex="-1">{ instead }</main> },
        Screen::SignInPane(_) => instead,
        Screen::At(_) => html! { <div class="page">{ instead }</div> },
    }
}

#[wasm_split(seats, fallible)]
fn seats() -> Result<Shows, SplitLoaderError> {
    Ok(of_seats)
}

#[wasm_split(staff, fallible)]
fn staff() -> Result<Shows, SplitLoaderError> {
    Ok(of_staff)
}

#[wasm_split(person, fallible)]
fn person() -> Result<Shows, SplitLoaderError> {
    Ok(of_person)
}

fn of_seats(screen: &Screen) -> Html {
    let event = |id: uuid::Uuid, choosing| {
        html! { <pages::EventPage key={id.to_string()} event_id={id} {choosing} /> }
    };
    let booking = |id: uuid::Uuid, managing| {
        html! { <pages::BookingPage key={id.to_string()} booking_id={id} {managing} /> }
    };
    match screen {
        Screen::At(Route::Event { id }) => event(*id, false),
        Screen::At(Route::Seats { id }) => event(*id, true),
        Screen::At(Route::Bookings) => html! { <pages::MyBookings /> },
        Screen::At(Route::Booking { id }) => booking(*id, false),
        Screen::At(Route::ManageSeats { id }) => booking(*id, true),
        _ => Html::default(),
    }
}

fn of_staff(screen: &Screen) -> Html {
    match screen {
        Screen::At(Route::Organize) => html! { <pages::Organize /> },
        Screen::At(Route::CreateEvent) => html! { <pages::EventForm key="new" event_id={None::<uuid::Uuid>} /> },
        Screen::At(Route::Board { id }) => html! { <pages::Board key={id.to_string()} event_id={*id} /> },
        Screen::At(Route::EditEvent { id }) => html! { <pages::EventForm key={id.to_string()} event_id={Some(*id)} /> },
        Screen::At(Route::Members) => html! { <pages::Members /> },
        _ => Html::default(),
    }
}

fn of_person(screen: &Screen) -> Html {
    match screen {
        Screen::SignIn(session) => html! { <pages::SignIn session={session.clone()} /> },
        Screen::SignInPane(session) => html! { <pages::SignInPane session={session.clone()} /> },
        Screen::At(Route::Notifications) => html! { <pages::Notifications /> },
        Screen::At(Route::Settings) => html! { <pages::Settings /> },
        Screen::At(Route::About) => html! { <pages::About /> },
        Screen::At(Route::Invite) => html! { <pages::Invite /> },
        _ => Html::default(),
    }
}

#[cfg(test)]
mod tests {
    use yew_router::Routable;

    use super::*;

    #[test]
    fn the_part_of_every_screen_shows_it() {
        let id = uuid::Uuid::nil().to_string();
        let paths = Route::routes();
        let routes = paths.iter().map(|path| {
            let route = Route::recognize(&path.replace(":id", &id)).expect("a route for each path");
            assert!(route != Route::Nothing || *path == "/nothing", "{path} has a parameter that is not filled here");
            route
        });
        let screens = routes
            .map(Screen::At)
            .chain([Screen::SignIn(SessionView::Restoring), Screen::SignInPane(SessionView::Restoring)]);
        for screen in screens {
            let shown = match screen.part() {
                Some(Part::Seats) => of_seats(&screen),
                Some(Part::Staff) => of_staff(&screen),
                Some(Part::Person) => of_person(&screen),
                None => continue,
            };
            assert!(shown != Html::default(), "{screen:?} is empty");
        }
    }
}
