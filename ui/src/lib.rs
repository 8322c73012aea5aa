//! The app's screens, in the shell's webview.
//!
//! `api` calls the shell, `store` keeps the server's answers, `session` knows who is signed in, `features` hold the
//! screens' state as pure functions, `seat_map` draws a hall, `components` show things and do not call the server,
//! `pages` combine all of these. Texts are written where they are shown.

mod api;
mod app;
mod appearance;
mod breakdown;
mod clock;
mod components;
mod connection;
mod features;
mod finder;
mod focus;
mod format;
mod here;
mod layers;
mod locale;
mod pages;
mod pause;
mod presence;
mod route;
mod said;
mod seat_map;
mod session;
mod shortcuts;
mod sidebar;
mod store;
mod typing;
mod write;

/// Renders the app into the page.
pub fn start() {
    breakdown::log_panics();
    appearance::apply(appearance::chosen());
    yew::Renderer::<app::App>::new().render();
}
