//! Inviting people: one or several addresses with one role.

use std::cell::Cell;
use std::rc::Rc;

use happening_api::{CreateInvite, Role};
use yew::prelude::*;

use super::dialogs::DialogProps;
use super::tables::role_select;
use crate::api::{self, endpoint};
use crate::components::{Dialog, Field, icon, value_of};
use crate::features::failure;
use crate::pages::copy_text;
use crate::write::use_write;
use crate::{format, said, store};

/// The typed addresses and the sent invites. An address is removed from the text once its invite is sent, so that the
/// rest can be sent again.
#[derive(Clone, Debug, Default, PartialEq)]
struct Invites {
    typed: String,
    sent: Vec<Sent>,
    /// The address at which sending stopped; no invite after it was sent.
    stopped: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sent {
    email: String,
    /// The address of a page that opens the app, for sending the invite in another way.
    url: String,
}

enum Action {
    Type(String),
    Sent(Sent),
    Stop(String),
}

impl Invites {
    /// The typed addresses without duplicates.
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
            Action::Type(text) => (next.typed, next.stopped) = (text, None),
            Action::Stop(email) => next.stopped = Some(email),
            Action::Sent(sent) => {
                let mut left = self.addresses();
                left.retain(|address| !address.eq_ignore_ascii_case(&sent.email));
                next.typed = left.join(", ");
                next.stopped = None;
                // a new invite makes the link of an earlier one invalid
                next.sent.retain(|one| !one.email.eq_ignore_ascii_case(&sent.email));
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

/// "It stopped at ada@happening.invalid, with 2 more after it." The failure says whether that invite was sent.
fn stopped(address: &str, left: usize) -> String {
    match left.saturating_sub(1) {
        0 => format!("It stopped at {address}."),
        more => format!("It stopped at {address}, with {} more after it.", format::number(more as i64)),
    }
}

/// The dialog that invites people by their addresses.
#[component]
pub(super) fn InvitePeople(props: &DialogProps) -> Html {
    let write = use_write();
    let (invites, role) = (use_reducer(Invites::default), use_state(|| Role::User));
    let on_input = {
        let (write, invites) = (write.clone(), invites.dispatcher());
        Callback::from(move |event: InputEvent| {
            write.clear(); // a retry would use the former addresses
            invites.dispatch(Action::Type(value_of(&event)));
        })
    };
    let on_role = {
        let (write, role) = (write.clone(), role.clone());
        Callback::from(move |wanted: Role| {
            write.clear();
            role.set(wanted);
        })
    };
    let submit = {
        let (write, invites, role, org) = (write.clone(), invites.clone(), *role, props.organization.id);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let wish = |email| (CreateInvite { org_id: org, email, role }, api::new_key());
            let wishes: Rc<Vec<_>> = Rc::new(invites.addresses().into_iter().map(wish).collect());
            let (invites, done) = (invites.dispatcher(), Rc::new(Cell::new(0)));
            write.start_keyed(move || {
                let invites = invites.clone();
                let (wishes, done) = (Rc::clone(&wishes), Rc::clone(&done));
                async move {
                    // a retry continues with the address that failed
                    while let Some((body, key)) = wishes.get(done.get()) {
                        let made = api::ask(endpoint::CreateInvite { key: key.clone(), body: body.clone() }).await;
                        let made = made.inspect_err(|_| invites.dispatch(Action::Stop(body.email.clone())))?;
                        done.set(done.get() + 1);
                        invites.dispatch(Action::Sent(Sent { email: body.email.clone(), url: made.url }));
                        store::changed();
                    }
                    let emails: Vec<String> = wishes.iter().map(|(body, _)| body.email.clone()).collect();
                    said::tell(told(&emails));
                    Ok(())
                }
            });
        })
    };
    let addresses = invites.addresses();
    let wrong = write.failure().and_then(|failure| failure::field(failure, "email"));
    let error = wrong.zip(invites.stopped.as_ref()).map(|(wrong, address)| format!("{address}: {wrong}"));
    let label = match addresses.len() {
        0 | 1 => "Send the invite".to_owned(),
        some => format!("Send {} invites", format::number(some as i64)),
    };
    let fixed = write.busy() || write.unsure();
    html! {
        <Dialog title="Invite people" subtitle={html! { props.organization.name.clone() }} on_close={props.on_close.clone()} closable={!write.busy()}>
            <form onsubmit={submit}>
                <div class="dialog-body stack">
                    <Field id="invite-email" label="E-mail addresses" {error} hint="Separate several with a comma. An invite is for its address only, and valid for 7 days">
                        <input id="invite-email" class="input" aria-describedby="invite-email-note" inputmode="email" autocomplete="off" spellcheck="false" maxlength="4000"
                            readonly={fixed} value={invites.typed.clone()} oninput={on_input} />
                    </Field>
                    <Field id="invite-role" label="Role">{ role_select("Role", *role, fixed, on_role) }</Field>
                    <ul class="small muted stack">
                        <li>{ "Members book events of the organization." }</li><li>{ "Organizers create and run events of their own." }</li><li>{ "Admins run all events, and invite people." }</li>
                    </ul>
                    { sent(&invites.sent) }
                    { write.notice() }
                    if let (Some(address), false) = (&invites.stopped, write.busy()) { <p class="small soft">{ stopped(address, addresses.len()) }</p> }
                </div>
                <footer class="dialog-foot"><button id="send-invite" class="button primary" disabled={addresses.is_empty() || fixed} aria-busy={write.busy().to_string()}>{ label }</button></footer>
            </form>
        </Dialog>
    }
}

/// The people to whom an invite was sent, with their links.
fn sent(sent: &[Sent]) -> Html {
    if sent.is_empty() {
        return Html::default();
    }
    let row = |one: &Sent| {
        let url = one.url.clone();
        let copy = Callback::from(move |_: MouseEvent| copy_text(url.clone(), Callback::from(said::tell)));
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
    fn sent_addresses_are_removed_from_the_text() {
        let typed = |text: &str| Rc::new(Invites { typed: text.to_owned(), ..Invites::default() });
        assert_eq!(typed(" ").addresses(), Vec::<String>::new());
        let invites = typed("ada@x.test, grace@x.test;ADA@x.test\nalan@x.test ,");
        assert_eq!(invites.addresses(), ["ada@x.test", "grace@x.test", "alan@x.test"]);
        let sent = Sent { email: "ada@x.test".to_owned(), url: String::new() };
        let invites = invites.reduce(Action::Sent(sent));
        assert_eq!((invites.typed.as_str(), invites.sent.len()), ("grace@x.test, alan@x.test", 1));
        let again = Sent { email: "Ada@x.test".to_owned(), url: "newer".to_owned() };
        let invites = invites.reduce(Action::Stop("grace@x.test".to_owned())).reduce(Action::Sent(again));
        assert_eq!((invites.sent.len(), invites.sent[0].url.as_str(), &invites.stopped), (1, "newer", &None));
    }
}
