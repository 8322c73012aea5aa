//! The app's screens, in the shell's webview.
//!
//! `api` calls the shell, `store` keeps what was read, `session` knows who is signed in, `features` hold the pure state of what a
//! screen does, `seat_map` draws a hall, `components` show things and call nothing, `pages` put it all together. Texts stand where
//! they are shown.

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

/// Puts the app into the page.
pub fn start() {
    breakdown::watch();
    appearance::apply(appearance::chosen());
    yew::Renderer::<app::App>::new().render();
}
