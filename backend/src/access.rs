//! Who may do what: one table of pure functions. Handlers get its decisions as extractor types (`http/permitted.rs`).
//!
//! When a caller may not know that something exists, the answer is 404 (hidden). When they may know but not act on it, the answer is
//! 403 (forbidden).

use happening_api::{Role, Visibility};

/// The decision of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Allowed,
    /// 403
    Forbidden,
    /// 404
    Hidden,
}

/// What can be done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventAction {
    See,
    Book,
    /// Edit, cancel, delete, see its bookings and waitlist.
    Manage,
    /// Give it to another owner.
    HandOver,
}

/// The relation of a caller to an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventStanding {
    pub(crate) visibility: Visibility,
    /// Role in the event's organization.
    pub(crate) role: Option<Role>,
    pub(crate) owner: bool,
    /// Whether the caller has a booking that holds or waits for seats.
    pub(crate) has_booking: bool,
}

impl EventStanding {
    /// Whether the caller may manage the event: an orgAdmin manages all events of the organization, an organizer those they own.
    pub(crate) fn staff(self) -> bool {
        staff(self.role, self.owner)
    }
}

/// The rule of [`EventStanding::staff`].
pub(crate) fn staff(role: Option<Role>, owner: bool) -> bool {
    match role {
        Some(Role::OrgAdmin) => true,
        Some(Role::Organizer) => owner,
        Some(Role::User) | None => false,
    }
}

/// Whether a caller may do something with an event.
pub(crate) fn event(action: EventAction, standing: EventStanding) -> Access {
    let public = standing.visibility == Visibility::Public;
    let sees = public || standing.role.is_some() || standing.has_booking;
    let may = match action {
        EventAction::See => sees,
        EventAction::Book => public || standing.role.is_some(),
        EventAction::Manage => standing.staff(),
        EventAction::HandOver => standing.role == Some(Role::OrgAdmin),
    };
    answer(may, sees)
}

/// What can be done with a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BookingAction {
    See,
    GiveUp,
    Claim,
}

/// Whether a caller may do something with a booking, which is `mine` or not. `staff` as in [`EventStanding::staff`].
pub(crate) fn booking(action: BookingAction, mine: bool, staff: bool) -> Access {
    let may = match action {
        BookingAction::See | BookingAction::GiveUp => mine || staff,
        BookingAction::Claim => mine,
    };
    answer(may, mine || staff)
}

/// What can be done with an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrgAction {
    /// See it and its members.
    See,
    CreateEvent,
    /// See members' e-mail addresses.
    SeeEmails,
    /// Edit or delete it, invite, change roles, remove members, read the audit log.
    Administer,
}

/// Whether a caller with that role may do something with an organization.
pub(crate) fn organization(action: OrgAction, role: Option<Role>) -> Access {
    let may = match (action, role) {
        (_, None) => false,
        (OrgAction::See, Some(_)) => true,
        (OrgAction::CreateEvent, Some(role)) => matches!(role, Role::Organizer | Role::OrgAdmin),
        (OrgAction::SeeEmails | OrgAction::Administer, Some(role)) => role == Role::OrgAdmin,
    };
    answer(may, role.is_some())
}

fn answer(may: bool, knows: bool) -> Access {
    match (may, knows) {
        (true, _) => Access::Allowed,
        (false, true) => Access::Forbidden,
        (false, false) => Access::Hidden,
    }
}

#[cfg(test)]
mod tests {
    use Access::{Allowed, Forbidden, Hidden};
    use EventAction::{Book, HandOver, Manage, See};
    use Role::{OrgAdmin, Organizer, User};
    use Visibility::{Members, Public};

    use super::*;

    #[test]
    fn event_table() {
        // visibility, role, owner, has a booking -> see, book, manage, hand over
        let table = [
            (Public, None, false, false, [Allowed, Allowed, Forbidden, Forbidden]),
            (Members, None, false, false, [Hidden, Hidden, Hidden, Hidden]),
            (Members, None, false, true, [Allowed, Forbidden, Forbidden, Forbidden]),
            (Members, None, true, false, [Hidden, Hidden, Hidden, Hidden]),
            (Members, Some(User), false, false, [Allowed, Allowed, Forbidden, Forbidden]),
            (Members, Some(User), true, false, [Allowed, Allowed, Forbidden, Forbidden]),
            (Members, Some(Organizer), false, false, [Allowed, Allowed, Forbidden, Forbidden]),
            (Members, Some(Organizer), true, false, [Allowed, Allowed, Allowed, Forbidden]),
            (Public, Some(Organizer), false, false, [Allowed, Allowed, Forbidden, Forbidden]),
            (Members, Some(OrgAdmin), false, false, [Allowed, Allowed, Allowed, Allowed]),
        ];
        for (visibility, role, owner, has_booking, expected) in table {
            let standing = EventStanding { visibility, role, owner, has_booking };
            assert_eq!([See, Book, Manage, HandOver].map(|action| event(action, standing)), expected, "{standing:?}");
        }
    }

    #[test]
    fn booking_table() {
        use BookingAction::{Claim, GiveUp, See};
        let table = [
            (true, false, [Allowed, Allowed, Allowed]),
            (false, true, [Allowed, Allowed, Forbidden]),
            (false, false, [Hidden, Hidden, Hidden]),
        ];
        for (mine, staff, expected) in table {
            assert_eq!([See, GiveUp, Claim].map(|action| booking(action, mine, staff)), expected);
        }
    }

    #[test]
    fn organization_table() {
        use OrgAction::{Administer, CreateEvent, See, SeeEmails};
        let table = [
            (None, [Hidden, Hidden, Hidden, Hidden]),
            (Some(User), [Allowed, Forbidden, Forbidden, Forbidden]),
            (Some(Organizer), [Allowed, Allowed, Forbidden, Forbidden]),
            (Some(OrgAdmin), [Allowed, Allowed, Allowed, Allowed]),
        ];
        for (role, expected) in table {
            assert_eq!([See, CreateEvent, SeeEmails, Administer].map(|action| organization(action, role)), expected);
        }
    }
}
