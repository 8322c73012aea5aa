//! Creating and editing an event: checked while it is typed, and it says what saving will do.

use happening_api::{ApiFailure, Category, ErrorCode, Event, EventStatus, OrgId, UserId, Visibility};
use uuid::Uuid;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api;
use crate::components::{Banner, DateField, Empty, FailureNotice, Field, Tone, back, head, icon, skeleton, value_of};
use crate::features::event_draft::{self, Draft, Problems};
use crate::features::failure;
use crate::format::{self, BrowserZones};
use crate::here::use_here;
use crate::resource::use_resource;
use crate::route::Route;
use crate::write::use_write;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// `None` creates one.
    pub(crate) event_id: Option<Uuid>,
}

/// The screen: reads the event first.
#[component]
pub(crate) fn EventForm(props: &Props) -> Html {
    let here = use_here();
    let id = props.event_id;
    let tries = use_state(|| 0u32);
    // read once: what somebody else saves meanwhile is met when saving, not under the person's hands
    let read = use_resource(format!("edit {id:?}"), *tries, move || async move {
        match id {
            Some(id) => api::event(id.into()).await.map(Some),
            None => Ok(None),
        }
    });
    if let Some(waiting) = here.without_organizations("Event") {
        return waiting;
    }
    match (&read.value, &read.failure) {
        (Some(event), _) => match event.as_ref() {
            Some(event) if !here.runs(event) => {
                html! { <div class="page">{ back(Route::event(event.id), event.name.clone()) }<div class="card"><Empty title="You may not change this event" text="Only its organizer and the admins of its organization do." /></div></div> }
            }
            Some(event) if matches!(event.status, EventStatus::Cancelled | EventStatus::Completed) => {
                html! { <div class="page">{ back(Route::board(event.id), event.name.clone()) }<Banner tone={Tone::Wait} title="This event can no longer be changed">{ "It was cancelled, or is over." }</Banner></div> }
            }
            event => html! { <Form event={event.clone()} /> },
        },
        (None, Some(failure)) => {
            html! { <div class="page">{ back(Route::Organize, "Organize") }<FailureNotice failure={failure.clone()} again={Callback::from(move |()| tries.set(*tries + 1))} /></div> }
        }
        (None, None) => html! { <div class="page">{ skeleton(10) }</div> },
    }
}

#[derive(Properties, PartialEq)]
struct FormProps {
    event: Option<Event>,
}

#[component]
fn Form(props: &FormProps) -> Html {
    let here = use_here();
    let navigator = use_navigator().expect("inside the router");
    let write = use_write();
    // the version that is edited: the one that was read, or the newer one that somebody else saved meanwhile
    let base = use_state(|| props.event.clone());
    let fresh =
        || props.event.as_ref().map_or_else(|| Draft::new(format::own_zone()), |event| Draft::of(event, &BrowserZones));
    let draft = use_state(fresh);
    let org = use_state(|| None::<OrgId>);
    let checked = use_state(|| false);
    let key = use_state(api::new_key);
    let staffed = here.staffed();
    let org_id = org.or_else(|| staffed.first().map(|one| one.id));
    let mut problems = draft.problems(&BrowserZones, format::now());
    if let Some(event) = base.as_ref() {
        // what is not touched is not judged: an ongoing event keeps its past start
        let untouched = Draft::of(event, &BrowserZones);
        if (&untouched.date, &untouched.time) == (&draft.date, &draft.time) {
            problems.remove("event_date");
        }
    }
    add_refused(&mut problems, write.failure());
    let shown = if *checked { problems.clone() } else { Problems::new() };
    let save = {
        let (write, draft, base, checked, problems) =
            (write.clone(), draft.clone(), base.clone(), checked, problems.clone());
        let here = here;
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            checked.set(true);
            let local: Vec<_> = draft
                .problems(&BrowserZones, format::now())
                .into_keys()
                .filter(|field| problems.contains_key(field))
                .collect();
            if !local.is_empty() {
                focus("problems");
                return;
            }
            let (draft, base, here, navigator, key) =
                ((*draft).clone(), (*base).clone(), here.clone(), navigator.clone(), (*key).clone());
            let presence = write.presence();
            write.start(move || {
                let (draft, base, here, navigator, key) =
                    (draft.clone(), base.clone(), here.clone(), navigator.clone(), key.clone());
                let presence = presence.clone();
                async move {
                    let saved = match (&base, org_id) {
                        (Some(event), _) => {
                            let changes = draft.changes(event, &BrowserZones).unwrap_or_default();
                            api::update_event(event.id, event.version, changes).await?
                        }
                        (None, Some(org)) => match draft.create(org, &BrowserZones) {
                            Some(body) => api::create_event(key, body).await?,
                            None => return Ok(()),
                        },
                        (None, None) => return Ok(()),
                    };
                    here.tell.emit(if base.is_some() {
                        "Saved.".to_owned()
                    } else {
                        format!("{} is created. People can book it now.", saved.name)
                    });
                    here.refresh.again.emit(());
                    if presence.lasts() {
                        navigator.push(&Route::board(saved.id));
                    }
                    Ok(())
                }
            });
        })
    };
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
            <button id="save" class="button primary" disabled={write.busy() || (base.is_some() && !changed)} aria-busy={write.busy().to_string()}>{ if base.is_some() { "Save changes" } else { "Create event" } }</button>
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

/// What the server alone could know is shown at its field.
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

/// Everything that is wrong, with links to the fields.
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
        html! { <li><button type="button" class="link" onclick={move |_| focus(field)}>{ reason.clone() }</button></li> }
    });
    html! { <div id="problems" tabindex="-1"><Banner tone={Tone::Bad} title={title}><ul>{ for links }</ul></Banner></div> }
}

fn focus(id: &str) {
    let element = gloo::utils::document().get_element_by_id(id);
    if let Some(element) =
        element.and_then(|element| wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(element).ok())
    {
        drop(element.focus()); // it is on the screen in any case
    }
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

type Base = UseStateHandle<Option<Event>>;

/// Goes on from what somebody else saved, with one's own fields: saving then changes what differs.
fn keep_mine(base: &Base, write: &crate::write::Write) -> Callback<Event> {
    let (base, write) = (base.clone(), write.clone());
    Callback::from(move |theirs: Event| {
        base.set(Some(theirs));
        write.clear();
    })
}

fn take_theirs(base: &Base, draft: &UseStateHandle<Draft>, write: &crate::write::Write) -> Callback<Event> {
    let (base, draft, write) = (base.clone(), draft.clone(), write.clone());
    Callback::from(move |theirs: Event| {
        draft.set(Draft::of(&theirs, &BrowserZones));
        base.set(Some(theirs));
        write.clear();
    })
}

fn organization_field(
    staffed: &[happening_api::Organization],
    chosen: Option<OrgId>,
    org: &UseStateHandle<Option<OrgId>>,
) -> Html {
    let on_change = {
        let org = org.clone();
        Callback::from(move |event: yew::Event| {
            org.set(
                event.target_dyn_into::<web_sys::HtmlSelectElement>().and_then(|select| select.value().parse().ok()),
            );
        })
    };
    html! {
        <Field id="organization" label="Organization">
            <select id="organization" class="input" onchange={on_change}>{ for staffed.iter().map(|one| html! { <option value={one.id.to_string()} selected={chosen == Some(one.id)}>{ &one.name }</option> }) }</select>
        </Field>
    }
}

fn fields(
    draft: &Draft,
    problems: &Problems,
    event: Option<&Event>,
    set: &impl Fn(fn(&mut Draft, String)) -> Callback<String>,
) -> Html {
    let error = |field: &str| problems.get(field).cloned();
    let ongoing = event.is_some_and(|event| event.status == EventStatus::Ongoing);
    let input = |id: &'static str, value: &str, change: fn(&mut Draft, String), disabled: bool| {
        let changed = set(change);
        let on_input = Callback::from(move |event: InputEvent| changed.emit(value_of(&event)));
        // the label of a pair of fields names the date
        let label = match id {
            "event_time" => Some("Starts at this time"),
            "end_time" => Some("Ends at this time"),
            _ => None,
        };
        html! { <input {id} class="input" aria-label={label} value={value.to_owned()} {disabled} oninput={on_input} aria-describedby={format!("{id}-note")} aria-invalid={problems.contains_key(id).to_string()} autocomplete="off" /> }
    };
    let area = {
        let changed = set(|draft, text| draft.description = text);
        Callback::from(move |event: InputEvent| changed.emit(value_of(&event)))
    };
    html! {
        <>
            <Field id="name" label="Name" error={error("name")}>{ input("name", &draft.name, |draft, text| draft.name = text, false) }</Field>
            <div class="pair">
                <Field id="event_date" label="Starts" error={error("event_date")} hint="As 2027-04-24 and 19:00">
                    <div class="date-time"><DateField id="event_date" value={draft.date.clone()} on_change={set(|draft, text| draft.date = text)} />{ input("event_time", &draft.time, |draft, text| draft.time = text, ongoing) }</div>
                </Field>
                <Field id="ends_at" label="Ends" optional=true error={error("ends_at")} hint="Without a date, on the day of the start">
                    <div class="date-time"><DateField id="ends_at" value={draft.end_date.clone()} on_change={set(|draft, text| draft.end_date = text)} />{ input("end_time", &draft.end_time, |draft, text| draft.end_time = text, false) }</div>
                </Field>
            </div>
            <div class="pair">
                <Field id="total_slots" label="Seats in total" error={error("total_slots")}>{ input("total_slots", &draft.total, |draft, text| draft.total = text, ongoing) }</Field>
                <Field id="max_seats_per_user" label="Seats per person" optional=true error={error("max_seats_per_user")} hint="Counted over all bookings of one person">{ input("max_seats_per_user", &draft.per_person, |draft, text| draft.per_person = text, ongoing) }</Field>
            </div>
            <div class="pair">
                <Field id="place" label="Place" optional=true error={error("place")} hint="An address, or a link for a webinar">{ input("place", &draft.place, |draft, text| draft.place = text, false) }</Field>
                <Field id="time_zone" label="Time zone" error={error("time_zone")} hint="Its times are meant on the clocks there">{ input("time_zone", &draft.time_zone, |draft, text| draft.time_zone = text, ongoing) }</Field>
            </div>
            <Field id="description" label="Description" optional=true error={error("description")}>
                <textarea id="description" class="input area" rows="5" maxlength="10000" value={draft.description.clone()} oninput={area} />
            </Field>
        </>
    }
}

fn choices(draft: &UseStateHandle<Draft>, event: Option<&Event>) -> Html {
    let category = |wanted: Option<Category>, picture: &'static str, name: &'static str| {
        let (chosen, draft) = (draft.category == wanted, draft.clone());
        html! { <button type="button" aria-pressed={chosen.to_string()} onclick={move |_| draft.set(Draft { category: wanted, ..(*draft).clone() })}>{ icon(picture) }{ name }</button> }
    };
    let who = |wanted: Visibility, name: &'static str, text: &'static str| {
        let (checked, draft) = (draft.visibility == wanted, draft.clone());
        html! {
            <label class="choice"><input type="radio" name="visibility" {checked} onchange={move |_| draft.set(Draft { visibility: wanted, ..(*draft).clone() })} />
                <span><b>{ name }</b><span class="small muted">{ text }</span></span></label>
        }
    };
    let fixed = event.is_some_and(|event| event.status == EventStatus::Ongoing);
    html! {
        <fieldset class="bare stack loose" disabled={fixed}>
            <div class="stack"><b class="small" id="category-label">{ "Category" }</b>
                <span class="segmented" role="group" aria-labelledby="category-label">
                    { category(Some(Category::Concert), "music", "Concert") }{ category(Some(Category::Webinar), "screen", "Webinar") }{ category(Some(Category::Hackathon), "spark", "Hackathon") }{ category(None, "calendar", "Other") }
                </span></div>
            <div class="stack" role="radiogroup" aria-labelledby="who-label"><b class="small" id="who-label">{ "Who can book" }</b>
                <div class="pair">{ who(Visibility::Members, "Members only", "Members of the organization") }{ who(Visibility::Public, "Everyone", "Anyone who is signed in") }</div></div>
        </fieldset>
    }
}

#[derive(Properties, PartialEq)]
struct WhenSavedProps {
    event: Event,
    draft: Draft,
}

/// What saving will do.
#[component]
fn WhenSaved(props: &WhenSavedProps) -> Html {
    let lines = match props.draft.changes(&props.event, &BrowserZones) {
        Some(changes) => event_draft::effects(&props.event, &changes),
        None => vec!["Nothing can be saved until the fields are corrected.".to_owned()],
    };
    html! {
        <>
            <section class="card pad stack small soft" aria-live="polite"><h2 class="h3">{ "When you save" }</h2>{ for lines.into_iter().map(|line| html! { <p>{ line }</p> }) }</section>
            <p class="small muted">{ format!("Last saved {}. If someone else saves first, you see both versions before anything is replaced.", format::moment(props.event.updated_at)) }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct HandOverProps {
    event: Event,
    owner: Option<UserId>,
    on_owner: Callback<Option<UserId>>,
}

/// Admins hand an event over to another organizer.
#[component]
fn HandOver(props: &HandOverProps) -> Html {
    let here = use_here();
    let org = props.event.org_id;
    let admin = here.role(org) == Some(happening_api::Role::OrgAdmin);
    let members = use_resource(format!("members {org} {admin}"), 0, move || async move {
        if admin { api::members(org).await } else { Ok(Vec::new()) }
    });
    if !admin {
        return Html::default();
    }
    let staff: Vec<_> = members
        .value
        .iter()
        .flat_map(|all| all.iter())
        .filter(|one| one.role != happening_api::Role::User)
        .cloned()
        .collect();
    let current = props.owner.unwrap_or(props.event.owner_id);
    let on_change = {
        let on_owner = props.on_owner.clone();
        Callback::from(move |event: yew::Event| {
            on_owner.emit(
                event.target_dyn_into::<web_sys::HtmlSelectElement>().and_then(|select| select.value().parse().ok()),
            );
        })
    };
    html! {
        <section class="card pad stack">
            <Field id="owner" label="Organizer" hint="Hand the event over to another organizer or admin">
                <select id="owner" class="input" onchange={on_change}>
                    { for staff.iter().map(|one| html! { <option value={one.user_id.to_string()} selected={one.user_id == current}>{ &one.name }</option> }) }
                    if !staff.iter().any(|one| one.user_id == current) { <option value={current.to_string()} selected=true>{ "A former member" }</option> }
                </select>
            </Field>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct CompareProps {
    mine: Draft,
    theirs: Event,
    on_mine: Callback<Event>,
    on_theirs: Callback<Event>,
}

/// Somebody else saved first: both versions, and what to go on with.
#[component]
fn Compare(props: &CompareProps) -> Html {
    let theirs = Draft::of(&props.theirs, &BrowserZones);
    let rows = event_draft::differences(&props.mine, &theirs);
    let choose = |callback: &Callback<Event>| {
        let (callback, event) = (callback.clone(), props.theirs.clone());
        Callback::from(move |_: MouseEvent| callback.emit(event.clone()))
    };
    html! {
        <section class="card" role="alert">
            <header class="card-head"><h2>{ "This event was changed while you were editing" }</h2></header>
            <p class="card-part soft">{ "Compare both versions, then save again. Nothing was replaced." }</p>
            <table>
                <thead><tr><th scope="col">{ "Field" }</th><th scope="col">{ "Yours" }</th><th scope="col">{ "Saved meanwhile" }</th></tr></thead>
                <tbody>{ for rows.into_iter().map(|(field, mine, theirs)| html! { <tr><th scope="row">{ field }</th><td>{ mine }</td><td>{ theirs }</td></tr> }) }</tbody>
            </table>
            <footer class="card-part row">
                <button id="keep-mine" type="button" class="button primary" onclick={choose(&props.on_mine)}>{ "Go on with mine" }</button>
                <button id="take-theirs" type="button" class="button" onclick={choose(&props.on_theirs)}>{ "Take the saved one" }</button>
            </footer>
        </section>
    }
}
