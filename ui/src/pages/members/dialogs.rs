//! The dialogs for editing an organization, removing a member, revoking an invite and ending an organization.

use happening_api::{Invite, Member, Organization, UpdateOrganization};
use yew::prelude::*;

use crate::api::{self, endpoint};
use crate::components::{Confirm, Dialog, Field, value_of};
use crate::features::failure;
use crate::here::use_here;
use crate::write::use_write;
use crate::{format, said, store};

#[derive(Properties, PartialEq)]
pub(super) struct DialogProps {
    pub(super) organization: Organization,
    pub(super) on_close: Callback<()>,
}

#[component]
pub(super) fn EditOrganization(props: &DialogProps) -> Html {
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
            let on_close = on_close.clone();
            write.start(move || {
                let (on_close, body) = (on_close.clone(), body.clone());
                async move {
                    api::ask(endpoint::UpdateOrganization { org_id: org, body }).await?;
                    said::tell("Saved.".to_owned());
                    store::changed();
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
        <Dialog title="Edit organization" on_close={props.on_close.clone()} closable={!write.busy()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="org-name" label="Name" error={wrong("name")}><input id="org-name" class="input" aria-describedby="org-name-note" maxlength="200" value={(*name).clone()} oninput={on_name} /></Field>
                    <Field id="org-days" label="Forget who came, days after an event" optional=true error={days_wrong} hint={format!("30 to {} days; empty keeps it. Seats and times stay, names do not.", format::number(3650))}>
                        <input id="org-days" class="input" aria-describedby="org-days-note" inputmode="numeric" value={(*days).clone()} oninput={on_days} /></Field>
                    { write.notice() }
                </div>
                <footer class="dialog-foot"><button class="button primary" disabled={name.trim().is_empty() || kept.is_none() || write.busy()} aria-busy={write.busy().to_string()}>{ "Save changes" }</button></footer>
            </form>
        </Dialog>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct RemoveProps {
    pub(super) organization: Organization,
    pub(super) member: Member,
    pub(super) on_close: Callback<()>,
}

#[component]
pub(super) fn Remove(props: &RemoveProps) -> Html {
    let here = use_here();
    let write = use_write();
    let (member, org) = (&props.member, props.organization.id);
    let own = member.user_id == here.me.id;
    let on_go = {
        let (write, id, name, on_close) = (write.clone(), member.user_id, member.name.clone(), props.on_close.clone());
        let place = props.organization.name.clone();
        Callback::from(move |()| {
            let (name, on_close, place) = (name.clone(), on_close.clone(), place.clone());
            write.start(move || {
                let (name, on_close, place) = (name.clone(), on_close.clone(), place.clone());
                async move {
                    api::ask(endpoint::RemoveMember { org_id: org, user_id: id }).await?;
                    said::tell(if own {
                        format!("You left {place}.")
                    } else {
                        format!("{name} is no longer a member.")
                    });
                    on_close.emit(());
                    store::changed();
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
pub(super) struct RevokeProps {
    pub(super) invite: Invite,
    pub(super) on_close: Callback<()>,
}

#[component]
pub(super) fn Revoke(props: &RevokeProps) -> Html {
    let write = use_write();
    let on_go = {
        let (write, id, on_close) = (write.clone(), props.invite.id, props.on_close.clone());
        Callback::from(move |()| {
            let on_close = on_close.clone();
            write.start(move || {
                let on_close = on_close.clone();
                async move {
                    api::ask(endpoint::RevokeInvite { invite_id: id }).await?;
                    said::tell("The invite no longer works.".to_owned());
                    on_close.emit(());
                    store::changed();
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
pub(super) fn EndOrganization(props: &DialogProps) -> Html {
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
                    api::ask(endpoint::DeleteOrganization { org_id: org }).await?;
                    said::tell(format!("{name} has ended."));
                    here.on_scope.emit(None);
                    on_close.emit(());
                    store::changed();
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
