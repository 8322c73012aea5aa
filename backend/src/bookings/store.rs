//! What an operation must know of a booking before it asks for a change of it.

use happening_api::{BookingId, EventId, UserId};
use sqlx::PgConnection;

/// Whose a booking is, and of which event.
#[derive(Clone, Debug)]
pub(crate) struct BookingRow {
    pub(crate) id: BookingId,
    pub(crate) event_id: EventId,
    pub(crate) user_id: UserId,
}

/// A booking; `None` when there is no such one, or its event was deleted.
pub(crate) async fn find_row(conn: &mut PgConnection, booking: BookingId) -> sqlx::Result<Option<BookingRow>> {
    sqlx::query_as!(
        BookingRow,
        r#"select id as "id: BookingId", event_id as "event_id: EventId", user_id as "user_id: UserId" from bookings b where id = $1
            and not exists (select from events e where e.id = b.event_id and e.deleted_at is not null)"#,
        booking.0
    )
    .fetch_optional(conn)
    .await
}
