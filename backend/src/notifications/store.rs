//! SQL for reading a person's notifications; the worker writes them (`delivery/feed.rs`).

use happening_api::{BookingId, EventId, Notification, NotificationId, NotificationStatus, NotificationType, UserId};
use sqlx::PgConnection;

use crate::page::Page;

/// A person's notifications, newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    user: UserId,
    only: Option<NotificationId>,
    unread: bool,
    page: &Page,
) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"select id as "id: NotificationId", type as "kind: NotificationType", event_id as "event_id: EventId",
            booking_id as "booking_id: BookingId", seats, seat_numbers, message, status as "status: NotificationStatus",
            created_at, read_at
        from notifications where user_id = $1 and ($2::uuid is null or id = $2) and (not $3 or read_at is null)
            and ($4::timestamptz is null or (created_at, id) < ($4, $5))
        order by created_at desc, id desc limit $6"#,
        user.0,
        only.map(|id| id.0),
        unread,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await
}

/// How many notifications a person has, and how many of them are unread.
pub(super) async fn counts(conn: &mut PgConnection, user: UserId) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where read_at is null) as "unread!" from notifications where user_id = $1"#,
        user.0
    )
    .fetch_one(conn)
    .await?;
    Ok((row.all, row.unread))
}

/// Marks one or all of a person's notifications as read. Returns how many of them exist, including those that were already read.
pub(super) async fn mark_read(
    conn: &mut PgConnection,
    user: UserId,
    only: Option<NotificationId>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update notifications set read_at = coalesce(read_at, now())
        where user_id = $1 and (id = $2 or ($2::uuid is null and read_at is null))",
        user.0,
        only.map(|id| id.0)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
