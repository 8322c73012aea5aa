//! A table of an event's bookings, for its staff.

use happening_api::{Booking, UserId};
use yew::prelude::*;

use crate::format;

/// Bookings that a table shows until the person asks for all.
const ROWS_AT_FIRST: usize = 25;

#[derive(Properties, PartialEq)]
pub(super) struct TableProps {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    /// The text that is shown instead of an empty table.
    pub(super) nobody: AttrValue,
    pub(super) bookings: Vec<Booking>,
    pub(super) waitlist: bool,
    /// The signed-in person. They book for themselves on the event's page, so their own booking has no button for
    /// giving seats.
    pub(super) me: UserId,
    /// Whether the event has started: staff cannot cancel their own booking after that.
    pub(super) started: bool,
    /// Cancels a booking; without this callback, the table has no buttons for it.
    #[prop_or_default]
    pub(super) on_cancel: Option<Callback<Booking>>,
    /// Gives seats to the person of a booking.
    #[prop_or_default]
    pub(super) on_give: Option<Callback<Booking>>,
}

/// The table, or a text instead of an empty one.
#[component]
pub(super) fn BookingTable(props: &TableProps) -> Html {
    let all = use_state(|| false);
    let shown = if *all { props.bookings.len() } else { ROWS_AT_FIRST };
    let more = {
        let all = all;
        Callback::from(move |_: MouseEvent| all.set(true))
    };
    let rows = props.bookings.iter().take(shown).map(|booking| {
        let name = booking.user.as_ref().map_or_else(|| "Somebody".to_owned(), |user| user.name.clone());
        let email = booking.user.as_ref().map(|user| user.email.clone()).unwrap_or_default();
        let with_booking = |act: &Option<Callback<Booking>>| {
            let (act, booking) = (act.clone()?, booking.clone());
            Some(Callback::from(move |_: MouseEvent| act.emit(booking.clone())))
        };
        let own = booking.user_id == props.me;
        let cancel = with_booking(&props.on_cancel).filter(|_| !(own && props.started));
        let give = with_booking(&props.on_give).filter(|_| !own);
        let held = if booking.seat_numbers.is_empty() { "none".to_owned() } else { format::seat_list(&booking.seat_numbers) };
        html! {
            <tr key={booking.id.to_string()}>
                if props.waitlist { <td><b>{ format::ordinal(booking.position.unwrap_or(0)) }</b></td> }
                <th scope="row">{ name.clone() }<span class="small muted">{ email }</span></th>
                if props.waitlist { <td>{ format::seats(i64::from(booking.waiting_seats)) }</td> }
                <td>{ held }</td>
                <td class="muted hide-narrow">{ format::moment(booking.created_at) }</td>
                <td class="table-action">
                    if give.is_some() { <button class="button small quiet" aria-label={format!("Give seats to {name}")} onclick={give}>{ "Give seats" }</button> }
                    if cancel.is_some() { <button class="button small quiet danger" aria-label={format!("Cancel the booking of {name}")} onclick={cancel}>{ "Cancel" }</button> }
                </td>
            </tr>
        }
    });
    html! {
        <section class="card section near">
            <header class="card-head"><h2>{ props.title }</h2><span class="small muted">{ props.note }</span></header>
            if props.bookings.is_empty() {
                <p class="card-part muted">{ props.nobody.clone() }</p>
            } else {
                <table>
                    <caption class="visually-hidden">{ props.title }</caption>
                    <thead><tr>
                        if props.waitlist { <th scope="col">{ "Place" }</th> }
                        <th scope="col">{ "Name" }</th>
                        if props.waitlist { <th scope="col">{ "Still wants" }</th> }
                        <th scope="col">{ if props.waitlist { "Has now" } else { "Seats" } }</th>
                        <th scope="col" class="hide-narrow">{ if props.waitlist { "Joined" } else { "Booked" } }</th>
                        <th scope="col"><span class="visually-hidden">{ "Actions" }</span></th>
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
                if shown < props.bookings.len() {
                    <footer class="card-part row spread"><span class="small muted">{ format!("{shown} of {} shown", format::number(props.bookings.len() as i64)) }</span><button class="button small" onclick={more}>{ "Show all" }</button></footer>
                }
            }
        </section>
    }
}
