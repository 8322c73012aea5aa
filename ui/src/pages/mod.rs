//! The screens, one file each. A page reads the data that it shows, and combines features and components.

mod about;
mod board;
mod booking;
mod booking_list;
mod bookings;
mod event;
mod event_form;
mod events;
mod home;
mod invite;
mod manage_seats;
mod members;
mod notifications;
mod organize;
mod seats;
mod server_form;
mod settings;
mod sign_in;
mod staff_cancel;
mod staff_give;

pub(crate) use sign_in::{STRAY as STRAY_SIGN_IN, SignIn, SignInPane};

use uuid::Uuid;
use yew::prelude::*;

use crate::route::Route;

/// The page of a route. A page is recreated for another event or booking, but not when a dialog over it opens or
/// closes.
pub(crate) fn page(route: Route) -> Html {
    match route {
        Route::Home | Route::Nothing => html! { <home::Home /> },
        Route::Events => html! { <events::Events /> },
        Route::Event { id } | Route::Seats { id } => {
            let choosing = matches!(route, Route::Seats { .. });
            html! { <event::EventPage key={id.to_string()} event_id={id} {choosing} /> }
        }
        Route::Bookings => html! { <bookings::MyBookings /> },
        Route::Booking { id } | Route::ManageSeats { id } => {
            let managing = matches!(route, Route::ManageSeats { .. });
            html! { <booking::BookingPage key={id.to_string()} booking_id={id} {managing} /> }
        }
        Route::Organize => html! { <organize::Organize /> },
        Route::CreateEvent => html! { <event_form::EventForm key="new" event_id={None::<Uuid>} /> },
        Route::Board { id } => html! { <board::Board key={id.to_string()} event_id={id} /> },
        Route::EditEvent { id } => html! { <event_form::EventForm key={id.to_string()} event_id={Some(id)} /> },
        Route::Members => html! { <members::Members /> },
        Route::Notifications => html! { <notifications::Notifications /> },
        Route::Settings => html! { <settings::Settings /> },
        Route::About => html! { <about::About /> },
        Route::Invite => html! { <invite::Invite /> },
    }
}

/// Copies a text to the clipboard and says so.
fn copy_text(text: String, tell: Callback<String>) {
    wasm_bindgen_futures::spawn_local(async move {
        let done = crate::api::copy(text).await.is_ok();
        tell.emit(if done { "Copied.".to_owned() } else { "The clipboard cannot be used.".to_owned() });
    });
}
