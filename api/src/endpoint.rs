//! The list of the server's endpoints that the app calls: for each its parameters, the type of its answer, and its HTTP
//! request.
//!
//! To add an endpoint, add a line to the list. A screen reads it with `store::use_read(endpoint::Name { … })`, or once
//! with `api::ask(…)`, and gets the answer's type; the shell adds the token, sends the request, and keeps the answer if
//! the line says `kept()`.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::call::{EventFilter, HttpRequest, Method, Wanted, read, search_parameter, write};
use crate::{self as api};
use crate::{BookingId, EventId, InviteId, InviteToken, NotificationId, OrgId, UserId};

/// One endpoint with its parameters.
pub trait Endpoint: Into<Call> + Clone + Debug + 'static {
    /// What the server answers.
    type Answer: DeserializeOwned + PartialEq + 'static;
}

/// Generates from each line a struct that implements [`Endpoint`], and from all lines the enum [`Call`].
macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* } -> $answer:ty = $request:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            pub struct $name { $(pub $field: $type),* }

            impl Endpoint for $name {
                type Answer = $answer;
            }

            impl From<$name> for Call {
                fn from(endpoint: $name) -> Self {
                    Self::$name(endpoint)
                }
            }
        )*

        /// An endpoint as data, which a screen hands to the shell. A screen makes the `key` of a creating call once per
        /// click, and keeps it for retries.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Call { $($name($name)),* }

        impl Call {
            /// The HTTP request of this call.
            pub fn request(&self) -> HttpRequest {
                match self {
                    $(Self::$name($name { $($field),* }) => $request,)*
                }
            }
        }
    };
}

endpoints! {
    /// The person who is signed in.
    Me {} -> api::User = read("/users/me");
    UpdateMe { body: api::UpdateUser } -> api::User = write(Method::Patch, "/users/me").with(body);
    /// Deletes the caller's account.
    DeleteMe {} -> () = write(Method::Delete, "/users/me");

    MyOrganizations { user_id: UserId } -> Vec<api::Organization>
        = read(format!("/organizations/user/{user_id}?limit=200")).kept();
    CreateOrganization { key: String, body: api::CreateOrganization } -> api::Organization
        = write(Method::Post, "/organizations").with(body).once(key);
    UpdateOrganization { org_id: OrgId, body: api::UpdateOrganization } -> api::Organization
        = write(Method::Put, format!("/organizations/{org_id}")).with(body);
    DeleteOrganization { org_id: OrgId } -> () = write(Method::Delete, format!("/organizations/{org_id}"));
    /// Ordered by name.
    Members { org_id: OrgId } -> Vec<api::Member> = read(format!("/organizations/{org_id}/members?limit=200")).kept();
    /// Members whose name or e-mail address contains `q`, ordered by name.
    FindMembers { org_id: OrgId, q: String } -> Vec<api::Member>
        = read(format!("/organizations/{org_id}/members?limit=200{}", search_parameter(q)));
    UpdateMember { org_id: OrgId, user_id: UserId, body: api::UpdateMember } -> api::Member
        = write(Method::Patch, format!("/organizations/{org_id}/members/{user_id}")).with(body);
    /// Removes a member, or lets the caller leave when `user_id` is their own id.
    RemoveMember { org_id: OrgId, user_id: UserId } -> ()
        = write(Method::Delete, format!("/organizations/{org_id}/members/{user_id}"));
    /// Newest first.
    Audit { org_id: OrgId } -> Vec<api::AuditEntry> = read(format!("/organizations/{org_id}/audit?limit=200")).kept();

    /// Newest first.
    Invites { org_id: OrgId } -> Vec<api::Invite> = read(format!("/org-invites?org_id={org_id}&limit=200")).kept();
    CreateInvite { key: String, body: api::CreateInvite } -> api::CreatedInvite
        = write(Method::Post, "/org-invites").with(body).once(key);
    ResendInvite { invite_id: InviteId } -> api::CreatedInvite
        = write(Method::Post, format!("/org-invites/{invite_id}/resend"));
    RevokeInvite { invite_id: InviteId } -> () = write(Method::Delete, format!("/org-invites/{invite_id}"));
    PreviewInvite { token: InviteToken } -> api::InvitePreview = read(format!("/org-invites/{}", token.as_str()));
    AcceptInvite { token: InviteToken } -> api::Organization
        = write(Method::Post, format!("/org-invites/{}/accept", token.as_str()));

    /// Soonest first.
    Events { filter: EventFilter } -> Vec<api::Event> = read(format!("/events?{}", filter.query())).kept();
    Event { event_id: EventId } -> api::Event = read(format!("/events/{event_id}")).kept();
    Seats { event_id: EventId } -> api::SeatMap = read(format!("/events/{event_id}/seats")).kept().named();
    CreateEvent { key: String, body: Box<api::CreateEvent> } -> api::Event
        = write(Method::Post, "/events").with(body).once(key);
    /// The server refuses the edit when the event has another version by now.
    UpdateEvent { event_id: EventId, version: i64, body: Box<api::UpdateEvent> } -> api::Event
        = write(Method::Put, format!("/events/{event_id}")).with(body).if_version(*version);
    CancelEvent { event_id: EventId } -> api::Event = write(Method::Post, format!("/events/{event_id}/cancel"));
    DeleteEvent { event_id: EventId } -> () = write(Method::Delete, format!("/events/{event_id}"));
    DuplicateEvent { event_id: EventId, key: String, body: api::DuplicateEvent } -> api::Event
        = write(Method::Post, format!("/events/{event_id}/duplicate")).with(body).once(key);
    /// Confirmed bookings by seat, then waiting ones by position, then cancelled ones.
    EventBookings { event_id: EventId } -> Vec<api::Booking>
        = read(format!("/events/{event_id}/bookings?limit=200")).kept();
    /// Bookings that still want seats, by position.
    EventWaitlist { event_id: EventId } -> Vec<api::Booking>
        = read(format!("/events/{event_id}/bookings?limit=200&waiting=true")).kept();
    /// Newest first.
    EventActivity { event_id: EventId } -> Vec<api::ActivityEntry>
        = read(format!("/events/{event_id}/activity?limit=50")).kept();

    /// Newest first.
    MyBookings { user_id: UserId } -> Vec<api::Booking> = read(format!("/bookings/user/{user_id}?limit=200")).kept();
    Booking { booking_id: BookingId } -> api::Booking = read(format!("/bookings/{booking_id}")).kept();
    BookingHistory { booking_id: BookingId } -> Vec<api::HistoryEntry>
        = read(format!("/bookings/{booking_id}/history")).kept();
    BookingWaitlist { booking_id: BookingId } -> Vec<api::WaitlistMove>
        = read(format!("/bookings/{booking_id}/waitlist")).kept();
    CreateBooking { key: String, body: api::CreateBooking } -> api::Booking
        = write(Method::Post, "/bookings").with(body).once(key);
    CancelBooking { booking_id: BookingId, body: api::CancelBooking } -> api::Booking
        = write(Method::Post, format!("/bookings/{booking_id}/cancel")).with(body);
    CancelSeats { booking_id: BookingId, body: api::CancelSeats } -> api::Booking
        = write(Method::Post, format!("/bookings/{booking_id}/cancel-seats")).with(body);
    Claim { booking_id: BookingId, key: String, body: api::ClaimSeats } -> api::Booking
        = write(Method::Post, format!("/bookings/{booking_id}/claim")).with(body).once(key);

    /// Newest first.
    Notifications {} -> Vec<api::Notification> = read("/notifications?limit=200").kept();
    /// Unread notifications, newest first.
    UnreadNotifications {} -> Vec<api::Notification> = read("/notifications?limit=200&unread=true").kept();
    /// The newest unread notifications, 20 at most.
    News {} -> Vec<api::Notification> = read("/notifications?unread=true&limit=20").wanting(Wanted::FirstPage);
    /// The number of unread notifications.
    UnreadCount {} -> u64 = read("/notifications?unread=true&limit=1").kept().wanting(Wanted::UnreadCount);
    ReadNotification { notification_id: NotificationId } -> api::Notification
        = write(Method::Post, format!("/notifications/{notification_id}/read"));
    ReadAllNotifications {} -> api::Marked = write(Method::Post, "/notifications/read-all");
}
