//! The form for the server's address, which it checks before the app uses it.

use happening_api::ServerCheck;
use yew::prelude::*;

use crate::api;
use crate::components::{Field, icon, value_of};
use crate::write::use_write;

#[derive(Properties, PartialEq)]
pub(super) struct Props {
    /// The address that is used now.
    pub(super) server: String,
    /// Whether a person is signed in; changing the address signs them out.
    #[prop_or_default]
    pub(super) signed_in: bool,
    /// Called when the address was changed.
    #[prop_or_default]
    pub(super) on_changed: Callback<()>,
}

/// The form for another server: checks the address before the app uses it.
#[component]
pub(super) fn ServerForm(props: &Props) -> Html {
    let write = use_write();
    let address = use_state(|| None::<String>);
    let checked = use_state(|| None::<(String, ServerCheck)>);
    let shown = (*address).clone().unwrap_or_else(|| props.server.clone());
    let on_input = {
        let address = address;
        Callback::from(move |event: InputEvent| address.set(Some(value_of(&event))))
    };
    let check = {
        let (write, shown, checked) = (write.clone(), shown.clone(), checked.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let (shown, checked) = (shown.clone(), checked.clone());
            write.start_read(move || {
                let (shown, checked) = (shown.clone(), checked.clone());
                async move {
                    let found = api::check_server(shown.clone()).await?;
                    checked.set(Some((shown, found)));
                    Ok(())
                }
            });
        })
    };
    let change = {
        let (write, shown) = (write.clone(), shown.clone());
        let on_changed = props.on_changed.clone();
        Callback::from(move |_: MouseEvent| {
            let shown = shown.clone();
            let on_changed = on_changed.clone();
            write.start_read(move || {
                let (shown, on_changed) = (shown.clone(), on_changed.clone());
                async move {
                    api::change_server(shown).await?;
                    on_changed.emit(());
                    Ok(())
                }
            });
        })
    };
    let result = checked.as_ref().filter(|(of, _)| *of == shown).map(|(_, found)| found.clone());
    let (error, found) = match &result {
        None => (None, None),
        Some(ServerCheck::Server { version }) => (None, Some(format!("A Happening server, version {version}."))),
        Some(ServerCheck::NotAllowed { reason }) => (Some(crate::format::capitalized(&format!("{reason}."))), None),
        Some(ServerCheck::Away) => {
            (Some("Nothing answers there. Check the address and your network.".to_owned()), None)
        }
        Some(ServerCheck::Stranger) => (Some("Something answers there, but no Happening server.".to_owned()), None),
    };
    let other = shown.trim().trim_end_matches('/') != props.server.trim_end_matches('/');
    let hint = if props.signed_in {
        "Your administrator gives you this address. If you change it you sign in again."
    } else {
        "Your administrator gives you this address."
    };
    html! {
        <form class="stack" onsubmit={check}>
            <Field id="server" label="Server address" {error} hint={found.clone().unwrap_or_else(|| hint.to_owned())}>
                <div class="row tight"><input id="server" class="input" inputmode="url" spellcheck="false" autocomplete="off" value={shown} oninput={on_input} aria-describedby="server-note" />
                    <button id="check-server" class="button" disabled={write.busy()} aria-busy={write.busy().to_string()}>{ "Check" }</button></div>
            </Field>
            if found.is_some() && other { <button id="use-server" type="button" class="button primary" disabled={write.busy()} onclick={change}>{ icon("check") }{ if props.signed_in { "Use this server and sign in again" } else { "Use this server" } }</button> }
            { write.notice() }
        </form>
    }
}
