//! The context of every screen: who is signed in, their organizations, and the selected organization.

use happening_api::{ApiFailure, Booking, Event, OrgId, Organization, Role, User};
use yew::prelude::*;

/// The context, provided by the app.
#[derive(Clone, PartialEq)]
pub(crate) struct Here {
    pub(crate) me: User,
    pub(crate) organizations: std::rc::Rc<Vec<Organization>>,
    /// Whether the organizations were read at least once; before that, the list is empty.
    pub(crate) organizations_known: bool,
    pub(crate) organizations_failure: Option<ApiFailure>,
    /// The selected organization; `None` stands for all.
    pub(crate) scope: Option<OrgId>,
    pub(crate) on_scope: Callback<Option<OrgId>>,
}

impl Here {
    /// Whether the person may create events in at least one organization.
    pub(crate) fn is_staff(&self) -> bool {
        self.organizations.iter().any(|one| matches!(one.role, Role::OrgAdmin | Role::Organizer))
    }

    pub(crate) fn role(&self, org: OrgId) -> Option<Role> {
        self.organizations.iter().find(|one| one.id == org).map(|one| one.role)
    }

    /// Whether the person may change an event and see its bookings.
    pub(crate) fn runs(&self, event: &Event) -> bool {
        match self.role(event.org_id) {
            Some(Role::OrgAdmin) => true,
            Some(Role::Organizer) => event.owner_id == self.me.id,
            Some(Role::User) | None => false,
        }
    }

    /// The bookings of events in the selected organization.
    pub(crate) fn within<'b>(&self, bookings: &'b [Booking]) -> impl Iterator<Item = &'b Booking> + use<'b> {
        let scope = self.scope;
        let inside = move |org| scope.is_none_or(|scope| scope == org);
        bookings.iter().filter(move |one| one.event.as_ref().is_none_or(|event| inside(event.org_id)))
    }

    /// The organizations in which the person may create events, of those that are selected.
    pub(crate) fn staffed(&self) -> Vec<Organization> {
        let runs = |one: &&Organization| matches!(one.role, Role::OrgAdmin | Role::Organizer);
        let within = |one: &&Organization| self.scope.is_none_or(|scope| scope == one.id);
        self.organizations.iter().filter(runs).filter(within).cloned().collect()
    }

    /// The selected organization; if none is selected, the first that the person administers, or else the first that
    /// they belong to.
    pub(crate) fn organization(&self) -> Option<&Organization> {
        match self.scope {
            Some(scope) => self.organizations.iter().find(|one| one.id == scope),
            None => {
                let administered = self.organizations.iter().find(|one| one.role == Role::OrgAdmin);
                administered.or_else(|| self.organizations.first())
            }
        }
    }
}

/// Reads the context.
#[hook]
pub(crate) fn use_here() -> Here {
    use_context::<Here>().expect("the app provides it")
}
