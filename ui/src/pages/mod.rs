//! Screens, one file each.

mod bookings;
mod home;
mod manage_seats;
mod notifications;
mod seats;
mod sign_in;

use happening_api::Role;

pub(crate) use home::Home;
pub(crate) use notifications::Notifications;
pub(crate) use sign_in::SignIn;

/// A role as people call it.
pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::OrgAdmin => "Admin",
        Role::Organizer => "Organizer",
        Role::User => "Member",
    }
}
