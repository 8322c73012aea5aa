//! My bookings: current ones and past ones.

use happening_api::Booking;
use yew::prelude::*;
use yew_router::prelude::*;

use super::booking_list::{BookingList, groups, is_current};
use crate::api::endpoint;
use crate::components::{Empty, FailureNotice, head, row_skeleton};
use crate::here::use_here;
use crate::route::Route;
use crate::store;

/// The screen of the person's own bookings.
#[component]
pub(crate) fn MyBookings() -> Html {
    let here = use_here();
    let user = here.me.id;
    let read = store::use_read(endpoint::MyBookings { user_id: user });
    let all: Vec<Booking> = read.value.iter().flat_map(|all| here.within(all)).cloned().collect();
    let (current, past): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_current);
    let section = |title: &'static str, groups: Vec<_>| {
        html! { <section class="section near"><div class="section-head"><h2>{ title }</h2></div><BookingList {groups} /></section> }
    };
    html! {
        <div class="page">
            { head("My bookings", html! { "Your seats and your places on waitlists, by event." }, html! {}) }
            if let Some(failure) = read.failure.clone() {
                <FailureNotice {failure} old_shown={read.value.is_some()} />
            }
            if read.loading() { { row_skeleton(4) } }
            if read.value.is_some() && all.is_empty() {
                <div class="card">
                    <Empty title="You have no bookings" text="Choose an event; your seats are here afterwards.">
                        <Link<Route> to={Route::Events} classes="button">{ "See the events" }</Link<Route>>
                    </Empty>
                </div>
            }
            if !current.is_empty() { { section("Ahead", groups(current.into_iter(), true)) } }
            if !past.is_empty() { { section("Past and cancelled", groups(past.into_iter(), false)) } }
        </div>
    }
}
