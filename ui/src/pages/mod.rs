//! Screens, one file each. A page reads what it shows, and puts features and components together.

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

pub(crate) use about::About;
pub(crate) use board::Board;
pub(crate) use booking::BookingPage;
pub(crate) use bookings::MyBookings;
pub(crate) use event::EventPage;
pub(crate) use event_form::EventForm;
pub(crate) use events::Events;
pub(crate) use home::Home;
pub(crate) use invite::Invite;
pub(crate) use members::Members;
pub(crate) use notifications::Notifications;
pub(crate) use organize::Organize;
pub(crate) use settings::Settings;
pub(crate) use sign_in::{STRAY as STRAY_SIGN_IN, SignIn, SignInPane};

use yew::Callback;

/// Puts a text into the clipboard and says so.
fn copy_text(text: String, tell: Callback<String>) {
    wasm_bindgen_futures::spawn_local(async move {
        let done = crate::api::copy(text).await.is_ok();
        tell.emit(if done { "Copied.".to_owned() } else { "The clipboard cannot be used.".to_owned() });
    });
}
