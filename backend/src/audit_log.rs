//! Who changed what, when: rows written in the transaction of the change.

use happening_api::{OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Clock;

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) action: &'static str,
    pub(crate) subject_type: &'static str,
    pub(crate) subject: Uuid,
    pub(crate) details: serde_json::Value,
}

/// Writes a row.
///
/// # Errors
/// When the database fails.
pub(crate) async fn write(
    conn: &mut PgConnection,
    org: OrgId,
    actor: UserId,
    entry: &Entry,
    clock: Clock,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_log (id, org_id, actor_id, action, subject_type, subject_id, details) values ($1, $2, $3, $4, $5, $6, $7)",
        clock.new_id(),
        org.0,
        actor.0,
        entry.action,
        entry.subject_type,
        entry.subject,
        entry.details
    )
    .execute(conn)
    .await
    .map(drop)
}
