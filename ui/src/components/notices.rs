//! Notices of a screen: banners, failures, empty lists, placeholders while it loads.

use happening_api::ApiFailure;
use yew::prelude::*;

use super::{Countdown, icon};
use crate::connection::use_old;
use crate::features::failure;
use crate::{format, store};

/// Whether a banner asks for patience or reports something bad.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Wait,
    Bad,
}

#[derive(Properties, PartialEq)]
pub(crate) struct BannerProps {
    pub(crate) tone: Tone,
    pub(crate) title: AttrValue,
    #[prop_or_default]
    pub(crate) children: Html,
}

/// A short notice. Screen readers announce a bad one at once, others when they are idle.
#[component]
pub(crate) fn Banner(props: &BannerProps) -> Html {
    let (class, picture, role) = match props.tone {
        Tone::Wait => ("wait", "clock", "status"),
        Tone::Bad => ("bad", "alert", "alert"),
    };
    html! {
        <div class={classes!("banner", class)} role={role}>
            { icon(picture) }
            <div><b>{ props.title.clone() }</b>{ props.children.clone() }</div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct FailureProps {
    pub(crate) failure: ApiFailure,
    /// The screen still shows an earlier answer.
    #[prop_or_default]
    pub(crate) old_shown: bool,
}

/// Says why a read failed, with a button to try again.
#[component]
pub(crate) fn FailureNotice(props: &FailureProps) -> Html {
    let words = failure::of_read(&props.failure);
    let again = Callback::from(|_: MouseEvent| store::changed());
    html! {
        <Banner tone={Tone::Bad} title={words.title}>
            <p>{ words.text }{ if props.old_shown { " This is what we knew before." } else { "" } }</p>
            if let Some(seconds) = words.wait_s {
                <Countdown key={seconds} {seconds} />
            } else if words.again {
                <button class="button small" onclick={again}>{ icon("retry") }{ "Try again" }</button>
            }
        </Banner>
    }
}

/// Says that the server cannot be reached, how old the shown data is, and what the person can do.
#[component]
pub(crate) fn OfflineBar() -> Html {
    let Some(old) = use_old() else { return Html::default() };
    let again = Callback::from(|_: MouseEvent| store::changed());
    let since = format::moment(old.since);
    let words = if old.offline {
        format!("You are offline. This is what we knew at {since}. You can look, but not book or change anything.")
    } else {
        format!("Some of this could not be read again, and is what we knew at {since}.")
    };
    html! { <p class="notice-bar wait" role="status">{ icon("offline") }{ words }<button class="button small" onclick={again}>{ "Try now" }</button></p> }
}

#[derive(Properties, PartialEq)]
pub(crate) struct EmptyProps {
    pub(crate) title: AttrValue,
    pub(crate) text: AttrValue,
    #[prop_or_default]
    pub(crate) children: Html,
}

/// Says that a list is empty, and what the person can do about it.
#[component]
pub(crate) fn Empty(props: &EmptyProps) -> Html {
    html! {
        <div class="empty">
            <svg class="empty-art" viewBox="0 0 120 52" aria-hidden="true">
                <rect x="6" y="16" width="26" height="26" rx="7" /><rect class="on" x="47" y="10" width="26" height="32" rx="7" />
                <rect x="88" y="16" width="26" height="26" rx="7" />
            </svg>
            <p class="empty-title">{ props.title.clone() }</p>
            <p>{ props.text.clone() }</p>
            { props.children.clone() }
        </div>
    }
}

/// A placeholder for text that is being read. It takes the space that the answer will take.
pub(crate) fn skeleton(lines: usize) -> Html {
    shapes("lines", lines)
}

/// A placeholder for cards.
pub(crate) fn card_skeleton(cards: usize) -> Html {
    shapes("cards", cards)
}

/// A placeholder for rows of a list.
pub(crate) fn row_skeleton(rows: usize) -> Html {
    shapes("rows", rows)
}

fn shapes(kind: &'static str, count: usize) -> Html {
    html! {
        <div class={classes!("skeleton", kind)} role="status" aria-label="Loading">
            { for (0..count).map(|_| html! { <span /> }) }
        </div>
    }
}
