//! A text field for a date, with a button that opens a calendar. Native date pickers differ between web engines, and
//! one engine has none.

use chrono::{Datelike, Days, Months, NaiveDate};
use yew::prelude::*;

use super::{icon, value_of};
use crate::features::event_draft::parse_date;
use crate::format;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) id: AttrValue,
    pub(crate) value: String,
    pub(crate) on_change: Callback<String>,
    #[prop_or_default]
    pub(crate) disabled: bool,
    #[prop_or_default]
    pub(crate) invalid: bool,
}

/// The field.
#[component]
pub(crate) fn DateField(props: &Props) -> Html {
    let shown = use_state(|| None::<NaiveDate>);
    let button = use_node_ref();
    // the calendar, which had the focus, is removed, so the focus moves to the button
    let close = {
        let (shown, button) = (shown.clone(), button.clone());
        Callback::from(move |()| {
            shown.set(None);
            if let Some(button) = button.cast::<web_sys::HtmlElement>() {
                drop(button.focus()); // cannot fail, since the button is on the page
            }
        })
    };
    let on_input = {
        let on_change = props.on_change.clone();
        Callback::from(move |event: InputEvent| on_change.emit(value_of(&event)))
    };
    let chosen = parse_date(&props.value);
    let toggle = {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| {
            let month = chosen.unwrap_or_else(|| format::now().date_naive());
            shown.set(if shown.is_some() { None } else { month.with_day(1) });
        })
    };
    let on_key = {
        let (shown, close) = (shown.clone(), close.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && shown.is_some() {
                event.prevent_default();
                event.stop_propagation();
                close.emit(());
            }
        })
    };
    html! {
        <div class="date-field" onkeydown={on_key}>
            <input id={props.id.clone()} class="input" placeholder="2027-04-24" autocomplete="off" value={props.value.clone()} oninput={on_input} disabled={props.disabled} aria-describedby={format!("{}-note", props.id)} aria-invalid={props.invalid.to_string()} />
            <button ref={button} type="button" class="button quiet square" disabled={props.disabled} aria-label="Choose from a calendar" aria-expanded={shown.is_some().to_string()} onclick={toggle}>{ icon("calendar") }</button>
            if let Some(month) = *shown { { calendar(month, chosen, &shown, &props.on_change, &close) } }
        </div>
    }
}

fn calendar(
    month: NaiveDate,
    chosen: Option<NaiveDate>,
    shown: &UseStateHandle<Option<NaiveDate>>,
    on_change: &Callback<String>,
    close: &Callback<()>,
) -> Html {
    let turn = |to: Option<NaiveDate>| {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| shown.set(to))
    };
    let first = month.checked_sub_days(Days::new(u64::from(month.weekday().num_days_from_monday()))).unwrap_or(month);
    let day = |offset: u64| {
        let date = first.checked_add_days(Days::new(offset)).unwrap_or(first);
        if date.month() != month.month() {
            return html! { <span /> };
        }
        let choose = {
            let (close, on_change) = (close.clone(), on_change.clone());
            Callback::from(move |_: MouseEvent| {
                on_change.emit(date.to_string());
                close.emit(());
            })
        };
        html! { <button type="button" aria-pressed={(chosen == Some(date)).to_string()} aria-label={date.to_string()} onclick={choose}>{ date.day() }</button> }
    };
    let weeks =
        if first.checked_add_days(Days::new(35)).is_some_and(|date| date.month() == month.month()) { 6 } else { 5 };
    html! {
        <div class="calendar" role="group" aria-label="Calendar">
            <div class="row spread">
                <button type="button" class="button quiet square small" aria-label="Month before" onclick={turn(month.checked_sub_months(Months::new(1)))}>{ icon("back") }</button>
                <b aria-live="polite">{ format::month_of(month) }</b>
                <button type="button" class="button quiet square small" aria-label="Month after" onclick={turn(month.checked_add_months(Months::new(1)))}>{ icon("right") }</button>
            </div>
            <div class="calendar-days">
                { for ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"].iter().map(|name| html! { <span class="small muted" aria-hidden="true">{ *name }</span> }) }
                { for (0..weeks * 7).map(day) }
            </div>
        </div>
    }
}
