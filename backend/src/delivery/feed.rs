//! Writes the notifications that the app lists.

use happening_api::{Message, NotificationType, UserId};
use sqlx::{PgConnection, PgPool};

/// Adds a notification with the id of its message. Does nothing if the people of the event were removed.
///
/// # Errors
/// When the database fails.
pub(super) async fn add(conn: &mut PgConnection, message: &Message, user: UserId, text: &str) -> sqlx::Result<()> {
    if people_are_removed(conn, message).await? {
        return Ok(());
    }
    sqlx::query!(
        "insert into notifications (id, user_id, type, event_id, booking_id, seats, seat_numbers, message, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        message.id.0,
        user.0,
        message.kind as NotificationType,
        message.event_id.map(|id| id.0),
        message.booking_id.map(|id| id.0),
        message.seats,
        message.seat_numbers.as_deref().unwrap_or_default(),
        text,
        message.occurred_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether the people of the event were removed; waits for a removal in progress. People are removed 30 days after an event or later,
/// so this locks only rows that the seat writer no longer changes.
async fn people_are_removed(conn: &mut PgConnection, message: &Message) -> sqlx::Result<bool> {
    let removed = sqlx::query_scalar!(
        r#"select people_removed_at is not null as "removed!" from events where id = $1 and event_date < now() - interval '29 days' for share"#,
        message.event_id.map(|id| id.0)
    )
    .fetch_optional(conn)
    .await?;
    Ok(removed.unwrap_or(false))
}

/// Records that a channel failed for the last time.
///
/// # Errors
/// When the database fails.
pub(super) async fn mark_failed(pool: &PgPool, message: &Message) -> sqlx::Result<()> {
    sqlx::query!("update notifications set status = 'failed' where id = $1", message.id.0).execute(pool).await.map(drop)
}

/// Records that a channel, which had failed for the last time, has worked after all.
///
/// # Errors
/// When the database fails.
pub(super) async fn mark_delivered(conn: &mut PgConnection, message: &Message) -> sqlx::Result<()> {
    sqlx::query!("update notifications set status = 'delivered' where id = $1 and status = 'failed'", message.id.0)
        .execute(conn)
        .await
        .map(drop)
}
