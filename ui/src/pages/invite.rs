//! The invite whose link was opened: who invites the person into which organization, and a button to join. The invite's
//! token stays in the shell.

use yew::prelude::*;
use yew_router::prelude::*;

use crate::components::{Empty, FailureNotice, icon, skeleton};
use crate::here::use_here;
use crate::route::Route;
use crate::write::use_write;
use crate::{api, format, said, store};

/// The screen of an invite whose link the person opened.
#[component]
pub(crate) fn Invite() -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let write = use_write();
    let read = store::use_command("invite".to_owned(), api::preview_invite);
    let join = {
        let (write, here, navigator) = (write.clone(), here.clone(), navigator.clone());
        Callback::from(move |_: MouseEvent| {
            let (here, navigator, presence) = (here.clone(), navigator.clone(), write.presence());
            write.start(move || {
                let (here, navigator, presence) = (here.clone(), navigator.clone(), presence.clone());
                async move {
                    if let Some(joined) = api::accept_invite().await? {
                        said::tell(format!("Welcome to {}.", joined.name));
                        store::changed();
                        here.on_scope.emit(Some(joined.id));
                        if presence.lasts() {
                            navigator.push(&Route::Home);
                        }
                    }
                    Ok(())
                }
            });
        })
    };
    let leave = Callback::from(move |_: MouseEvent| {
        navigator.push(&Route::Home);
        wasm_bindgen_futures::spawn_local(async {
            drop(api::forget_invite().await);
        });
    });
    let body = match read.value.as_deref() {
        Some(Some(preview)) => html! {
            <section class="card pad stack loose">
                <span class="mark large" aria-hidden="true">{ format::initials(&preview.organization) }</span>
                <div class="stack">
                    <h1>{ format!("Join {}", preview.organization) }</h1>
                    <p class="soft">{ format!("{} invites {} as {}. The invite is valid until {}.", preview.inviter, preview.email, format::role(preview.role).to_lowercase(), format::day(preview.expires_at)) }</p>
                    <p class="small muted">{ format!("You are signed in as {}.", here.me.email) }</p>
                </div>
                { write.notice() }
                <div class="row">
                    <button id="join" class="button primary" disabled={write.busy()} aria-busy={write.busy().to_string()} onclick={join}>{ icon("check") }{ format!("Join {}", preview.organization) }</button>
                    <button class="button quiet" onclick={leave}>{ "Not now" }</button>
                </div>
            </section>
        },
        Some(None) => {
            html! { <div class="card"><Empty title="No invite is open" text="Open the link in the mail that invites you."><button class="button" onclick={leave}>{ "Go home" }</button></Empty></div> }
        }
        None => match read.failure.clone() {
            Some(failure) => {
                html! { <><FailureNotice {failure} /><p><button class="button" onclick={leave}>{ "Go home" }</button></p></> }
            }
            None => skeleton(4),
        },
    };
    let named = matches!(read.value.as_deref(), Some(Some(_)));
    html! { <div class="page narrow stack">if !named { <h1 class="visually-hidden">{ "Invite" }</h1> }{ body }</div> }
}
