//! Typed calls of the shell. There is one way out of the webview: commands of our own shell.

mod bridge;

use chrono::{DateTime, Utc};
use happening_api::{
    ActivityEntry, ApiFailure, Booking, BookingId, Call, CancelBooking, CancelSeats, ClaimSeats, CreateBooking,
    CreateEvent, CreateInvite, CreateOrganization, CreatedInvite, Download, DuplicateEvent, Event, EventFilter,
    EventId, HistoryEntry, Invite, InviteId, InvitePreview, Member, Notification, NotificationId, OpenTarget, OrgId,
    Organization, Role, Saved, SeatMap, ServerCheck, SessionView, ShellInfo, Theme, UpdateEvent, UpdateMember,
    UpdateOrganization, UpdateUser, User, UserId, WaitlistMove,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::connection;

pub(crate) use bridge::listen;

#[derive(Serialize)]
struct CallArgument {
    call: Call,
}

/// As [`happening_api::Answered`], of which the value is not read yet.
#[derive(Deserialize)]
struct Answered {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    value: JsValue,
    as_of: Option<DateTime<Utc>>,
}

async fn call<T: DeserializeOwned>(call: Call) -> Result<T, ApiFailure> {
    let answered: Answered = bridge::invoke("call", &CallArgument { call }).await?;
    connection::note(answered.as_of); // whether or not this app understands it
    bridge::read(answered.value)
}

pub(crate) async fn session() -> Result<SessionView, ApiFailure> {
    bridge::invoke("session", &()).await
}

pub(crate) async fn sign_in() -> Result<(), ApiFailure> {
    bridge::invoke("sign_in", &()).await
}

pub(crate) async fn open_sign_in_again() -> Result<(), ApiFailure> {
    bridge::invoke("open_sign_in_again", &()).await
}

/// Whether there was one to be copied.
pub(crate) async fn copy_sign_in_link() -> Result<bool, ApiFailure> {
    bridge::invoke("copy_sign_in_link", &()).await
}

pub(crate) async fn copy(text: String) -> Result<(), ApiFailure> {
    #[derive(Serialize)]
    struct Argument {
        text: String,
    }
    bridge::invoke("copy", &Argument { text }).await
}

/// The theme of what the system draws.
pub(crate) async fn appearance(theme: Theme) -> Result<(), ApiFailure> {
    #[derive(Serialize)]
    struct Argument {
        theme: Theme,
    }
    bridge::invoke("appearance", &Argument { theme }).await
}

pub(crate) async fn cancel_sign_in() -> Result<(), ApiFailure> {
    bridge::invoke("cancel_sign_in", &()).await
}

pub(crate) async fn sign_out() -> Result<(), ApiFailure> {
    bridge::invoke("sign_out", &()).await
}

pub(crate) async fn info() -> Result<ShellInfo, ApiFailure> {
    bridge::invoke("info", &()).await
}

pub(crate) async fn opened() -> Result<Option<OpenTarget>, ApiFailure> {
    bridge::invoke("opened", &()).await
}

pub(crate) async fn preview_invite() -> Result<Option<InvitePreview>, ApiFailure> {
    bridge::invoke("preview_invite", &()).await
}

pub(crate) async fn accept_invite() -> Result<Option<Organization>, ApiFailure> {
    bridge::invoke("accept_invite", &()).await
}

pub(crate) async fn forget_invite() -> Result<(), ApiFailure> {
    bridge::invoke("forget_invite", &()).await
}

pub(crate) async fn remember_organization(org_id: Option<OrgId>) -> Result<(), ApiFailure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Argument {
        org_id: Option<OrgId>,
    }
    bridge::invoke("remember_organization", &Argument { org_id }).await
}

#[derive(Serialize)]
struct Address {
    address: String,
}

pub(crate) async fn check_server(address: String) -> Result<ServerCheck, ApiFailure> {
    bridge::invoke("check_server", &Address { address }).await
}

pub(crate) async fn change_server(address: String) -> Result<(), ApiFailure> {
    bridge::invoke("change_server", &Address { address }).await
}

pub(crate) async fn save(file: Download) -> Result<Saved, ApiFailure> {
    #[derive(Serialize)]
    struct Argument {
        file: Download,
    }
    bridge::invoke("save", &Argument { file }).await
}

pub(crate) async fn open_board(event_id: EventId) -> Result<(), ApiFailure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Argument {
        event_id: EventId,
    }
    bridge::invoke("open_board", &Argument { event_id }).await
}

pub(crate) async fn diagnostics() -> Result<String, ApiFailure> {
    bridge::invoke("diagnostics", &()).await
}

/// The version that is newer, if there is one; with `install` it is installed and the app restarts.
pub(crate) async fn update(install: bool) -> Result<Option<String>, ApiFailure> {
    #[derive(Serialize)]
    struct Argument {
        install: bool,
    }
    bridge::invoke("update", &Argument { install }).await
}

pub(crate) async fn update_me(body: UpdateUser) -> Result<User, ApiFailure> {
    call(Call::UpdateMe { body }).await
}

pub(crate) async fn delete_me() -> Result<(), ApiFailure> {
    call(Call::DeleteMe).await
}

pub(crate) async fn my_organizations(user_id: UserId) -> Result<Vec<Organization>, ApiFailure> {
    call(Call::MyOrganizations { user_id }).await
}

pub(crate) async fn create_organization(key: String, name: String) -> Result<Organization, ApiFailure> {
    call(Call::CreateOrganization { key, body: CreateOrganization { name } }).await
}

pub(crate) async fn update_organization(org_id: OrgId, body: UpdateOrganization) -> Result<Organization, ApiFailure> {
    call(Call::UpdateOrganization { org_id, body }).await
}

pub(crate) async fn delete_organization(org_id: OrgId) -> Result<(), ApiFailure> {
    call(Call::DeleteOrganization { org_id }).await
}

pub(crate) async fn members(org_id: OrgId) -> Result<Vec<Member>, ApiFailure> {
    find_members(org_id, String::new()).await
}

pub(crate) async fn find_members(org_id: OrgId, q: String) -> Result<Vec<Member>, ApiFailure> {
    call(Call::Members { org_id, q }).await
}

pub(crate) async fn set_role(org_id: OrgId, user_id: UserId, role: Role) -> Result<Member, ApiFailure> {
    call(Call::UpdateMember { org_id, user_id, body: UpdateMember { role } }).await
}

pub(crate) async fn remove_member(org_id: OrgId, user_id: UserId) -> Result<(), ApiFailure> {
    call(Call::RemoveMember { org_id, user_id }).await
}

pub(crate) async fn invites(org_id: OrgId) -> Result<Vec<Invite>, ApiFailure> {
    call(Call::Invites { org_id }).await
}

pub(crate) async fn create_invite(key: String, body: CreateInvite) -> Result<CreatedInvite, ApiFailure> {
    call(Call::CreateInvite { key, body }).await
}

pub(crate) async fn resend_invite(invite_id: InviteId) -> Result<CreatedInvite, ApiFailure> {
    call(Call::ResendInvite { invite_id }).await
}

pub(crate) async fn revoke_invite(invite_id: InviteId) -> Result<(), ApiFailure> {
    call(Call::RevokeInvite { invite_id }).await
}

pub(crate) async fn audit(org_id: OrgId) -> Result<Vec<happening_api::AuditEntry>, ApiFailure> {
    call(Call::Audit { org_id }).await
}

pub(crate) async fn events(filter: EventFilter) -> Result<Vec<Event>, ApiFailure> {
    call(Call::Events { filter }).await
}

pub(crate) async fn event(event_id: EventId) -> Result<Event, ApiFailure> {
    call(Call::Event { event_id }).await
}

pub(crate) async fn create_event(key: String, body: CreateEvent) -> Result<Event, ApiFailure> {
    call(Call::CreateEvent { key, body: Box::new(body) }).await
}

pub(crate) async fn update_event(event_id: EventId, version: i64, body: UpdateEvent) -> Result<Event, ApiFailure> {
    call(Call::UpdateEvent { event_id, version, body: Box::new(body) }).await
}

pub(crate) async fn cancel_event(event_id: EventId) -> Result<Event, ApiFailure> {
    call(Call::CancelEvent { event_id }).await
}

pub(crate) async fn delete_event(event_id: EventId) -> Result<(), ApiFailure> {
    call(Call::DeleteEvent { event_id }).await
}

pub(crate) async fn duplicate_event(event_id: EventId, key: String, body: DuplicateEvent) -> Result<Event, ApiFailure> {
    call(Call::DuplicateEvent { event_id, key, body }).await
}

/// The bookings of an event, a thousand at most; `waiting`: those that still want seats, by position.
pub(crate) async fn event_bookings(event_id: EventId, waiting: bool) -> Result<Vec<Booking>, ApiFailure> {
    call(Call::EventBookings { event_id, waiting }).await
}

pub(crate) async fn event_activity(event_id: EventId) -> Result<Vec<ActivityEntry>, ApiFailure> {
    call(Call::EventActivity { event_id }).await
}

pub(crate) async fn seats(event_id: EventId) -> Result<SeatMap, ApiFailure> {
    call(Call::Seats { event_id }).await
}

pub(crate) async fn my_bookings(user_id: UserId) -> Result<Vec<Booking>, ApiFailure> {
    call(Call::MyBookings { user_id }).await
}

pub(crate) async fn booking(booking_id: BookingId) -> Result<Booking, ApiFailure> {
    call(Call::Booking { booking_id }).await
}

pub(crate) async fn booking_history(booking_id: BookingId) -> Result<Vec<HistoryEntry>, ApiFailure> {
    call(Call::BookingHistory { booking_id }).await
}

pub(crate) async fn booking_waitlist(booking_id: BookingId) -> Result<Vec<WaitlistMove>, ApiFailure> {
    call(Call::BookingWaitlist { booking_id }).await
}

pub(crate) async fn create_booking(key: String, body: CreateBooking) -> Result<Booking, ApiFailure> {
    call(Call::CreateBooking { key, body }).await
}

pub(crate) async fn cancel_booking(booking_id: BookingId, reason: Option<String>) -> Result<Booking, ApiFailure> {
    call(Call::CancelBooking { booking_id, body: CancelBooking { reason } }).await
}

pub(crate) async fn cancel_seats(
    booking_id: BookingId,
    seat_numbers: Vec<i32>,
    reason: Option<String>,
) -> Result<Booking, ApiFailure> {
    call(Call::CancelSeats { booking_id, body: CancelSeats { seat_numbers, reason } }).await
}

pub(crate) async fn claim(booking_id: BookingId, key: String, seats: Option<i32>) -> Result<Booking, ApiFailure> {
    call(Call::Claim { booking_id, key, body: ClaimSeats { seats } }).await
}

pub(crate) async fn notifications(unread: bool) -> Result<Vec<Notification>, ApiFailure> {
    call(Call::Notifications { unread }).await
}

/// How many were not read.
pub(crate) async fn unread_count() -> Result<u64, ApiFailure> {
    call(Call::UnreadCount).await
}

pub(crate) async fn read_notification(notification_id: NotificationId) -> Result<Notification, ApiFailure> {
    call(Call::ReadNotification { notification_id }).await
}

pub(crate) async fn read_all_notifications() -> Result<serde_json::Value, ApiFailure> {
    call(Call::ReadAllNotifications).await
}

/// A key for one click; trying again uses the same.
pub(crate) fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}
