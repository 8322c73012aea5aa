//! A short message about what was just done or failed.

use yew::prelude::*;

use super::icon;

/// Milliseconds after which a toast closes; it stays while it has the pointer or the focus.
const TOAST_MS: u32 = 8_000;

#[derive(Properties, PartialEq)]
struct Props {
    text: String,
    icon: &'static str,
    on_close: Callback<()>,
}

#[derive(Properties, PartialEq)]
pub(crate) struct InProps {
    /// The element in which the message is shown and read out.
    pub(crate) element: web_sys::Element,
    pub(crate) text: String,
    pub(crate) icon: &'static str,
    pub(crate) on_close: Callback<()>,
}

/// The message, shown in another element through a portal. For another element it needs another key, so that it is
/// recreated.
#[component]
pub(crate) fn ToastIn(props: &InProps) -> Html {
    let InProps { element, text, icon, on_close } = props;
    create_portal(html! { <Toast text={text.clone()} {icon} on_close={on_close.clone()} /> }, element.clone())
}

/// The message.
#[component]
fn Toast(props: &Props) -> Html {
    let held = use_state(|| false);
    {
        let on_close = props.on_close.clone();
        use_effect_with(*held, move |held| {
            let timer = (!*held).then(|| gloo_timers::callback::Timeout::new(TOAST_MS, move || on_close.emit(())));
            move || drop(timer)
        });
    }
    let hold = |value: bool| {
        let held = held.clone();
        move || held.set(value)
    };
    let (enter, leave, focus, blur) = (hold(true), hold(false), hold(true), hold(false));
    let close = {
        let on_close = props.on_close.clone();
        Callback::from(move |_: MouseEvent| on_close.emit(()))
    };
    html! {
        <div class="toast" onmouseenter={move |_| enter()} onmouseleave={move |_| leave()}
            onfocusin={move |_| focus()} onfocusout={move |_| blur()}>
            { icon(props.icon) }<p>{ &props.text }</p><button aria-label="Close the message" onclick={close}>{ icon("close") }</button>
        </div>
    }
}
