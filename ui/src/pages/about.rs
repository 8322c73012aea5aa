//! The about screen: version, updates if the app was built with an update feed, and a report for support.

use yew::prelude::*;

use super::copy_text;
use crate::components::{back, head, icon};
use crate::route::Route;
use crate::write::use_write;
use crate::{api, said, store};

/// The screen about the app: its version, updates, and details for support.
#[component]
pub(crate) fn About() -> Html {
    let info = store::use_command("info".to_owned(), api::info);
    let (version, updates) =
        info.value.as_ref().map_or((String::new(), false), |info| (info.version.clone(), info.updates));
    html! {
        <div class="page narrow">
            { back(Route::Settings, "Settings") }
            { head("About Happening", html! { format!("Version {version}. Free software under the Apache License 2.0.") }, html! {}) }
            <div class="stack loose">
                if updates { <Updates /> }
                <Diagnostics tell={Callback::from(said::tell)} />
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct DiagnosticsProps {
    /// Shows the result of copying.
    pub(super) tell: Callback<String>,
}

/// The report for support, with a button to copy it.
#[component]
pub(super) fn Diagnostics(props: &DiagnosticsProps) -> Html {
    let diagnostics = store::use_command("diagnostics".to_owned(), api::diagnostics);
    let text = diagnostics.value.as_deref().cloned().unwrap_or_default();
    let copy = {
        let (text, tell) = (text.clone(), props.tell.clone());
        Callback::from(move |_: MouseEvent| copy_text(text.clone(), tell.clone()))
    };
    html! {
        <>
            <section class="card" aria-labelledby="diagnostics">
                <header class="card-head"><h2 id="diagnostics">{ "Diagnostics" }</h2><button class="button small" onclick={copy}>{ icon("copy") }{ "Copy" }</button></header>
                <pre class="card-part small" tabindex="0" aria-label="Diagnostics">{ text }</pre>
            </section>
            <p class="small muted">{ "Copy this when you ask for help. It holds no password, no token and no name." }</p>
        </>
    }
}

#[component]
fn Updates() -> Html {
    let write = use_write();
    let found = use_state(|| None::<Option<String>>);
    let look = |install: bool| {
        let (write, found) = (write.clone(), found.clone());
        Callback::from(move |_: MouseEvent| {
            let found = found.clone();
            write.start_read(move || {
                let found = found.clone();
                async move {
                    found.set(Some(api::update(install).await?));
                    Ok(())
                }
            });
        })
    };
    html! {
        <section class="card pad stack" aria-labelledby="updates">
            <h2 id="updates">{ "Updates" }</h2>
            { match &*found {
                None => html! { <div class="row"><button class="button" disabled={write.busy()} aria-busy={write.busy().to_string()} onclick={look(false)}>{ "Look for a newer version" }</button></div> },
                Some(None) => html! { <p role="status">{ "This is the newest version." }</p> },
                Some(Some(version)) => html! { <div class="row spread"><p role="status">{ format!("Version {version} is there.") }</p><button class="button primary" disabled={write.busy()} aria-busy={write.busy().to_string()} onclick={look(true)}>{ "Install it and start again" }</button></div> },
            } }
            { write.notice() }
        </section>
    }
}
