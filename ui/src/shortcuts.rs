//! Keys and menu entries that work on every screen.

use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use crate::api;
use crate::route::Route;

/// The action of a key or a menu entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Go(Route),
    Find,
    Refresh,
    SignOut,
}

/// The action of a key that is pressed together with Ctrl or Cmd.
fn of_key(key: &str) -> Option<Wanted> {
    Some(match key {
        "1" => Wanted::Go(Route::Home),
        "2" => Wanted::Go(Route::Events),
        "3" => Wanted::Go(Route::Bookings),
        "4" => Wanted::Go(Route::Organize),
        "5" => Wanted::Go(Route::Members),
        "6" => Wanted::Go(Route::Notifications),
        "7" | "," => Wanted::Go(Route::Settings),
        "n" | "N" => Wanted::Go(Route::CreateEvent),
        "k" | "K" => Wanted::Find,
        "r" | "R" => Wanted::Refresh,
        _ => return None,
    })
}

/// The action of a menu entry, by the entry's id.
fn of_menu(entry: &str) -> Option<Wanted> {
    Some(match entry {
        "home" => Wanted::Go(Route::Home),
        "events" => Wanted::Go(Route::Events),
        "bookings" => Wanted::Go(Route::Bookings),
        "organize" => Wanted::Go(Route::Organize),
        "members" => Wanted::Go(Route::Members),
        "notifications" => Wanted::Go(Route::Notifications),
        "settings" => Wanted::Go(Route::Settings),
        "about" => Wanted::Go(Route::About),
        "create-event" => Wanted::Go(Route::CreateEvent),
        "find" => Wanted::Find,
        "refresh" => Wanted::Refresh,
        "sign-out" => Wanted::SignOut,
        _ => return None,
    })
}

/// Whether a dialog is open; while one is, shortcuts must not change the screen behind it.
pub(crate) fn dialog_is_open() -> bool {
    gloo::utils::document().query_selector("dialog[open]").is_ok_and(|dialog| dialog.is_some())
}

/// Calls `wanted` for keys and menu entries while the app is shown.
#[hook]
pub(crate) fn use_shortcuts(wanted: Callback<Wanted>) {
    let latest = use_mut_ref(|| wanted.clone());
    *latest.borrow_mut() = wanted;
    use_effect_with((), move |()| {
        let from_menu = {
            let latest = latest.clone();
            api::listen::<String>("menu", move |entry| {
                if let Some(wanted) = of_menu(&entry)
                    && (wanted == Wanted::SignOut || !dialog_is_open())
                {
                    latest.borrow().emit(wanted);
                }
            })
        };
        let options = gloo::events::EventListenerOptions::enable_prevent_default();
        let window = gloo::utils::window();
        let keys = gloo::events::EventListener::new_with_options(&window, "keydown", options, move |event| {
            let Some(key) = event.dyn_ref::<KeyboardEvent>() else { return };
            let plain = (key.ctrl_key() || key.meta_key()) && !key.alt_key() && !key.shift_key();
            if let (true, Some(wanted)) = (plain, of_key(&key.key())) {
                event.prevent_default();
                if !dialog_is_open() {
                    latest.borrow().emit(wanted);
                }
            }
        });
        move || drop((keys, from_menu))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_sidebar_has_a_key_and_an_entry() {
        for (key, entry) in [
            ("1", "home"),
            ("2", "events"),
            ("3", "bookings"),
            ("4", "organize"),
            ("5", "members"),
            ("6", "notifications"),
            ("7", "settings"),
        ] {
            assert_eq!(of_key(key), of_menu(entry), "{key}");
            assert!(of_key(key).is_some(), "{key}");
        }
        assert_eq!((of_key("x"), of_menu("x")), (None, None));
    }
}
