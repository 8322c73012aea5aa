//! An organization: its members and their roles, invites, the audit log, and ending it.

mod dialogs;
mod invite;
mod log;
mod tables;

use happening_api::{Invite, Member, Organization, Role};
use yew::prelude::*;

use self::dialogs::{EditOrganization, EndOrganization, Remove, Revoke};
use self::invite::InvitePeople;
use self::log::Log;
use self::tables::{Invites, MemberTable};
use crate::api::endpoint;
use crate::components::{Empty, FailureNotice, head, icon, skeleton, without_organizations};
use crate::here::use_here;
use crate::{format, store};

/// The dialog that is open over the screen.
#[derive(Clone, PartialEq)]
enum Open {
    Nothing,
    Invite,
    Edit,
    Remove(Member),
    Revoke(Invite),
    End,
}

/// The screen of the selected organization, or of the first one.
#[component]
pub(crate) fn Members() -> Html {
    let here = use_here();
    if let Some(waiting) = without_organizations(&here, "Members") {
        return waiting;
    }
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
    let open = use_state(|| Open::Nothing);
    let organization = &props.organization;
    let (id, admin) = (organization.id, organization.role == Role::OrgAdmin);
    let members = store::use_read(endpoint::Members { org_id: id });
    let invites = store::use_read_if(admin.then_some(endpoint::Invites { org_id: id }));
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
            <button class="button" onclick={show(Open::Edit)}>{ icon("edit") }{ "Edit organization" }</button>
            <button id="invite" class="button primary" onclick={show(Open::Invite)}>{ icon("plus") }{ "Invite people" }</button>
        }
    };
    html! {
        <div class="page">
            { head(organization.name.clone(), html! { summary(organization, &known, pending.len(), admin) }, actions) }
            if let Some(failure) = members.failure.clone().or(invites.failure.clone()) {
                <FailureNotice {failure} old_shown={members.value.is_some()} />
            }
            if members.loading() { { skeleton(8) } }
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
