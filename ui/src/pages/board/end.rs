//! Cancelling or deleting an event.

use happening_api::Event;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::{self, endpoint};
use crate::components::Confirm;
use crate::route::Route;
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(super) struct EndProps {
    pub(super) event: Event,
    pub(super) delete: bool,
    pub(super) on_close: Callback<()>,
}

/// The dialog that cancels or deletes an event, after saying what that does.
#[component]
pub(super) fn EndEvent(props: &EndProps) -> Html {
    let write = use_write();
    let navigator = use_navigator().expect("inside the router");
    let (event, delete) = (&props.event, props.delete);
    let on_go = {
        let (id, name, write, on_close) = (event.id, event.name.clone(), write.clone(), props.on_close.clone());
        Callback::from(move |()| {
            let (name, on_close, navigator) = (name.clone(), on_close.clone(), navigator.clone());
            let presence = write.presence();
            write.start(move || {
                let (name, on_close, navigator) = (name.clone(), on_close.clone(), navigator.clone());
                let presence = presence.clone();
                async move {
                    if delete {
                        api::ask(endpoint::DeleteEvent { event_id: id }).await?;
                        if presence.lasts() {
                            navigator.push(&Route::Organize);
                        }
                        said::tell(format!("{name} is deleted."));
                    } else {
                        api::ask(endpoint::CancelEvent { event_id: id }).await?;
                        said::tell(format!("{name} is cancelled. Everybody with a booking is told."));
                        on_close.emit(());
                    }
                    store::changed();
                    Ok(())
                }
            });
        })
    };
    let people = event.people.unwrap_or(0);
    let (title, label) =
        if delete { ("Delete this event?", "Delete the event") } else { ("Cancel this event?", "Cancel the event") };
    html! {
        <Confirm {title} {label} subtitle={html! { event.name.clone() }} keep="Keep it" busy={write.busy()} notice={write.notice()} {on_go} on_close={props.on_close.clone()}>
            if delete {
                <p>{ "It disappears from every list. Only an event without active bookings can be deleted." }</p>
            } else {
                <p>{ format!("Every booking ends, also those on the waitlist. {} told.", if people == 1 { "1 person is".to_owned() } else { format!("{} people are", format::number(people)) }) }</p>
            }
            <p class="soft">{ "You cannot undo this." }</p>
        </Confirm>
    }
}
