//! The form itself: the draft, its problems, and saving it.

use happening_api::{ApiFailure, ErrorBody, ErrorCode, Event, OrgId, Visibility};
use yew::prelude::*;
use yew_router::prelude::*;

use super::compare::{Compare, keep_mine, take_theirs};
use super::fields::{choices, fields, organization_field};
use super::side::{HandOver, WhenSaved};
use crate::api::{self, endpoint};
use crate::components::{Banner, Empty, Tone, back, head};
use crate::features::event_draft::{self, Draft, Problems};
use crate::features::failure;
use crate::focus::focus;
use crate::format::{self, BrowserZones};
use crate::here::use_here;
use crate::route::Route;
use crate::shortcuts::dialog_is_open;
use crate::write::{Write, use_write};
use crate::{said, store};

#[derive(Properties, PartialEq)]
pub(super) struct FormProps {
    pub(super) event: Option<Event>,
}

#[component]
pub(super) fn Form(props: &FormProps) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let write = use_write();
    // the version that the form changes: the one that was read, or a newer one that another person saved meanwhile
    let base = use_state(|| props.event.clone());
    let fresh = {
        let base = base.clone();
        move || base.as_ref().map_or_else(|| Draft::new(format::own_zone()), |event| Draft::of(event, &BrowserZones))
    };
    let draft = use_state(fresh.clone());
    let org = use_state(|| None::<OrgId>);
    let checked = use_state(|| false);
    let key = use_state(api::new_key);
    let staffed = here.staffed();
    let org_id =
        org.filter(|org| staffed.iter().any(|one| one.id == *org)).or_else(|| staffed.first().map(|one| one.id));
    let mut problems = draft.problems(&BrowserZones, format::now());
    if let Some(event) = base.as_ref() {
        // an unchanged start is not checked, since an ongoing event keeps its past start
        let untouched = Draft::of(event, &BrowserZones);
        if (&untouched.date, &untouched.time) == (&draft.date, &draft.time) {
            problems.remove("event_date");
        }
    }
    add_refused(&mut problems, write.failure());
    let shown = if *checked { problems.clone() } else { Problems::new() };
    // after a refusal by the server, the focus moves to the list of problems, as after the app's own check
    let to_read = !shown.is_empty();
    use_effect_with(write.failure().cloned(), move |failure| {
        if failure.is_some() && to_read {
            focus("#problems");
        }
    });
    let save = saver(Saving {
        navigator,
        write: write.clone(),
        base: base.clone(),
        draft: draft.clone(),
        org: org_id,
        key: (*key).clone(),
        problems: problems.clone(),
        checked,
    });
    use_save_key();
    let set = |change: fn(&mut Draft, String)| {
        let draft = draft.clone();
        Callback::from(move |text: String| {
            let mut next = (*draft).clone();
            change(&mut next, text);
            draft.set(next);
        })
    };
    let stale = match write.failure() {
        Some(ApiFailure::Refused { body, .. }) if body.code == ErrorCode::Stale => body.details.event.clone(),
        _ => None,
    };
    let title = if base.is_some() { "Edit event" } else { "Create event" };
    let discard = {
        let (draft, write, original) = (draft.clone(), write.clone(), fresh());
        Callback::from(move |_: MouseEvent| {
            draft.set(original.clone());
            write.clear();
        })
    };
    let changed = *draft != fresh();
    let actions = html! {
        <>
            <button type="button" class="button" disabled={!changed} onclick={discard}>{ "Discard changes" }</button>
            <button id="save" class="button primary" disabled={write.busy() || (base.is_none() && write.unsure()) || (base.is_some() && !changed)} aria-busy={write.busy().to_string()}>{ if base.is_some() { "Save changes" } else { "Create event" } }</button>
        </>
    };
    let way_back = match base.as_ref() {
        Some(event) => back(Route::board(event.id), event.name.clone()),
        None => back(Route::Organize, "Organize"),
    };
    if base.is_none() && staffed.is_empty() {
        return html! { <div class="page">{ way_back }<div class="card"><Empty title="You cannot create events here" text="Organizers and admins do. Ask an admin of the organization, or create one of your own." /></div></div> };
    }
    html! {
        <form class="page" onsubmit={save} id="event-form" novalidate=true>
            { way_back }
            { head(title, html! {}, actions) }
            <div class="with-side">
                <div class="stack loose">
                    { summary(&shown) }
                    if let Some(theirs) = stale { <Compare mine={(*draft).clone()} theirs={*theirs} on_mine={keep_mine(&base, &write)} on_theirs={take_theirs(&base, &draft, &write)} /> }
                    else if shown.is_empty() { { write.notice() } }
                    <div class="card pad stack loose">
                        if base.is_none() && staffed.len() > 1 { { organization_field(&staffed, org_id, &org) } }
                        { fields(&draft, &shown, base.as_ref(), &set) }
                        { choices(&draft, base.as_ref()) }
                    </div>
                </div>
                <aside class="stack" aria-label="What saving does">
                    if let Some(event) = base.as_ref() {
                        <WhenSaved event={event.clone()} draft={(*draft).clone()} />
                        <HandOver event={event.clone()} owner={draft.owner} on_owner={let draft = draft.clone(); Callback::from(move |owner| draft.set(Draft { owner, ..(*draft).clone() }))} />
                    } else {
                        <section class="card pad stack small soft"><h2 class="h3">{ "When you create it" }</h2>
                            <p>{ if draft.visibility == Visibility::Public { "Everyone who is signed in can see and book it at once." } else { "Members of the organization can see and book it at once." } }</p>
                            <p>{ "You can change everything until it starts. People with a booking are told of a new name, time or place." }</p></section>
                    }
                </aside>
            </div>
        </form>
    }
}

/// The state that saving needs.
struct Saving {
    navigator: Navigator,
    write: Write,
    base: UseStateHandle<Option<Event>>,
    draft: UseStateHandle<Draft>,
    org: Option<OrgId>,
    /// The idempotency key for creating the event; a retry uses the same.
    key: String,
    problems: Problems,
    checked: UseStateHandle<bool>,
}

/// Saves the draft unless it has problems, then goes to the event's board.
fn saver(saving: Saving) -> Callback<SubmitEvent> {
    Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        saving.checked.set(true);
        let mut local = saving.draft.problems(&BrowserZones, format::now()).into_keys();
        if local.any(|field| saving.problems.contains_key(field)) {
            // the list of problems is on the page only after this click was handled
            gloo_timers::callback::Timeout::new(0, || drop(focus("#problems"))).forget();
            return;
        }
        let (draft, base, org) = ((*saving.draft).clone(), (*saving.base).clone(), saving.org);
        let (navigator, key) = (saving.navigator.clone(), saving.key.clone());
        let presence = saving.write.presence();
        let (write, creates) = (saving.write.clone(), base.is_none());
        let job = move || {
            let sent = send(base.clone(), draft.clone(), org, key.clone());
            let (created, navigator, presence) = (base.is_none(), navigator.clone(), presence.clone());
            async move {
                let Some(saved) = sent.await? else { return Ok(()) };
                said::tell(if created {
                    format!("{} is created. People can book it now.", saved.name)
                } else {
                    "Saved.".to_owned()
                });
                store::changed();
                if presence.lasts() {
                    navigator.push(&Route::board(saved.id));
                }
                Ok(())
            }
        };
        // an edit needs no key, because it carries the version that it changes
        if creates { write.start_keyed(job) } else { write.start(job) }
    })
}

/// Creates the event or changes it; `None` when there is nothing to send.
async fn send(base: Option<Event>, draft: Draft, org: Option<OrgId>, key: String) -> Result<Option<Event>, ApiFailure> {
    if let Some(event) = base {
        let changes = draft.changes(&event, &BrowserZones).unwrap_or_default();
        return match api::ask(endpoint::UpdateEvent {
            event_id: event.id,
            version: event.version,
            body: Box::new(changes),
        })
        .await
        {
            // an earlier try succeeded, although its answer did not come
            Err(ApiFailure::Refused { body, .. }) if body.code == ErrorCode::Stale && is_saved(&draft, &body) => {
                Ok(body.details.event.map(|event| *event))
            }
            result => result.map(Some),
        };
    }
    match org.and_then(|org| draft.create(org, &BrowserZones)) {
        Some(body) => api::ask(endpoint::CreateEvent { key, body: Box::new(body) }).await.map(Some),
        None => Ok(None),
    }
}

/// Whether the server already has the event as the draft describes it.
fn is_saved(draft: &Draft, refusal: &ErrorBody) -> bool {
    refusal.details.event.as_ref().is_some_and(|event| Draft::of(event, &BrowserZones) == *draft)
}

/// Adds the problems that only the server could find, at their fields.
fn add_refused(problems: &mut Problems, failure: Option<&ApiFailure>) {
    let Some(ApiFailure::Refused { body, .. }) = failure else { return };
    if body.code == ErrorCode::SeatsBooked {
        problems.insert("total_slots", event_draft::too_small(body.details.seats.as_deref().unwrap_or_default()));
    }
    for name in
        ["name", "description", "place", "time_zone", "event_date", "ends_at", "total_slots", "max_seats_per_user"]
    {
        if let Some(reason) = failure.and_then(|failure| failure::field(failure, name)) {
            problems.insert(name, reason);
        }
    }
}

/// All problems, with links to their fields.
fn summary(problems: &Problems) -> Html {
    if problems.is_empty() {
        return Html::default();
    }
    let title = match problems.len() {
        1 => "One thing needs your attention".to_owned(),
        more => format!("{more} things need your attention"),
    };
    let links = problems.iter().map(|(field, reason)| {
        let field = *field;
        html! { <li><button type="button" class="link" onclick={move |_| drop(focus(&format!("#{field}")))}>{ reason.clone() }</button></li> }
    });
    html! { <div id="problems" tabindex="-1"><Banner tone={Tone::Bad} title={title}><ul>{ for links }</ul></Banner></div> }
}

/// Ctrl or Cmd S saves.
#[hook]
fn use_save_key() {
    use_effect_with((), |()| {
        let options = gloo::events::EventListenerOptions::enable_prevent_default();
        let window = gloo::utils::window();
        let listener = gloo::events::EventListener::new_with_options(&window, "keydown", options, |event| {
            let Some(key) = wasm_bindgen::JsCast::dyn_ref::<web_sys::KeyboardEvent>(event) else { return };
            if (key.ctrl_key() || key.meta_key()) && key.key().eq_ignore_ascii_case("s") {
                event.prevent_default();
                if dialog_is_open() {
                    return;
                }
                let save = gloo::utils::document().get_element_by_id("save");
                if let Some(save) =
                    save.and_then(|save| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(save).ok())
                {
                    save.click();
                }
            }
        });
        move || drop(listener)
    });
}
