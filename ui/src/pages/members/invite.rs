//! Inviting people: one or several addresses with one role.

use std::cell::Cell;
use std::rc::Rc;

use happening_api::{CreateInvite, Role};
use yew::prelude::*;

use super::dialogs::DialogProps;
use super::tables::role_select;
use crate::api;
use crate::components::{Dialog, Field, icon, value_of};
use crate::features::failure;
use crate::format;
use crate::here::use_here;
use crate::pages::copy_text;
use crate::write::use_write;

/// What is written, and what was sent already: an address leaves the one for the other, so what is left can be sent again.
#[derive(Clone, Debug, Default, PartialEq)]
struct Invites {
    typed: String,
    sent: Vec<Sent>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sent {
    email: String,
    /// A page that opens the app, for passing it on in another way.
    url: String,
}

enum Action {
    Type(String),
    Sent(Sent),
}

impl Invites {
    /// Every address once.
    fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        let apart = |c: char| c == ',' || c == ';' || c.is_whitespace();
        for address in self.typed.split(apart).filter(|part| !part.is_empty()) {
            if !addresses.iter().any(|known| known.eq_ignore_ascii_case(address)) {
                addresses.push(address.to_owned());
            }
        }
        addresses
    }
}

impl Reducible for Invites {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Type(text) => next.typed = text,
            Action::Sent(sent) => {
                let mut left = self.addresses();
                left.retain(|address| !address.eq_ignore_ascii_case(&sent.email));
                next.typed = left.join(", ");
                next.sent.push(sent);
            }
        }
        Rc::new(next)
    }
}

/// "Invited ada@happening.invalid. The mail is on its way."
fn told(emails: &[String]) -> String {
    match emails {
        [one] => format!("Invited {one}. The mail is on its way."),
        all => format!("Invited {} people. The mails are on their way.", format::number(all.len() as i64)),
    }
}

/// The dialog.
#[component]
pub(super) fn InvitePeople(props: &DialogProps) -> Html {
    let here = use_here();
    let tell = here.tell.clone();
    let write = use_write();
    let (invites, role) = (use_reducer(Invites::default), use_state(|| Role::User));
    let on_input = {
        let invites = invites.dispatcher();
        Callback::from(move |event: InputEvent| invites.dispatch(Action::Type(value_of(&event))))
    };
    let on_role = {
        let role = role.clone();
        Callback::from(move |wanted: Role| role.set(wanted))
    };
    let submit = {
        let (write, invites, role, org) = (write.clone(), invites.clone(), *role, props.organization.id);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let wish = |email| (CreateInvite { org_id: org, email, role }, api::new_key());
            let wishes: Rc<Vec<_>> = Rc::new(invites.addresses().into_iter().map(wish).collect());
            let (here, invites, done) = (here.clone(), invites.dispatcher(), Rc::new(Cell::new(0)));
            write.start_keyed(move || {
                let (here, invites) = (here.clone(), invites.clone());
                let (wishes, done) = (Rc::clone(&wishes), Rc::clone(&done));
                async move {
                    // trying again goes on with the one that failed
                    while let Some((body, key)) = wishes.get(done.get()) {
                        let made = api::create_invite(key.clone(), body.clone()).await?;
                        done.set(done.get() + 1);
                        invites.dispatch(Action::Sent(Sent { email: body.email.clone(), url: made.url }));
                        here.refresh.again.emit(());
                    }
                    let emails: Vec<String> = wishes.iter().map(|(body, _)| body.email.clone()).collect();
                    here.tell.emit(told(&emails));
                    Ok(())
                }
            });
        })
    };
    let addresses = invites.addresses();
    // the first that is left is the one that failed
    let wrong = write.failure().and_then(|failure| failure::field(failure, "email"));
    let error = wrong.zip(addresses.first()).map(|(wrong, address)| format!("{address}: {wrong}"));
    let label = match addresses.len() {
        0 | 1 => "Send the invite".to_owned(),
        some => format!("Send {} invites", format::number(some as i64)),
    };
    let still = addresses.is_empty() || write.busy() || write.unsure();
    html! {
        <Dialog title="Invite people" subtitle={html! { props.organization.name.clone() }} on_close={props.on_close.clone()} closable={!write.busy()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="invite-email" label="E-mail addresses" {error} hint="Separate several with a comma. An invite is for its address only, and valid for 7 days">
                        <input id="invite-email" class="input" aria-describedby="invite-email-note" inputmode="email" autocomplete="off" spellcheck="false" maxlength="4000"
                            disabled={write.busy()} value={invites.typed.clone()} oninput={on_input} />
                    </Field>
                    <Field id="invite-role" label="Role">{ role_select("Role", *role, on_role) }</Field>
                    <ul class="small muted stack">
                        <li>{ "Members book events of the organization." }</li><li>{ "Organizers create and run events of their own." }</li><li>{ "Admins run all events, and invite people." }</li>
                    </ul>
                    { sent(&invites.sent, &tell) }
                    { write.notice() }
                </div>
                <footer class="dialog-foot"><button id="send-invite" class="button primary" disabled={still} aria-busy={write.busy().to_string()}>{ label }</button></footer>
            </form>
        </Dialog>
    }
}

/// Whom an invite was sent to, with their links.
fn sent(sent: &[Sent], tell: &Callback<String>) -> Html {
    if sent.is_empty() {
        return Html::default();
    }
    let row = |one: &Sent| {
        let (tell, url) = (tell.clone(), one.url.clone());
        let copy = Callback::from(move |_: MouseEvent| copy_text(url.clone(), tell.clone()));
        html! {
            <li key={one.email.clone()} class="row small">{ icon("check") }{ &one.email }<button type="button" class="button small" aria-label={format!("Copy the link for {}", one.email)} onclick={copy}>{ icon("copy") }{ "Copy the link" }</button></li>
        }
    };
    html! { <><p class="small">{ "Sent. You can also pass the links on yourself:" }</p><ul class="stack">{ for sent.iter().map(row) }</ul></> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_leaves_what_is_left() {
        let typed = |text: &str| Rc::new(Invites { typed: text.to_owned(), sent: Vec::new() });
        assert_eq!(typed(" ").addresses(), Vec::<String>::new());
        let invites = typed("ada@x.test, grace@x.test;ADA@x.test\nalan@x.test ,");
        assert_eq!(invites.addresses(), ["ada@x.test", "grace@x.test", "alan@x.test"]);
        let sent = Sent { email: "ada@x.test".to_owned(), url: String::new() };
        let invites = invites.reduce(Action::Sent(sent));
        assert_eq!((invites.typed.as_str(), invites.sent.len()), ("grace@x.test, alan@x.test", 1));
    }
}
