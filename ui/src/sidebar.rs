//! The sidebar: the selected organization, the links to the screens, and the signed-in person.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::endpoint;
use crate::components::{Dialog, Field, icon, value_of};
use crate::here::use_here;
use crate::route::{Place, Route};
use crate::write::use_write;
use crate::{api, format, said, store};

/// The value of the switcher's entry that creates an organization.
const CREATE: &str = "create";

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) unread: u64,
    pub(crate) place: Option<Place>,
    pub(crate) on_find: Callback<()>,
}

/// The sidebar.
#[component]
pub(crate) fn Sidebar(props: &Props) -> Html {
    let here = use_here();
    let item = |route: Route, place: Place, picture: &'static str, name: &'static str, count: u64| {
        let current = (props.place == Some(place)).then_some("page");
        html! {
            <Link<Route> to={route}>
                <span class="nav-item" aria-current={current} title={name}>
                    { icon(picture) }<span class="nav-label">{ name }</span>
                    if count > 0 { <span class="count">{ count }<span class="visually-hidden">{ " unread" }</span></span> }
                </span>
            </Link<Route>>
        }
    };
    let find = {
        let on_find = props.on_find.clone();
        Callback::from(move |_: MouseEvent| on_find.emit(()))
    };
    let sign_out = Callback::from(|_: MouseEvent| {
        wasm_bindgen_futures::spawn_local(async {
            drop(api::sign_out().await); // the event `session` tells the result
        });
    });
    let is_staff = here.is_staff();
    html! {
        <aside class="sidebar" aria-label="Sidebar">
            <OrganizationSwitch />
            <nav class="nav" aria-label="Main">
                <button class="nav-item nav-find" title="Find (Ctrl K)" onclick={find}>{ icon("search") }<span class="nav-label">{ "Find" }</span><kbd class="nav-label">{ "Ctrl K" }</kbd></button>
                { item(Route::Home, Place::Home, "home", "Home", 0) }
                { item(Route::Events, Place::Events, "calendar", "Events", 0) }
                { item(Route::Bookings, Place::Bookings, "seat", "My bookings", 0) }
                if is_staff || !here.organizations.is_empty() { <hr class="nav-line" /> }
                if is_staff { { item(Route::Organize, Place::Organize, "board", "Organize", 0) } }
                if !here.organizations.is_empty() { { item(Route::Members, Place::Members, "people", "Members", 0) } }
                <hr class="nav-line" />
                { item(Route::Notifications, Place::Notifications, "bell", "Notifications", props.unread) }
                { item(Route::Settings, Place::Settings, "sliders", "Settings", 0) }
            </nav>
            <div class="account">
                <span class="avatar" aria-hidden="true">{ format::initials(&here.me.name) }</span>
                <span class="nav-label"><b>{ &here.me.name }</b><small>{ &here.me.email }</small></span>
                <button class="button quiet square small" aria-label="Sign out" title="Sign out" onclick={sign_out}>{ icon("leave") }</button>
            </div>
        </aside>
    }
}

/// Selects the organization that the screens show; the last entry creates a new one.
#[component]
fn OrganizationSwitch() -> Html {
    let here = use_here();
    let creating = use_state(|| false);
    let current = here.organizations.iter().find(|one| Some(one.id) == here.scope);
    let (name, role) = match current {
        Some(one) => (one.name.clone(), format::role(one.role)),
        None => ("Everything".to_owned(), "All organizations"),
    };
    let on_change = {
        let (on_scope, creating, scope) = (here.on_scope.clone(), creating.clone(), here.scope);
        Callback::from(move |event: Event| {
            let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() else { return };
            if select.value() == CREATE {
                select.set_value(&scope.map(|id| id.to_string()).unwrap_or_default());
                creating.set(true);
            } else {
                on_scope.emit(select.value().parse().ok());
            }
        })
    };
    let close = {
        let creating = creating.clone();
        Callback::from(move |()| creating.set(false))
    };
    html! {
        <>
            <label class="org-switch" title="Switch organization">
                <span class="mark" aria-hidden="true">{ format::initials(&name) }</span>
                <span class="nav-label" aria-hidden="true"><b>{ &name }</b><small>{ role }</small></span>
                { icon("switch") }
                <span class="visually-hidden">{ "Organization" }</span>
                <select onchange={on_change}>
                    <option value="" selected={here.scope.is_none()}>{ "All organizations" }</option>
                    { for here.organizations.iter().map(|one| html! {
                        <option value={one.id.to_string()} selected={Some(one.id) == here.scope}>{ format!("{} ({})", one.name, format::role(one.role)) }</option>
                    }) }
                    <option value={CREATE}>{ "Create an organization…" }</option>
                </select>
            </label>
            if *creating { <CreateOrganization on_close={close} /> }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct CreateProps {
    on_close: Callback<()>,
}

#[component]
fn CreateOrganization(props: &CreateProps) -> Html {
    let here = use_here();
    let write = use_write();
    let name = use_state(String::new);
    let key = use_state(api::new_key);
    let on_input = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| name.set(value_of(&event)))
    };
    let submit = {
        let (write, name, key, here, on_close) = (write.clone(), name.clone(), key, here, props.on_close.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (name, key, here, on_close) = ((*name).clone(), (*key).clone(), here.clone(), on_close.clone());
            write.start_keyed(move || {
                let (name, key, here, on_close) = (name.clone(), key.clone(), here.clone(), on_close.clone());
                async move {
                    let made = api::ask(endpoint::CreateOrganization {
                        key,
                        body: happening_api::CreateOrganization { name },
                    })
                    .await?;
                    said::tell(format!("{} is there. You are its admin.", made.name));
                    store::changed();
                    here.on_scope.emit(Some(made.id));
                    on_close.emit(());
                    Ok(())
                }
            });
        })
    };
    html! {
        <Dialog title="Create an organization" on_close={props.on_close.clone()} closable={!write.busy()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="organization-name" label="Name" error={write.failure().and_then(|failure| crate::features::failure::field(failure, "name"))}>
                        <input id="organization-name" class="input" aria-describedby="organization-name-note" maxlength="200" required=true value={(*name).clone()} oninput={on_input} />
                    </Field>
                    <p class="small muted">{ "You become its admin. You invite people afterwards." }</p>
                    { write.notice() }
                </div>
                <footer class="dialog-foot">
                    <button class="button primary" disabled={name.trim().is_empty() || write.busy() || write.unsure()} aria-busy={write.busy().to_string()}>{ "Create organization" }</button>
                </footer>
            </form>
        </Dialog>
    }
}
