//! Who is signed in, as the shell says.

use happening_api::SessionView;
use yew::prelude::*;

use crate::api;

/// The session as it is now; asks once, then hears of every change.
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
