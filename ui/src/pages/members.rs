//! An organization: its members and their roles, invites, what was changed, and ending it.

use happening_api::{AuditEntry, CreateInvite, Invite, Member, OrgId, Organization, Role, UpdateOrganization};
use yew::prelude::*;

use crate::api;
use crate::components::{Confirm, Dialog, Empty, FailureNotice, Field, Icon, Skeleton, head, value_of};
use crate::features::failure;
use crate::format;
use crate::here::use_here;
use crate::resource::use_resource;
use crate::write::use_write;

const ROWS_AT_FIRST: usize = 25;
/// An invite that ends sooner than this is marked.
const ENDS_SOON_HOURS: i64 = 36;

/// What is open over the screen.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    Invite,
    Edit,
    Remove(Member),
    Revoke(Invite),
    End,
}

/// The screen: the organization that is chosen, or the first one.
#[component]
pub(crate) fn Members() -> Html {
    let here = use_here();
    match here.organization() {
        Some(one) => html! { <Overview key={one.id.to_string()} organization={one.clone()} /> },
        None => html! {
            <div class="page">
                { head("Members", html! {}, html! {}) }
                <div class="card"><Empty title="You belong to no organization" text="Create one in the list at the top left, or open the link of an invite." /></div>
            </div>
        },
    }
}

#[derive(Properties, PartialEq)]
struct OverviewProps {
    organization: Organization,
}

#[component]
fn Overview(props: &OverviewProps) -> Html {
    let here = use_here();
    let open = use_state(|| Open::Nothing);
    let organization = &props.organization;
    let (id, admin) = (organization.id, organization.role == Role::OrgAdmin);
    let members = use_resource(format!("members {id}"), here.refresh.count, move || api::members(id));
    let invites = use_resource(format!("invites {id} {admin}"), here.refresh.count, move || async move {
        if admin { api::invites(id).await } else { Ok(Vec::new()) }
    });
    let show = |what: Open| {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(what.clone()))
    };
    let set_open = {
        let open = open.clone();
        Callback::from(move |what: Open| open.set(what))
    };
    let close = {
        let open = open.clone();
        Callback::from(move |()| open.set(Open::Nothing))
    };
    let known: Vec<Member> = members.value.as_deref().cloned().unwrap_or_default();
    let pending: Vec<Invite> = invites.value.as_deref().cloned().unwrap_or_default();
    let actions = html! {
        if admin {
            <button class="button" onclick={show(Open::Edit)}><Icon name="edit" />{ "Edit organization" }</button>
            <button id="invite" class="button primary" onclick={show(Open::Invite)}><Icon name="plus" />{ "Invite people" }</button>
        }
    };
    html! {
        <div class="page">
            { head(organization.name.clone(), html! { summary(organization, &known, pending.len(), admin) }, actions) }
            if let Some(failure) = members.failure.clone().or(invites.failure.clone()) {
                <FailureNotice {failure} old_shown={members.value.is_some()} again={here.refresh.again.clone()} />
            }
            if members.loading() { <Skeleton lines={8} /> }
            if !pending.is_empty() { <Invites invites={pending} on_open={set_open.clone()} /> }
            if members.value.is_some() { <MemberTable organization={organization.clone()} members={known} on_open={set_open} /> }
            if admin { <Log org={id} /> }
            if admin {
                <section class="section card pad row spread">
                    <div><h2>{ "End this organization" }</h2><p class="small muted">{ "Only when no event is ahead or going on. Past bookings stay with their people." }</p></div>
                    <button class="button quiet danger" onclick={show(Open::End)}>{ "End the organization" }</button>
                </section>
            }
            { dialog(&open, organization, close) }
        </div>
    }
}

fn summary(organization: &Organization, members: &[Member], pending: usize, admin: bool) -> String {
    let total = format::count(organization.member_count, "member", "members");
    if members.is_empty() {
        return total;
    }
    let count = |role: Role| members.iter().filter(|one| one.role == role).count() as i64;
    let parts = [
        format::count(count(Role::OrgAdmin), "admin", "admins"),
        format::count(count(Role::Organizer), "organizer", "organizers"),
        format::count(count(Role::User), "member", "members"),
    ];
    let invites = if admin { format!(" Pending invites: {pending}.") } else { String::new() };
    format!("{total}: {}.{invites}", parts.join(", "))
}

fn dialog(open: &Open, organization: &Organization, on_close: Callback<()>) -> Html {
    let organization = organization.clone();
    match open {
        Open::Nothing => Html::default(),
        Open::Invite => html! { <InvitePeople {organization} {on_close} /> },
        Open::Edit => html! { <EditOrganization {organization} {on_close} /> },
        Open::Remove(member) => html! { <Remove {organization} member={member.clone()} {on_close} /> },
        Open::Revoke(invite) => html! { <Revoke invite={invite.clone()} {on_close} /> },
        Open::End => html! { <EndOrganization {organization} {on_close} /> },
    }
}

#[derive(Properties, PartialEq)]
struct InvitesProps {
    invites: Vec<Invite>,
    on_open: Callback<Open>,
}

#[component]
fn Invites(props: &InvitesProps) -> Html {
    let here = use_here();
    let write = use_write();
    let now = format::now();
    let rows = props.invites.iter().map(|invite| {
        let again = {
            let (write, id, email, here) = (write.clone(), invite.id, invite.email.clone(), here.clone());
            Callback::from(move |_: MouseEvent| {
                let (email, here) = (email.clone(), here.clone());
                write.start(move || {
                    let (email, here) = (email.clone(), here.clone());
                    async move {
                        api::resend_invite(id).await?;
                        here.tell.emit(format!("Sent again to {email}. The old link no longer works."));
                        here.refresh.again.emit(());
                        Ok(())
                    }
                });
            })
        };
        let revoke = {
            let (on_open, invite) = (props.on_open.clone(), invite.clone());
            Callback::from(move |_: MouseEvent| on_open.emit(Open::Revoke(invite.clone())))
        };
        let left = invite.expires_at - now;
        let until = if left <= chrono::TimeDelta::zero() {
            html! { <span class="chip bad"><Icon name="close" />{ "Expired" }</span> }
        } else if left.num_hours() < ENDS_SOON_HOURS {
            html! { <span class="chip wait"><Icon name="clock" />{ format!("Ends {}", format::moment(invite.expires_at)) }</span> }
        } else {
            html! { format::day(invite.expires_at) }
        };
        html! {
            <tr key={invite.id.to_string()}>
                <th scope="row">{ &invite.email }</th><td>{ format::role(invite.role) }</td>
                <td class="muted hide-narrow">{ format::moment(invite.created_at) }</td><td>{ until }</td>
                <td class="table-action">
                    <button class="button small" disabled={write.busy()} aria-label={format!("Send the invite to {} again", invite.email)} onclick={again}>{ "Send again" }</button>
                    <button class="button small quiet danger" aria-label={format!("Revoke the invite to {}", invite.email)} onclick={revoke}>{ "Revoke" }</button>
                </td>
            </tr>
        }
    });
    html! {
        <section class="card" aria-labelledby="pending">
            <header class="card-head"><h2 id="pending">{ "Pending invites" }</h2></header>
            <table>
                <thead><tr><th scope="col">{ "E-mail" }</th><th scope="col">{ "Role" }</th><th scope="col" class="hide-narrow">{ "Sent" }</th><th scope="col">{ "Valid until" }</th><th scope="col"><span class="visually-hidden">{ "Actions" }</span></th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
            { write.notice() }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct TableProps {
    organization: Organization,
    members: Vec<Member>,
    on_open: Callback<Open>,
}

#[component]
fn MemberTable(props: &TableProps) -> Html {
    let here = use_here();
    let write = use_write();
    let (words, all) = (use_state(String::new), use_state(|| false));
    let wanted = words.trim().to_lowercase();
    let fits = |one: &&Member| {
        wanted.is_empty()
            || one.name.to_lowercase().contains(&wanted)
            || one.email.as_ref().is_some_and(|email| email.to_lowercase().contains(&wanted))
    };
    let found: Vec<&Member> = props.members.iter().filter(fits).collect();
    let shown = if *all { found.len() } else { ROWS_AT_FIRST };
    let on_input = {
        let words = words.clone();
        Callback::from(move |event: InputEvent| words.set(value_of(&event)))
    };
    let more = {
        let all = all;
        Callback::from(move |_: MouseEvent| all.set(true))
    };
    let admin = props.organization.role == Role::OrgAdmin;
    let org = props.organization.id;
    let rows = found.iter().take(shown).map(|member| {
        let own = member.user_id == here.me.id;
        let on_role = {
            let (write, here, id, name) = (write.clone(), here.clone(), member.user_id, member.name.clone());
            Callback::from(move |role: Role| {
                let (here, name) = (here.clone(), name.clone());
                write.start(move || {
                    let (here, name) = (here.clone(), name.clone());
                    async move {
                        let result = api::set_role(org, id, role).await;
                        here.refresh.again.emit(());
                        result?;
                        here.tell.emit(format!("{name} is now {}.", format::role(role).to_lowercase()));
                        Ok(())
                    }
                });
            })
        };
        let remove = {
            let (on_open, member) = (props.on_open.clone(), (*member).clone());
            Callback::from(move |_: MouseEvent| on_open.emit(Open::Remove(member.clone())))
        };
        html! {
            <tr key={member.user_id.to_string()}>
                <th scope="row"><span class="row"><span class="avatar" aria-hidden="true">{ format::initials(&member.name) }</span><span>{ &member.name }if own { <span class="muted">{ " (you)" }</span> }</span></span></th>
                if admin { <td>{ member.email.clone().unwrap_or_default() }</td> }
                <td>if admin { { role_select(&format!("Role of {}", member.name), member.role, on_role) } } else { { format::role(member.role) } }</td>
                <td class="muted hide-narrow">{ format::month(member.joined_at) }</td>
                <td class="table-action">if own || admin { <button class="button small quiet" onclick={remove}>{ if own { "Leave" } else { "Remove" } }</button> }</td>
            </tr>
        }
    });
    html! {
        <section class="card section near" aria-labelledby="members">
            <header class="card-head"><h2 id="members">{ "Members" }</h2>
                <label class="search always"><span class="visually-hidden">{ "Find a member" }</span><Icon name="search" /><input class="input" type="search" placeholder="Find a member" value={(*words).clone()} oninput={on_input} /></label></header>
            { write.notice() }
            <table>
                <thead><tr><th scope="col">{ "Name" }</th>if admin { <th scope="col">{ "E-mail" }</th> }<th scope="col">{ "Role" }</th><th scope="col" class="hide-narrow">{ "Member since" }</th><th scope="col"><span class="visually-hidden">{ "Actions" }</span></th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
            if found.is_empty() { <p class="card-part muted">{ "Nobody has that name." }</p> }
            <footer class="card-part row spread"><span class="small muted">{ format!("{} of {} shown", found.len().min(shown), format::number(props.organization.member_count)) }</span>
                if shown < found.len() { <button class="button small" onclick={more}>{ "Show all" }</button> }</footer>
        </section>
    }
}

fn role_select(label: &str, current: Role, on_role: Callback<Role>) -> Html {
    let on_change = Callback::from(move |event: Event| {
        let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() else { return };
        if let Some(role) = Role::parse(&select.value()) {
            // the list that is read next says what became of it
            select.set_value(current.as_str());
            on_role.emit(role);
        }
    });
    html! {
        <select class="input small" aria-label={label.to_owned()} onchange={on_change}>
            { for [Role::OrgAdmin, Role::Organizer, Role::User].into_iter().map(|role| html! { <option value={role.as_str()} selected={role == current}>{ format::role(role) }</option> }) }
        </select>
    }
}

#[derive(Properties, PartialEq)]
struct DialogProps {
    organization: Organization,
    on_close: Callback<()>,
}

#[component]
fn InvitePeople(props: &DialogProps) -> Html {
    let here = use_here();
    let write = use_write();
    let (email, role, link) = (use_state(String::new), use_state(|| Role::User), use_state(|| None::<String>));
    let key = use_state(api::new_key);
    let on_input = {
        let email = email.clone();
        Callback::from(move |event: InputEvent| email.set(value_of(&event)))
    };
    let on_role = {
        let role = role.clone();
        Callback::from(move |wanted: Role| role.set(wanted))
    };
    let submit = {
        let (write, email, role, link, key, org) =
            (write.clone(), email.clone(), role.clone(), link.clone(), key, props.organization.id);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let body = CreateInvite { org_id: org, email: email.trim().to_owned(), role: *role };
            let (here, link, key_used, key) = (here.clone(), link.clone(), (*key).clone(), key.clone());
            write.start(move || {
                let (here, link, key_used, key, body) =
                    (here.clone(), link.clone(), key_used.clone(), key.clone(), body.clone());
                async move {
                    let made = api::create_invite(key_used, body).await?;
                    here.tell.emit(format!("Invited {}. The mail is on its way.", made.invite.email));
                    here.refresh.again.emit(());
                    link.set(Some(made.url));
                    key.set(api::new_key());
                    Ok(())
                }
            });
        })
    };
    let copy = {
        let (link, tell) = (link.clone(), use_here().tell);
        Callback::from(move |_: MouseEvent| {
            if let Some(link) = (*link).clone() {
                copy_text(link, tell.clone());
            }
        })
    };
    let error = write.failure().and_then(|failure| failure::field(failure, "email"));
    html! {
        <Dialog title="Invite people" subtitle={html! { props.organization.name.clone() }} on_close={props.on_close.clone()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="invite-email" label="E-mail" {error} hint="The invite is for this address, and valid for 7 days">
                        <input id="invite-email" class="input" type="email" maxlength="254" required=true value={(*email).clone()} oninput={on_input} />
                    </Field>
                    <Field id="invite-role" label="Role">{ role_select("Role", *role, on_role) }</Field>
                    <ul class="small muted stack">
                        <li>{ "Members book events of the organization." }</li><li>{ "Organizers create and run events of their own." }</li><li>{ "Admins run all events, and invite people." }</li>
                    </ul>
                    if link.is_some() {
                        <p class="row small"><Icon name="check" />{ "Sent. You can also pass the link on yourself:" }<button type="button" class="button small" onclick={copy}><Icon name="copy" />{ "Copy the link" }</button></p>
                    }
                    { write.notice() }
                </div>
                <footer class="dialog-foot"><button id="send-invite" class="button primary" disabled={email.trim().is_empty() || write.busy()} aria-busy={write.busy().to_string()}>{ "Send the invite" }</button></footer>
            </form>
        </Dialog>
    }
}

/// Puts a text into the clipboard and says so.
pub(super) fn copy_text(text: String, tell: Callback<String>) {
    wasm_bindgen_futures::spawn_local(async move {
        let clipboard = gloo::utils::window().navigator().clipboard();
        let done = wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&text)).await.is_ok();
        tell.emit(if done { "Copied.".to_owned() } else { "The clipboard cannot be used.".to_owned() });
    });
}

#[component]
fn EditOrganization(props: &DialogProps) -> Html {
    let here = use_here();
    let write = use_write();
    let organization = &props.organization;
    let name = use_state(|| organization.name.clone());
    let days = use_state(|| organization.retention_days.map(|days| days.to_string()).unwrap_or_default());
    let input = |state: &UseStateHandle<String>| {
        let state = state.clone();
        Callback::from(move |event: InputEvent| state.set(value_of(&event)))
    };
    let (on_name, on_days) = (input(&name), input(&days));
    let kept: Option<Option<i32>> =
        if days.trim().is_empty() { Some(None) } else { days.trim().parse().ok().map(Some) };
    let submit = {
        let (write, name, org, on_close) = (write.clone(), name.clone(), organization.id, props.on_close.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(kept) = kept else { return };
            let body = UpdateOrganization { name: Some((*name).clone()), retention_days: Some(kept) };
            let (here, on_close) = (here.clone(), on_close.clone());
            write.start(move || {
                let (here, on_close, body) = (here.clone(), on_close.clone(), body.clone());
                async move {
                    api::update_organization(org, body).await?;
                    here.tell.emit("Saved.".to_owned());
                    here.refresh.again.emit(());
                    on_close.emit(());
                    Ok(())
                }
            });
        })
    };
    let wrong = |field: &str| write.failure().and_then(|failure| failure::field(failure, field));
    let days_wrong =
        if kept.is_none() { Some("Write a number of days, or nothing.".to_owned()) } else { wrong("retention_days") };
    html! {
        <Dialog title="Edit organization" on_close={props.on_close.clone()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="org-name" label="Name" error={wrong("name")}><input id="org-name" class="input" maxlength="200" value={(*name).clone()} oninput={on_name} /></Field>
                    <Field id="org-days" label="Forget who came, days after an event" optional=true error={days_wrong} hint="30 to 3,650 days; empty keeps it. Seats and times stay, names do not.">
                        <input id="org-days" class="input" inputmode="numeric" value={(*days).clone()} oninput={on_days} /></Field>
                    { write.notice() }
                </div>
                <footer class="dialog-foot"><button class="button primary" disabled={name.trim().is_empty() || kept.is_none() || write.busy()} aria-busy={write.busy().to_string()}>{ "Save changes" }</button></footer>
            </form>
        </Dialog>
    }
}

#[derive(Properties, PartialEq)]
struct RemoveProps {
    organization: Organization,
    member: Member,
    on_close: Callback<()>,
}

#[component]
fn Remove(props: &RemoveProps) -> Html {
    let here = use_here();
    let write = use_write();
    let (member, org) = (&props.member, props.organization.id);
    let own = member.user_id == here.me.id;
    let on_go = {
        let (write, id, name, on_close) = (write.clone(), member.user_id, member.name.clone(), props.on_close.clone());
        let place = props.organization.name.clone();
        Callback::from(move |()| {
            let (here, name, on_close, place) = (here.clone(), name.clone(), on_close.clone(), place.clone());
            write.start(move || {
                let (here, name, on_close, place) = (here.clone(), name.clone(), on_close.clone(), place.clone());
                async move {
                    api::remove_member(org, id).await?;
                    here.tell.emit(if own {
                        format!("You left {place}.")
                    } else {
                        format!("{name} is no longer a member.")
                    });
                    on_close.emit(());
                    here.refresh.again.emit(());
                    Ok(())
                }
            });
        })
    };
    let (title, label) = if own {
        ("Leave this organization?".to_owned(), "Leave")
    } else {
        (format!("Remove {}?", member.name), "Remove")
    };
    html! {
        <Confirm {title} {label} subtitle={html! { props.organization.name.clone() }} keep="Keep it as it is" busy={write.busy()} notice={write.notice()} {on_go} on_close={props.on_close.clone()}>
            <p>{ if own { "You no longer see its events for members. Your bookings stay, and you can still cancel them." } else { "Their access ends at once. They keep their bookings, and can still cancel them." } }</p>
        </Confirm>
    }
}

#[derive(Properties, PartialEq)]
struct RevokeProps {
    invite: Invite,
    on_close: Callback<()>,
}

#[component]
fn Revoke(props: &RevokeProps) -> Html {
    let here = use_here();
    let write = use_write();
    let on_go = {
        let (write, id, on_close) = (write.clone(), props.invite.id, props.on_close.clone());
        Callback::from(move |()| {
            let (here, on_close) = (here.clone(), on_close.clone());
            write.start(move || {
                let (here, on_close) = (here.clone(), on_close.clone());
                async move {
                    api::revoke_invite(id).await?;
                    here.tell.emit("The invite no longer works.".to_owned());
                    on_close.emit(());
                    here.refresh.again.emit(());
                    Ok(())
                }
            });
        })
    };
    html! {
        <Confirm title="Revoke this invite?" subtitle={html! { props.invite.email.clone() }} label="Revoke the invite" keep="Keep it" busy={write.busy()} notice={write.notice()} {on_go} on_close={props.on_close.clone()}>
            <p>{ "Its link stops working. You can send a new invite at any time." }</p>
        </Confirm>
    }
}

#[component]
fn EndOrganization(props: &DialogProps) -> Html {
    let here = use_here();
    let write = use_write();
    let typed = use_state(String::new);
    let name = props.organization.name.clone();
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| typed.set(value_of(&event)))
    };
    let on_go = {
        let (write, org, on_close, name) = (write.clone(), props.organization.id, props.on_close.clone(), name.clone());
        Callback::from(move |()| {
            let (here, on_close, name) = (here.clone(), on_close.clone(), name.clone());
            write.start(move || {
                let (here, on_close, name) = (here.clone(), on_close.clone(), name.clone());
                async move {
                    api::delete_organization(org).await?;
                    here.tell.emit(format!("{name} has ended."));
                    here.on_scope.emit(None);
                    on_close.emit(());
                    here.refresh.again.emit(());
                    Ok(())
                }
            });
        })
    };
    html! {
        <Confirm title="End this organization?" subtitle={html! { name.clone() }} label="End the organization" keep="Keep it" busy={write.busy()} notice={write.notice()}
            disabled={*typed != name} {on_go} on_close={props.on_close.clone()}>
            <p>{ "Nobody is a member any more, and nobody can create events in it. You cannot undo this." }</p>
            <Field id="end-name" label="Write its name to confirm"><input id="end-name" class="input" autocomplete="off" value={(*typed).clone()} oninput={on_input} /></Field>
        </Confirm>
    }
}

#[derive(Properties, PartialEq)]
struct LogProps {
    org: OrgId,
}

/// Who changed what, when; read when it is asked for.
#[component]
fn Log(props: &LogProps) -> Html {
    let here = use_here();
    let open = use_state(|| false);
    let (org, shown) = (props.org, *open);
    let read = use_resource(format!("audit {org} {shown}"), here.refresh.count, move || async move {
        if shown { api::audit(org).await } else { Ok(Vec::new()) }
    });
    let toggle = {
        let open = open;
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let rows = read.value.iter().flat_map(|all| all.iter()).map(|entry: &AuditEntry| {
        let what = entry.action.replace('_', " ");
        let details = entry.details.as_object().filter(|details| !details.is_empty()).map(|details| {
            details.iter().map(|(name, value)| format!("{}: {}", name.replace('_', " "), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect::<Vec<_>>().join(", ")
        });
        html! {
            <tr key={entry.id.to_string()}><th scope="row">{ format::capitalized(&what) }</th><td class="muted">{ details.unwrap_or_default() }</td><td class="muted hide-narrow">{ format::moment(entry.created_at) }</td></tr>
        }
    });
    html! {
        <section class="card section near" aria-labelledby="log">
            <header class="card-head"><h2 id="log">{ "Log" }</h2><button class="button small" aria-expanded={shown.to_string()} onclick={toggle}>{ if shown { "Hide" } else { "Show who changed what" } }</button></header>
            if shown {
                if let Some(failure) = read.failure.clone() { <FailureNotice {failure} again={here.refresh.again.clone()} /> }
                if read.loading() { <Skeleton lines={3} /> }
                if read.value.is_some() { <table><thead><tr><th scope="col">{ "What" }</th><th scope="col">{ "Details" }</th><th scope="col" class="hide-narrow">{ "When" }</th></tr></thead><tbody>{ for rows }</tbody></table> }
            }
        </section>
    }
}
