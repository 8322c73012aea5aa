//! Writes entries of people's feeds.

use happening_api::{Message, NotificationType, UserId};
use sqlx::{PgConnection, PgPool};

/// Adds an entry; its id is the message's. An event that has forgotten its people gets none.
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

/// Waits for a removal that is on its way. Only events that were 30 days ago or more lose their people, so the row of one that the seat
/// writer may change is never locked here.
async fn people_are_removed(conn: &mut PgConnection, message: &Message) -> sqlx::Result<bool> {
    let removed = sqlx::query_scalar!(
        r#"select people_removed_at is not null as "removed!" from events where id = $1 and event_date < now() - interval '29 days' for share"#,
        message.event_id.map(|id| id.0)
    )
    .fetch_optional(conn)
    .await?;
    Ok(removed.unwrap_or(false))
}

/// Notes that a channel failed for good.
///
/// # Errors
/// When the database fails.
pub(super) async fn mark_failed(pool: &PgPool, message: &Message) -> sqlx::Result<()> {
    sqlx::query!("update notifications set status = 'failed' where id = $1", message.id.0).execute(pool).await.map(drop)
}

/// A channel that had failed for good has worked after all.
///
/// # Errors
/// When the database fails.
pub(super) async fn mark_delivered(conn: &mut PgConnection, message: &Message) -> sqlx::Result<()> {
    sqlx::query!("update notifications set status = 'delivered' where id = $1 and status = 'failed'", message.id.0)
        .execute(conn)
        .await
        .map(drop)
}
