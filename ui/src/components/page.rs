//! The head of a page.

use yew::prelude::*;
use yew_router::prelude::*;

use super::{FailureNotice, icon, skeleton};
use crate::here::Here;
use crate::route::Route;

/// A page's title, the line below it, and its buttons.
pub(crate) fn head(title: impl Into<AttrValue>, lede: Html, actions: Html) -> Html {
    html! {
        <header class="page-head">
            <h1>{ title.into() }</h1>
            <p class="lede">{ lede }</p>
            <div class="page-actions">{ actions }</div>
        </header>
    }
}

/// A link back to the page above.
pub(crate) fn back(to: Route, name: impl Into<AttrValue>) -> Html {
    html! { <p class="page-back"><Link<Route> {to}>{ icon("back") }{ name.into() }</Link<Route>></p> }
}

/// The page that a screen about organizations shows until the organizations have been read; `None` afterwards.
pub(crate) fn without_organizations(here: &Here, title: &'static str) -> Option<Html> {
    if here.organizations_known {
        return None;
    }
    Some(html! {
        <div class="page">
            { head(title, html! {}, html! {}) }
            if let Some(failure) = here.organizations_failure.clone() { <FailureNotice {failure} /> }
            else { { skeleton(6) } }
        </div>
    })
}
