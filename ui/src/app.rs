//! The root component: shows the sign-in screen or, for a person who is signed in, the sidebar and a screen.

use std::rc::Rc;

use happening_api::{OpenTarget, OrgId, SessionView, User};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::endpoint;
use crate::components::{Dialog, OfflineBar, ToastIn, icon, skeleton};
use crate::finder::Finder;
use crate::here::Here;
use crate::layers::{LAYER, TopLayer, use_top_layer};
use crate::route::{Place, Route};
use crate::said::{self, Tone};
use crate::session::use_session;
use crate::shortcuts::{self, Wanted};
use crate::sidebar::Sidebar;
use crate::{api, appearance, focus, pages, store};

/// Milliseconds between two reads of data that other people may have changed.
const REFRESH_EVERY_MS: u32 = 20_000;

/// Milliseconds within which most machines restore the session, or find that there is none.
const RESTORING_LONG_MS: u32 = 5_000;

/// The selector of the element that shows the screen.
const SCREEN: &str = "#main";

/// The app.
#[component]
pub(crate) fn App() -> Html {
    let session = use_session();
    focus::use_kept_focus();
    let kept = use_state(|| None::<(User, bool)>);
    {
        let kept = kept.clone();
        use_effect_with(session.clone(), move |session| match session {
            SessionView::SignedIn { user, remembered } => kept.set(Some(((**user).clone(), *remembered))),
            SessionView::SignedOut { ended: false } | SessionView::Restoring => kept.set(None),
            _ => {}
        });
    }
    let here = match &session {
        SessionView::SignedIn { user, remembered } => Some(((**user).clone(), *remembered)),
        // the sign-in service ended the session: the screen stays, so that the person can go on after signing in again
        SessionView::SignedOut { ended: false } | SessionView::Restoring => None,
        _ => (*kept).clone(),
    };
    let signed_in = matches!(session, SessionView::SignedIn { .. });
    let Some((me, remembered)) = here else {
        return html! { <Nobody {session} /> };
    };
    let key = me.id.to_string();
    html! {
        <>
            <HashRouter><Frame {key} {me} {remembered} {signed_in} /></HashRouter>
            if !signed_in {
                <Dialog title="Please sign in again" closable=false
                    subtitle={html! { "Your session ended. What you were doing is still here and continues after you sign in." }} on_close={Callback::noop()}>
                    <div class="dialog-body"><pages::SignInPane {session} /></div>
                </Dialog>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct NobodyProps {
    session: SessionView,
}

/// Shown while no person is signed in, or while the session is being restored. Most people who open the app are signed
/// in, so at first it shows the outline of the app; when restoring takes long, for example because the keyring waits
/// for its password, it shows the sign-in screen, which says so.
#[component]
fn Nobody(props: &NobodyProps) -> Html {
    use_memo((), |()| store::clear()); // removes what the former person has read
    let long = use_state(|| false);
    {
        let long = long.clone();
        use_effect_with((), move |()| {
            let timer = gloo_timers::callback::Timeout::new(RESTORING_LONG_MS, move || long.set(true));
            move || drop(timer)
        });
    }
    if props.session == SessionView::Restoring && !*long {
        return html! { <div class="app"><div class="sidebar" /><main class="main"><div class="page">{ skeleton(6) }</div></main></div> };
    }
    html! { <pages::SignIn session={props.session.clone()} /> }
}

/// Reads the shown data again at intervals, when the window gets the focus or becomes visible, and when the feed has
/// something new. While the window is hidden, nothing is read.
#[hook]
fn use_refresh_triggers() {
    use_effect_with((), |()| {
        let window = gloo::utils::window();
        let timer = gloo_timers::callback::Interval::new(REFRESH_EVERY_MS, store::read_again);
        let news = api::listen::<u32>("feed", |_| store::changed());
        let shown =
            gloo::events::EventListener::new(&gloo::utils::document(), "visibilitychange", |_| store::changed());
        let focus = gloo::events::EventListener::new(&window, "focus", |_| store::read_again());
        // the person chose a theme in another window
        let theme = gloo::events::EventListener::new(&window, "storage", |_| appearance::apply(appearance::chosen()));
        move || drop((timer, focus, news, shown, theme))
    });
}

/// The organization that the person selected; at first the one of the last start.
#[hook]
fn use_scope() -> (Option<OrgId>, Callback<Option<OrgId>>) {
    let scope = use_state(|| None::<OrgId>);
    {
        let scope = scope.clone();
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move {
                if let Ok(info) = api::info().await {
                    scope.set(info.organization);
                }
            });
        });
    }
    let on_scope = {
        let scope = scope.clone();
        Callback::from(move |org: Option<OrgId>| {
            scope.set(org);
            wasm_bindgen_futures::spawn_local(async move {
                drop(api::remember_organization(org).await); // the shell logs why it failed
            });
        })
    };
    (*scope, on_scope)
}

#[derive(Properties, PartialEq)]
struct FrameProps {
    me: User,
    remembered: bool,
    signed_in: bool,
}

/// The sidebar and the screen beside it.
#[component]
fn Frame(props: &FrameProps) -> Html {
    use_memo((), |()| store::clear()); // removes what the former person has read
    use_refresh_triggers();
    let (told, on_close) = said::use_said();
    let finding = use_state(|| false);
    let (scope, on_scope) = use_scope();
    let navigator = use_navigator().expect("inside the router");
    let route = use_route::<Route>().unwrap_or(Route::Home);
    let organizations = store::use_read(endpoint::MyOrganizations { user_id: props.me.id });
    let unread = store::use_read(endpoint::UnreadCount {});
    let (said, layer) = (use_node_ref(), use_top_layer());
    use_opened(navigator.clone());
    use_title(route);
    {
        let before = use_mut_ref(|| props.signed_in);
        use_effect_with(props.signed_in, move |signed_in| {
            if *signed_in && !before.replace(*signed_in) {
                store::changed();
            }
            before.replace(*signed_in);
        });
    }
    let wanted = {
        let finding = finding.clone();
        Callback::from(move |wanted: Wanted| match wanted {
            Wanted::Go(route) => navigator.push(&route),
            Wanted::Find => finding.set(true),
            Wanted::Refresh => store::changed(),
            Wanted::SignOut => wasm_bindgen_futures::spawn_local(async {
                drop(api::sign_out().await); // the event `session` tells the result
            }),
        })
    };
    shortcuts::use_shortcuts(wanted);
    use_effect_with((), |()| {
        let listener = api::listen::<()>("stray-sign-in", |()| said::warn(pages::STRAY_SIGN_IN.to_owned()));
        move || drop(listener)
    });
    let (organizations_known, organizations_failure) = (organizations.value.is_some(), organizations.failure);
    let organizations = organizations.value.unwrap_or_default();
    let scope = scope.filter(|scope| organizations.iter().any(|one| one.id == *scope));
    let here =
        Here { me: props.me.clone(), organizations, organizations_known, organizations_failure, scope, on_scope };
    let stop_finding = {
        let finding = finding.clone();
        Callback::from(move |()| finding.set(false))
    };
    let unread = unread.value.map_or(0, |count| *count);
    // always a node, so that the number of children stays the same: otherwise Yew would recreate all of them, including
    // the screen
    let layer = layer.or_else(|| Some(TopLayer { element: said.cast()?, number: 0 }));
    let toast = match told.zip(layer) {
        Some(((count, text, tone), TopLayer { element, number })) => {
            let icon = match tone {
                Tone::Done => "check",
                Tone::Wrong => "alert",
            };
            // the key contains the layer, so that the toast is recreated in another layer: a portal that moves receives
            // no more clicks
            html! { <ToastIn key={format!("{number} {count}")} {element} {text} {icon} {on_close} /> }
        }
        None => Html::default(),
    };
    html! {
        <ContextProvider<Here> context={here}>
            <div class="app">
                <button class="skip" onclick={|_: MouseEvent| drop(focus::focus(SCREEN))}>{ "Skip to the content" }</button>
                <Sidebar {unread} place={route.place()} on_find={let finding = finding.clone(); Callback::from(move |()| finding.set(true))} />
                <main class="main" id="main" tabindex="-1">
                    if !props.remembered {
                        <p class="notice-bar" role="status">{ icon("alert") }{ "The keyring cannot be used, so you sign in again after closing the app." }</p>
                    }
                    <OfflineBar />
                    { pages::page(route) }
                </main>
                if *finding { <Finder on_close={stop_finding} /> }
                <div ref={said} class={LAYER} aria-live="polite"></div>
                { toast }
            </div>
        </ContextProvider<Here>>
    }
}

/// Sets the window's title to that of the screen and moves the focus to the screen, for people who use a screen reader
/// or the keyboard. After a dialog, the focus stays where the dialog has returned it to.
#[hook]
fn use_title(route: Route) {
    let last = use_mut_ref(|| None::<Route>);
    use_effect_with(route, move |route| {
        let name = match route.place() {
            Some(Place::Home) => "Home",
            Some(Place::Events) => "Events",
            Some(Place::Bookings) => "My bookings",
            Some(Place::Organize) => "Organize",
            Some(Place::Members) => "Members",
            Some(Place::Notifications) => "Notifications",
            Some(Place::Settings) => "Settings",
            None => "Invite",
        };
        let document = gloo::utils::document();
        document.set_title(&format!("{name} - Happening"));
        let is_dialog = |route: &Route| matches!(route, Route::Seats { .. } | Route::ManageSeats { .. });
        let before = last.borrow_mut().replace(*route);
        let closed = before.as_ref().is_some_and(is_dialog) && !focus::is_lost();
        if before.is_some()
            && !is_dialog(route)
            && !closed
            && let Some(main) = focus::focus(SCREEN)
        {
            main.set_scroll_top(0);
        }
    });
}

/// Follows links that open the app.
#[hook]
fn use_opened(navigator: Navigator) {
    use_effect_with((), move |()| {
        let follow = Rc::new(move |target: OpenTarget| {
            navigator.push(&match target {
                OpenTarget::Event { event_id } => Route::event(event_id),
                OpenTarget::Booking { booking_id } => Route::booking(booking_id),
                OpenTarget::Invite => Route::Invite,
            });
            store::changed();
            // clears the target in the shell, so that the next window does not follow the link again
            wasm_bindgen_futures::spawn_local(async {
                drop(api::opened().await);
            });
        });
        let listener = {
            let follow = Rc::clone(&follow);
            api::listen::<OpenTarget>("open", move |target| follow(target))
        };
        wasm_bindgen_futures::spawn_local(async move {
            if let Ok(Some(target)) = api::opened().await {
                follow(target);
            }
        });
        move || drop(listener)
    });
}
