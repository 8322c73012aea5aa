//! Members and pending invites as tables.

use happening_api::{Invite, Member, Organization, Role, UpdateMember};
use yew::prelude::*;

use super::Open;
use crate::api::{self, endpoint};
use crate::clock::use_now;
use crate::components::{FailureNotice, icon, value_of};
use crate::here::use_here;
use crate::store::{self, Resource};
use crate::typing::use_paused;
use crate::write::use_write;
use crate::{format, said};

const ROWS_AT_FIRST: usize = 25;
/// An invite that expires within this time is marked.
const ENDS_SOON_HOURS: i64 = 36;

#[derive(Properties, PartialEq)]
pub(super) struct InvitesProps {
    pub(super) invites: Vec<Invite>,
    pub(super) on_open: Callback<Open>,
}

#[component]
pub(super) fn Invites(props: &InvitesProps) -> Html {
    let write = use_write();
    let now = use_now();
    let rows = props.invites.iter().map(|invite| {
        let again = {
            let (write, id, email) = (write.clone(), invite.id, invite.email.clone());
            Callback::from(move |_: MouseEvent| {
                let email = email.clone();
                write.start(move || {
                    let email = email.clone();
                    async move {
                        api::ask(endpoint::ResendInvite { invite_id: id }).await?;
                        said::tell(format!("Sent again to {email}. The old link no longer works."));
                        store::changed();
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
            html! { <span class="chip bad">{ icon("close") }{ "Expired" }</span> }
        } else if left.num_hours() < ENDS_SOON_HOURS {
            html! { <span class="chip wait">{ icon("clock") }{ format!("Ends {}", format::moment(invite.expires_at)) }</span> }
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
pub(super) struct TableProps {
    pub(super) organization: Organization,
    pub(super) members: Vec<Member>,
    pub(super) on_open: Callback<Open>,
}

fn fits(member: &Member, words: &str) -> bool {
    let wanted = words.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&wanted);
    wanted.is_empty() || holds(&member.name) || member.email.as_deref().is_some_and(holds)
}

/// The server's search, for an organization with more members than the app reads at once.
struct Far {
    found: Resource<Vec<Member>>,
    /// The answer for the typed words has not come yet.
    waits: bool,
}

#[hook]
fn use_far(props: &TableProps, words: &str) -> Far {
    let paused = use_paused(words);
    let all_known = props.members.len() as i64 >= props.organization.member_count;
    let search = if all_known { String::new() } else { paused.trim().to_owned() };
    let org = props.organization.id;
    let stale = !all_known && *paused != words;
    let asked = (!search.is_empty()).then_some(endpoint::FindMembers { org_id: org, q: search });
    let asks = asked.is_some();
    let found = store::use_read_if(asked);
    Far { waits: stale || asks && (found.loading() || found.failure.is_some()), found }
}

#[component]
pub(super) fn MemberTable(props: &TableProps) -> Html {
    let here = use_here();
    let write = use_write();
    let (words, all) = (use_state(String::new), use_state(|| false));
    let far = use_far(props, &words);
    let found: Vec<&Member> = match far.found.value.as_deref() {
        Some(far) if !far.is_empty() => far.iter().collect(),
        _ => props.members.iter().filter(|one| fits(one, &words)).collect(),
    };
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
            let (write, id, name) = (write.clone(), member.user_id, member.name.clone());
            Callback::from(move |role: Role| {
                let name = name.clone();
                write.start(move || {
                    let name = name.clone();
                    async move {
                        let result = api::ask(endpoint::UpdateMember { org_id: org, user_id: id, body: UpdateMember { role } }).await;
                        store::changed();
                        result?;
                        said::tell(format!("{name} is now {}.", format::role(role).to_lowercase()));
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
                <td>if admin { { role_select(&format!("Role of {}", member.name), member.role, false, on_role) } } else { { format::role(member.role) } }</td>
                <td class="muted hide-narrow">{ format::month(member.joined_at) }</td>
                <td class="table-action">if own || admin { <button class="button small quiet" onclick={remove}>{ if own { "Leave" } else { "Remove" } }</button> }</td>
            </tr>
        }
    });
    html! {
        <section class="card section near" aria-labelledby="members">
            <header class="card-head"><h2 id="members">{ "Members" }</h2>
                <label class="search always"><span class="visually-hidden">{ "Find a member" }</span>{ icon("search") }<input id="member-search" class="input" type="search" maxlength="200" placeholder="Find a member" value={(*words).clone()} oninput={on_input} /></label></header>
            { write.notice() }
            if let Some(failure) = far.found.failure.clone() { <FailureNotice {failure} old_shown=true /> }
            <table>
                <thead><tr><th scope="col">{ "Name" }</th>if admin { <th scope="col">{ "E-mail" }</th> }<th scope="col">{ "Role" }</th><th scope="col" class="hide-narrow">{ "Member since" }</th><th scope="col"><span class="visually-hidden">{ "Actions" }</span></th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
            if found.is_empty() { <p class="card-part muted" role="status">{ if far.found.failure.is_some() { "Nobody of those who are known has that name." } else if far.waits { "Looking…" } else { "Nobody has that name." } }</p> }
            <footer class="card-part row spread"><span class="small muted">{ format!("{} of {} shown", format::number(found.len().min(shown) as i64), format::number(props.organization.member_count)) }</span>
                if shown < found.len() { <button class="button small" onclick={more}>{ "Show all" }</button> }</footer>
        </section>
    }
}

pub(super) fn role_select(label: &str, current: Role, fixed: bool, on_role: Callback<Role>) -> Html {
    let on_change = Callback::from(move |event: Event| {
        let Some(select) = event.target_dyn_into::<web_sys::HtmlSelectElement>() else { return };
        if let Some(role) = Role::parse(&select.value()) {
            // the select shows the old role until the list is read again with the new one
            select.set_value(current.as_str());
            on_role.emit(role);
        }
    });
    html! {
        <select class="input small" aria-label={label.to_owned()} disabled={fixed} onchange={on_change}>
            { for [Role::OrgAdmin, Role::Organizer, Role::User].into_iter().map(|role| html! { <option value={role.as_str()} selected={role == current}>{ format::role(role) }</option> }) }
        </select>
    }
}
