//! What a screen says about itself: banners, failures, nothing there, not there yet.

use happening_api::ApiFailure;
use yew::prelude::*;

use super::{Countdown, icon};
use crate::connection::use_old;
use crate::features::failure;
use crate::{format, store};

/// What a banner is about.
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

/// A short notice. Bad ones are announced at once, others politely.
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
    /// What is on the screen is from an earlier answer.
    #[prop_or_default]
    pub(crate) old_shown: bool,
}

/// A read that failed, with a way to try again.
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

/// Says that the server cannot be reached, how old what is shown is, and what can be done.
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

/// Nothing is there, and what can be done about it.
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

/// Something is being read; it takes the room that the answer will take.
pub(crate) fn skeleton(lines: usize) -> Html {
    shapes("lines", lines)
}

/// The same for cards.
pub(crate) fn card_skeleton(cards: usize) -> Html {
    shapes("cards", cards)
}

/// The same for a list of rows.
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
