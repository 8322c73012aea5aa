//! The root: who is signed in decides between the sign-in screen and the app with its sidebar.

use happening_api::{OpenTarget, OrgId, Organization, SessionView};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api;
use crate::components::Icon;
use crate::format;
use crate::pages::{Home, Notifications, SignIn};
use crate::resource::{Refresh, use_resource};
use crate::route::Route;
use crate::session::{CurrentUser, use_session};

/// Seconds between two reads of what others may have changed.
const REFRESH_EVERY_MS: u32 = 20_000;

/// A short message about what was just done.
pub(crate) type Tell = Callback<String>;

/// The app.
#[component]
pub(crate) fn App() -> Html {
    let session = use_session();
    match session {
        SessionView::SignedIn { user, remembered } => html! {
            <HashRouter><ContextProvider<CurrentUser> context={CurrentUser { user: *user, remembered }}><Frame /></ContextProvider<CurrentUser>></HashRouter>
        },
        other => html! { <SignIn session={other} /> },
    }
}

/// Counts reasons to read again: asked for, the window's focus, time.
#[hook]
fn use_refresh() -> Refresh {
    let count = use_state(|| 0u32);
    let counter = use_mut_ref(|| 0u32);
    let again = {
        let count = count.clone();
        Callback::from(move |()| {
            let next = {
                let mut counter = counter.borrow_mut();
                *counter += 1;
                *counter
            };
            count.set(next);
        })
    };
    {
        let again = again.clone();
        use_effect_with((), move |()| {
            let timer = {
                let again = again.clone();
                gloo::timers::callback::Interval::new(REFRESH_EVERY_MS, move || again.emit(()))
            };
            let focus = gloo::utils::window();
            let focus = gloo::events::EventListener::new(&focus, "focus", move |_| again.emit(()));
            move || drop((timer, focus))
        });
    }
    Refresh { count: *count, again }
}

/// Sidebar and screen.
#[component]
fn Frame() -> Html {
    let me = use_context::<CurrentUser>().expect("the app provides it");
    let refresh = use_refresh();
    let told = use_state(|| None::<String>);
    let scope = use_state(|| None::<OrgId>);
    let navigator = use_navigator().expect("inside the router");
    let organizations =
        use_resource((me.user.id, refresh.count), |(user, _)| async move { api::my_organizations(user).await });
    let unread = use_resource(refresh.count, |_| async { api::notifications(true).await.map(|all| all.len()) });
    use_opened(navigator);
    let tell = {
        let told = told.clone();
        Callback::from(move |text: String| told.set(Some(text)))
    };
    let known = organizations.value.unwrap_or_default();
    let current = scope.or_else(|| None);
    let on_scope = {
        let scope = scope;
        Callback::from(move |org: Option<OrgId>| scope.set(org))
    };
    let switch = {
        let (refresh, tell, known) = (refresh, tell, known.clone());
        move |route: Route| match route {
            Route::Notifications => html! { <Notifications refresh={refresh.clone()} /> },
            Route::Home | Route::Nothing | Route::Seats { .. } | Route::ManageSeats { .. } => html! {
                <Home refresh={refresh.clone()} route={route} organizations={known.clone()} scope={current} tell={tell.clone()} />
            },
        }
    };
    html! {
        <div class="app">
            <a class="skip" href="#main">{ "Skip to the content" }</a>
            <Sidebar organizations={known} scope={current} {on_scope} unread={unread.value.unwrap_or(0)} />
            <main class="main" id="main" tabindex="-1">
                if !me.remembered {
                    <p class="notice-bar"><Icon name="alert" />{ "This system has no keyring, so you sign in again after closing the app." }</p>
                }
                <Switch<Route> render={switch} />
            </main>
            <div class="toasts" aria-live="polite">
                if let Some(text) = (*told).clone() { <Toast {text} on_close={Callback::from(move |()| told.set(None))} /> }
            </div>
        </div>
    }
}

/// Follows links that open the app.
#[hook]
fn use_opened(navigator: Navigator) {
    use_effect_with((), move |()| {
        let follow = move |target: OpenTarget| {
            if let OpenTarget::Event { event_id } = target {
                navigator.push(&Route::seats(event_id));
            }
        };
        let listener = api::listen::<OpenTarget>("open", follow.clone());
        wasm_bindgen_futures::spawn_local(async move {
            if let Ok(Some(target)) = api::opened().await {
                follow(target);
            }
        });
        move || drop(listener)
    });
}

#[derive(Properties, PartialEq)]
struct SidebarProps {
    organizations: Vec<Organization>,
    scope: Option<OrgId>,
    on_scope: Callback<Option<OrgId>>,
    unread: usize,
}

#[component]
fn Sidebar(props: &SidebarProps) -> Html {
    let me = use_context::<CurrentUser>().expect("the app provides it");
    let route = use_route::<Route>().unwrap_or(Route::Home);
    let current = |is: bool| is.then_some("page");
    let sign_out = Callback::from(|_: MouseEvent| {
        wasm_bindgen_futures::spawn_local(async {
            drop(api::sign_out().await); // the session event says how it went
        });
    });
    html! {
        <aside class="sidebar">
            <OrganizationSwitch organizations={props.organizations.clone()} scope={props.scope} on_scope={props.on_scope.clone()} />
            <nav class="nav" aria-label="Main">
                <Link<Route> to={Route::Home}><span class="nav-item" aria-current={current(route != Route::Notifications)} title="Home"><Icon name="home" /><span class="nav-label">{ "Home" }</span></span></Link<Route>>
                <Link<Route> to={Route::Notifications}>
                    <span class="nav-item" aria-current={current(route == Route::Notifications)} title="Notifications">
                        <Icon name="bell" /><span class="nav-label">{ "Notifications" }</span>
                        if props.unread > 0 { <span class="count">{ props.unread }<span class="visually-hidden">{ " unread" }</span></span> }
                    </span>
                </Link<Route>>
            </nav>
            <div class="account">
                <span class="avatar" aria-hidden="true">{ format::initials(&me.user.name) }</span>
                <span class="nav-label"><b>{ &me.user.name }</b><small>{ &me.user.email }</small></span>
                <button class="button quiet square small" aria-label="Sign out" title="Sign out" onclick={sign_out}><Icon name="leave" /></button>
            </div>
        </aside>
    }
}

#[derive(Properties, PartialEq)]
struct SwitchProps {
    organizations: Vec<Organization>,
    scope: Option<OrgId>,
    on_scope: Callback<Option<OrgId>>,
}

/// Which organization everything on the screen is about.
#[component]
fn OrganizationSwitch(props: &SwitchProps) -> Html {
    let current = props.organizations.iter().find(|one| Some(one.id) == props.scope);
    let (name, role) = match current {
        Some(one) => (one.name.clone(), crate::pages::role_word(one.role)),
        None => ("Everything".to_owned(), "All organizations"),
    };
    let on_change = {
        let on_scope = props.on_scope.clone();
        Callback::from(move |event: Event| {
            let value =
                event.target_dyn_into::<web_sys::HtmlSelectElement>().map(|select| select.value()).unwrap_or_default();
            on_scope.emit(value.parse().ok());
        })
    };
    html! {
        <label class="org-switch" title="Switch organization">
            <span class="mark" aria-hidden="true">{ format::initials(&name) }</span>
            <span class="nav-label" aria-hidden="true"><b>{ &name }</b><small>{ role }</small></span>
            <Icon name="switch" />
            <span class="visually-hidden">{ "Organization" }</span>
            <select onchange={on_change}>
                <option value="" selected={props.scope.is_none()}>{ "All organizations" }</option>
                { for props.organizations.iter().map(|one| html! {
                    <option value={one.id.to_string()} selected={Some(one.id) == props.scope}>{ &one.name }</option>
                }) }
            </select>
        </label>
    }
}

#[derive(Properties, PartialEq)]
struct ToastProps {
    text: String,
    on_close: Callback<()>,
}

/// Milliseconds that a toast stays.
const TOAST_MS: u32 = 8_000;

#[component]
fn Toast(props: &ToastProps) -> Html {
    {
        let on_close = props.on_close.clone();
        use_effect_with(props.text.clone(), move |_| {
            let timer = gloo::timers::callback::Timeout::new(TOAST_MS, move || on_close.emit(()));
            move || drop(timer)
        });
    }
    let close = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    html! {
        <div class="toast" role="status"><Icon name="check" /><p>{ &props.text }</p><button aria-label="Close the message" onclick={close}><Icon name="close" /></button></div>
    }
}
