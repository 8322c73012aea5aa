//! The session, as the shell tells it: who is signed in.

use happening_api::SessionView;
use yew::prelude::*;

use crate::api;

/// The current session: asks the shell once, then follows its events.
#[hook]
pub(crate) fn use_session() -> SessionView {
    let view = use_state(|| SessionView::Restoring);
    {
        let view = view.clone();
        use_effect_with((), move |()| {
            let listener = {
                let view = view.clone();
                api::listen::<SessionView>("session", move |now| view.set(now))
            };
            wasm_bindgen_futures::spawn_local(async move {
                if let Ok(now) = api::session().await {
                    view.set(now);
                }
            });
            move || drop(listener)
        });
    }
    (*view).clone()
}
