//! Signing in: the start, waiting for the browser, and failures.

use happening_api::{SessionView, SignInFailure};
use yew::prelude::*;

use super::about::Diagnostics;
use super::server_form::ServerForm;
use crate::components::{icon, skeleton};
use crate::focus::focus;
use crate::{api, store};

/// Shown for a sign-in link that the app did not expect. Any web page can open such a link, so the app does nothing
/// else.
pub(crate) const STRAY: &str = "A sign-in that this app did not begin came back from the browser. It was ignored.";

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) session: SessionView,
}

/// A click that calls a command of the shell; the event `session` tells the result.
fn ask<F>(future: impl Fn() -> F + 'static) -> Callback<MouseEvent>
where
    F: Future + 'static,
{
    Callback::from(move |_| {
        let future = future();
        wasm_bindgen_futures::spawn_local(async move {
            drop(future.await);
        });
    })
}

/// The screen of a person who is not signed in.
#[component]
pub(crate) fn SignIn(props: &Props) -> Html {
    // sets title and focus, since the screen of a person who has just signed out is gone
    use_effect_with((), |()| {
        gloo::utils::document().set_title("Happening");
        focus(".welcome-pane");
    });
    html! {
        <div class="welcome">
            <header class="welcome-art">
                { art() }
                <span class="brand">
                    <svg viewBox="0 0 36 36" aria-hidden="true">
                        <rect width="36" height="36" rx="9" class="brand-ground" /><path class="brand-stage" d="M8 10.500c6.500-3.600 13.500-3.600 20 0" />
                        <rect class="brand-seat faint" x="7" y="17" width="6" height="7.500" rx="2" /><rect class="brand-seat" x="15" y="14.500" width="6" height="10" rx="2" />
                        <rect class="brand-seat faint" x="23" y="17" width="6" height="7.500" rx="2" /><rect class="brand-seat" x="7" y="26.500" width="22" height="2" rx="1" />
                    </svg>
                    { "Happening" }
                </span>
                <div class="card pad">
                    <h2>{ "Your seat, or your place in line." }</h2>
                    <p class="soft">{ "A full event has a waitlist. A seat that is given back goes to the next person by itself." }</p>
                </div>
            </header>
            <main class="welcome-pane" tabindex="-1"><SignInPane session={props.session.clone()} /></main>
        </div>
    }
}

/// Signing in, step by step: on the sign-in screen, or over the screen that was open when the session ended.
#[component]
pub(crate) fn SignInPane(props: &Props) -> Html {
    let changes = use_state(|| 0u32);
    let info = store::use_command(format!("info {}", *changes), api::info);
    let on_changed = Callback::from(move |()| changes.set(*changes + 1));
    let server = info.value.as_ref().map(|info| info.server.clone()).unwrap_or_default();
    let stray = use_state(|| false);
    {
        let stray = stray.clone();
        use_effect_with((), move |()| {
            let listener = api::listen::<()>("stray-sign-in", move |()| stray.set(true));
            move || drop(listener)
        });
    }
    let (changing, support) = (use_state(|| false), use_state(|| false));
    {
        let (changing, support) = (changing.clone(), support.clone());
        use_effect_with((), move |()| {
            // these entries of the menu can be chosen before a person signs in
            let listener = api::listen::<String>("menu", move |entry| match entry.as_str() {
                "about" => support.set(true),
                "settings" => changing.set(true),
                _ => {}
            });
            move || drop(listener)
        });
    }
    let change = {
        let changing = changing.clone();
        Callback::from(move |_: MouseEvent| changing.set(true))
    };
    let pane = match &props.session {
        SessionView::Restoring => restoring(),
        SessionView::SignedIn { .. } => skeleton(3),
        SessionView::SignedOut { .. } => start(),
        SessionView::Waiting { expires_in_s } => html! { <Waiting expires_in_s={*expires_in_s} /> },
        SessionView::Failed { reason } => failed(*reason),
    };
    let can_change = matches!(props.session, SessionView::SignedOut { ended: false } | SessionView::Failed { .. });
    html! {
        <div class="stack loose">
            { pane }
            if *stray { <p class="small soft" role="status">{ STRAY }</p> }
            if can_change && *changing {
                <ServerForm {server} {on_changed} />
            } else if can_change {
                <p class="small muted">{ "Server: " }<span class="soft">{ server }</span>{ " " }<button id="change-server" class="link" onclick={change}>{ "Change" }</button></p>
            }
            if *support {
                // the key recreates the report with every step, because a report is read once, when it is created
                <Support key={format!("{:?}", props.session)} />
            } else {
                <p class="small">{ details(&support) }</p>
            }
        </div>
    }
}

fn details(support: &UseStateHandle<bool>) -> Html {
    let show = {
        let support = support.clone();
        Callback::from(move |_: MouseEvent| support.set(true))
    };
    html! { <button id="support" class="link" onclick={show}>{ "Details for support" }</button> }
}

#[component]
fn Support() -> Html {
    let said = use_state(String::new);
    let tell = {
        let said = said.clone();
        Callback::from(move |text| said.set(text))
    };
    html! { <><Diagnostics {tell} /><p class="small soft" role="status">{ &*said }</p></> }
}

/// Shown only when restoring the session takes long.
fn restoring() -> Html {
    html! {
        <>
            <span class="spinner" aria-hidden="true" />
            <div class="stack" role="status">
                <h1>{ "Looking for your session" }</h1>
                <p class="soft">{ "It takes longer than usual. Your keyring may be waiting for its password, or the server for a moment of quiet." }</p>
            </div>
        </>
    }
}

fn start() -> Html {
    html! {
        <>
            <div class="stack">
                <h1>{ "Sign in to Happening" }</h1>
                <p class="soft">{ "Your browser opens a sign-in page. This app never sees your password." }</p>
            </div>
            <button id="sign-in" class="button primary wide" onclick={ask(api::sign_in)}>{ icon("external") }{ "Sign in with your browser" }</button>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct WaitingProps {
    expires_in_s: u64,
}

#[component]
fn Waiting(props: &WaitingProps) -> Html {
    let left = use_state(|| props.expires_in_s);
    let copied = use_state(|| false);
    {
        let left = left.clone();
        use_effect_with(*left, move |now| {
            let next = now.saturating_sub(1);
            let timer = gloo_timers::callback::Timeout::new(1_000, move || left.set(next));
            move || drop(timer)
        });
    }
    let copy = {
        let copied = copied.clone();
        Callback::from(move |_: MouseEvent| {
            let copied = copied.clone();
            wasm_bindgen_futures::spawn_local(async move {
                // on a failure, the button still offers to copy the link
                copied.set(api::copy_sign_in_link().await.unwrap_or(false));
            });
        })
    };
    let minutes = left.div_ceil(60);
    html! {
        <>
            <span class="spinner" aria-hidden="true" />
            <div class="stack" role="status">
                <h1>{ "Continue in your browser" }</h1>
                <p class="soft">{ "A sign-in page is open there. When you are done, this window goes on by itself." }</p>
            </div>
            <ul class="card pad stack small soft">
                <li class="row">{ icon("check") }{ "The page was opened" }</li>
                <li class="row">{ icon("clock") }{ format!("Waiting for you, {minutes} more {}", if minutes == 1 { "minute" } else { "minutes" }) }</li>
            </ul>
            <div class="row">
                <button class="button" onclick={ask(api::open_sign_in_again)}>{ icon("external") }{ "Open the page again" }</button>
                <button class="button quiet" onclick={copy}>{ icon("copy") }{ if *copied { "Link copied" } else { "Copy the link" } }</button>
            </div>
            <button id="cancel-sign-in" class="button quiet" onclick={ask(api::cancel_sign_in)}>{ "Cancel" }</button>
        </>
    }
}

fn failed(reason: SignInFailure) -> Html {
    let (title, text) = match reason {
        SignInFailure::Cancelled => ("You are not signed in", "The sign-in was cancelled in the browser."),
        SignInFailure::TimedOut => {
            ("You are not signed in yet", "The sign-in page waited for five minutes. Nothing was changed.")
        }
        SignInFailure::ServiceAway => {
            ("The sign-in service does not answer", "Your password cannot be checked right now. Try again in a moment.")
        }
        SignInFailure::Refused => ("The sign-in was refused", "The sign-in service did not accept it. Try again."),
        SignInFailure::ServerAway => {
            ("The server does not answer", "Check your network, or ask whoever runs the server.")
        }
        SignInFailure::ServerBusy => {
            ("The server is busy", "You signed in, but it could not answer yet. Try again in a moment.")
        }
        SignInFailure::NoBrowser => ("No browser opened", "Set a default browser, then try again."),
    };
    html! {
        <>
            <div class="stack" role="alert"><h1>{ title }</h1><p class="soft">{ text }</p></div>
            <button id="sign-in" class="button primary wide" onclick={ask(api::sign_in)}>{ icon("retry") }{ "Try again" }</button>
        </>
    }
}

/// Rows of seats around a stage.
fn art() -> Html {
    let rows = (0..9).map(|row| {
        let radius = 210 + row * 44;
        html! { <circle cx="280" cy="960" r={radius.to_string()} /> }
    });
    html! { <svg class="welcome-rows" viewBox="0 0 560 800" preserveAspectRatio="xMidYMax slice" aria-hidden="true">{ for rows }</svg> }
}
