//! Typed calls of the shell. There is one way out of the webview: commands of our own shell.

mod bridge;

use happening_api::{
    ApiFailure, Booking, BookingId, Call, CancelBooking, CancelSeats, ClaimSeats, CreateBooking, Event, EventId,
    Notification, NotificationId, OpenTarget, OrgId, Organization, SeatMap, SessionView, ShellInfo, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use bridge::listen;

#[derive(Serialize)]
struct CallArgument {
    call: Call,
}

async fn call<T: DeserializeOwned>(call: Call) -> Result<T, ApiFailure> {
    bridge::invoke("call", &CallArgument { call }).await
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

pub(crate) async fn sign_in_link() -> Result<Option<String>, ApiFailure> {
    bridge::invoke("sign_in_link", &()).await
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

pub(crate) async fn my_organizations(user_id: UserId) -> Result<Vec<Organization>, ApiFailure> {
    call(Call::MyOrganizations { user_id }).await
}

pub(crate) async fn events(org_id: Option<OrgId>, mine: bool) -> Result<Vec<Event>, ApiFailure> {
    call(Call::Events { org_id, mine }).await
}

pub(crate) async fn event(event_id: EventId) -> Result<Event, ApiFailure> {
    call(Call::Event { event_id }).await
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

pub(crate) async fn create_booking(key: String, body: CreateBooking) -> Result<Booking, ApiFailure> {
    call(Call::CreateBooking { key, body }).await
}

pub(crate) async fn cancel_booking(booking_id: BookingId) -> Result<Booking, ApiFailure> {
    call(Call::CancelBooking { booking_id, body: CancelBooking::default() }).await
}

pub(crate) async fn cancel_seats(booking_id: BookingId, seat_numbers: Vec<i32>) -> Result<Booking, ApiFailure> {
    call(Call::CancelSeats { booking_id, body: CancelSeats { seat_numbers, reason: None } }).await
}

pub(crate) async fn claim(booking_id: BookingId, key: String) -> Result<Booking, ApiFailure> {
    call(Call::Claim { booking_id, key, body: ClaimSeats::default() }).await
}

pub(crate) async fn notifications(unread: bool) -> Result<Vec<Notification>, ApiFailure> {
    call(Call::Notifications { unread }).await
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
