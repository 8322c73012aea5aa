//! Settings: server, appearance, notifications, the person's data and their account.

use std::collections::BTreeMap;

use happening_api::{Channel, Download, NotificationType, Theme, UpdateUser};
use yew::prelude::*;
use yew_router::prelude::*;

use super::event::save_file;
use super::server_form::ServerForm;
use crate::api::{self, endpoint};
use crate::components::{Confirm, Field, head, icon, skeleton, value_of};
use crate::features::failure;
use crate::here::use_here;
use crate::route::Route;
use crate::write::use_write;
use crate::{appearance, said, store};

/// Types of notifications, in words.
const TYPES: [(NotificationType, &str, &str); 9] = [
    (NotificationType::BookingConfirmed, "A booking is confirmed", "With a calendar entry"),
    (NotificationType::BookingWaitlisted, "I join a waitlist", "With your place"),
    (NotificationType::WaitlistPromoted, "I get a seat from the waitlist", "With the seat numbers"),
    (NotificationType::BookingCancelled, "A booking is cancelled", "By you or by the organizer"),
    (NotificationType::WaitlistEnded, "My wait ends without a seat", "When the event starts"),
    (NotificationType::EventUpdated, "An event changes", "Its name, time or place"),
    (NotificationType::EventCancelled, "An event is cancelled", "With your booking"),
    (NotificationType::OrgInvite, "I am invited", "Into an organization"),
    (NotificationType::RoleChanged, "My role changes", "In an organization"),
];

/// The settings of the app and of the person.
#[component]
pub(crate) fn Settings() -> Html {
    let here = use_here();
    let info = store::use_command("info".to_owned(), api::info);
    let server = info.value.as_ref().map(|info| info.server.clone());
    html! {
        <div class="page narrow">
            { head("Settings", html! {}, html! { <Link<Route> to={Route::About} classes="button quiet">{ "About Happening" }</Link<Route>> }) }
            <div class="stack loose">
                <section class="card" aria-labelledby="server-title">
                    <header class="card-head"><h2 id="server-title">{ "Server" }</h2></header>
                    <div class="card-part">if let Some(server) = server { <ServerForm {server} signed_in=true /> } else { { skeleton(3) } }</div>
                </section>
                <Appearance />
                <Channels />
                <Profile key={here.me.name.clone()} />
                <Account />
            </div>
        </div>
    }
}

#[component]
fn Appearance() -> Html {
    let theme = use_state(appearance::chosen);
    let choose = |wanted: Theme, picture: &'static str, name: &'static str| {
        let (chosen, theme) = (*theme == wanted, theme.clone());
        let on_click = move |_: MouseEvent| {
            appearance::choose(wanted);
            theme.set(wanted);
        };
        html! { <button aria-pressed={chosen.to_string()} onclick={on_click}>{ icon(picture) }{ name }</button> }
    };
    html! {
        <section class="card" aria-labelledby="appearance">
            <header class="card-head"><h2 id="appearance">{ "Appearance" }</h2></header>
            <div class="card-part row spread"><span>{ "Theme" }</span>
                <span class="segmented" role="group" aria-label="Theme">{ choose(Theme::System, "screen", "Same as system") }{ choose(Theme::Light, "sun", "Light") }{ choose(Theme::Dark, "moon", "Dark") }</span></div>
        </section>
    }
}

#[component]
fn Channels() -> Html {
    let here = use_here();
    let write = use_write();
    let rows = TYPES.iter().map(|(kind, title, note)| {
        let on = here.me.channels.get(kind).is_none_or(|channel| channel.email);
        let toggle = {
            let (write, kind) = (write.clone(), *kind);
            Callback::from(move |_: Event| {
                let body = UpdateUser { channels: Some(BTreeMap::from([(kind, Channel { email: !on })])), ..UpdateUser::default() };
                write.start(move || {
                    let body = body.clone();
                    async move { api::ask(endpoint::UpdateMe { body }).await.map(drop) }
                });
            })
        };
        html! {
            <tr key={*title}>
                <th scope="row">{ *title }<span class="small muted">{ *note }</span></th>
                <td class="centred"><input type="checkbox" checked=true disabled=true aria-label={format!("{title}: in the app, always")} /></td>
                <td class="centred"><label class="tap"><input type="checkbox" checked={on} disabled={write.busy()} aria-label={format!("{title}: by e-mail")} onchange={toggle} /></label></td>
            </tr>
        }
    });
    html! {
        <section class="card" aria-labelledby="told">
            <header class="card-head"><h2 id="told">{ "Notifications" }</h2></header>
            if !here.me.email_verified { <p class="card-part small soft">{ "Your address is not verified, so no mail is sent to it." }</p> }
            <table>
                <thead><tr><th scope="col">{ "Tell me when" }</th><th scope="col" class="centred">{ "In the app" }</th><th scope="col" class="centred">{ "By e-mail" }</th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
            { write.notice() }
        </section>
    }
}

#[component]
fn Profile() -> Html {
    let here = use_here();
    let write = use_write();
    let name = use_state(|| here.me.name.clone());
    let on_input = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| name.set(value_of(&event)))
    };
    let submit = {
        let (write, name) = (write.clone(), name.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let body = UpdateUser { name: Some((*name).clone()), ..UpdateUser::default() };
            write.start(move || {
                let body = body.clone();
                async move {
                    api::ask(endpoint::UpdateMe { body }).await?;
                    said::tell("Saved.".to_owned());
                    Ok(())
                }
            });
        })
    };
    let save = {
        let write = write.clone();
        Callback::from(move |_: MouseEvent| {
            write.start_read(|| save_file(Download::MyData));
        })
    };
    let error = write.failure().and_then(|failure| failure::field(failure, "name"));
    html! {
        <section class="card" aria-labelledby="data">
            <header class="card-head"><h2 id="data">{ "Your data" }</h2></header>
            <form class="card-part" onsubmit={submit}>
                <Field id="my-name" label="Name" {error} hint="As organizers and members see you">
                    <div class="row tight"><input id="my-name" class="input" aria-describedby="my-name-note" maxlength="200" value={(*name).clone()} oninput={on_input} /><button class="button" disabled={write.busy() || name.trim().is_empty() || *name == here.me.name}>{ "Save" }</button></div>
                </Field>
            </form>
            <div class="card-part row spread"><span>{ "Everything that is kept about you, as a file" }</span><button id="export" class="button" disabled={write.busy()} onclick={save}>{ icon("download") }{ "Export my data" }</button></div>
            { write.notice() }
        </section>
    }
}

#[component]
fn Account() -> Html {
    let here = use_here();
    let write = use_write();
    let asking = use_state(|| false);
    let typed = use_state(String::new);
    let ask = {
        let asking = asking.clone();
        Callback::from(move |_: MouseEvent| asking.set(true))
    };
    let on_close = {
        let asking = asking.clone();
        Callback::from(move |()| asking.set(false))
    };
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| typed.set(value_of(&event)))
    };
    let on_go = {
        let write = write.clone();
        Callback::from(move |()| write.start(|| api::ask(endpoint::DeleteMe {})))
    };
    html! {
        <section class="card" aria-labelledby="account">
            <header class="card-head"><h2 id="account">{ "Account" }</h2></header>
            <div class="card-part row spread"><div><p>{ format!("Signed in as {}", here.me.email) }</p><p class="small muted">{ "Deleting your account cancels your future bookings and removes your name everywhere." }</p></div>
                <button id="delete-account" class="button quiet danger" onclick={ask}>{ "Delete my account" }</button></div>
            if *asking {
                <Confirm title="Delete your account?" subtitle={html! { here.me.email.clone() }} label="Delete my account" keep="Keep it" busy={write.busy()} notice={write.notice()}
                    disabled={*typed != "delete"} {on_go} {on_close}>
                    <p>{ "Your future bookings are cancelled, and their seats go to the waitlist. Your name is removed from past ones. You cannot undo this." }</p>
                    <Field id="delete-word" label="Write “delete” to confirm"><input id="delete-word" class="input" autocomplete="off" value={(*typed).clone()} oninput={on_input} /></Field>
                </Confirm>
            }
        </section>
    }
}
