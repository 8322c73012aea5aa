//! The audit log of an organization: who changed what, and when. Its rows are written in the transaction of the change.

use happening_api::{AuditEntry, AuditId, OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::Clock;
use crate::page::Page;

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) action: &'static str,
    pub(crate) subject_type: &'static str,
    pub(crate) subject: Uuid,
    pub(crate) details: serde_json::Value,
}

/// Writes an entry. Without an actor, the change was made by the worker.
///
/// # Errors
/// When the database fails.
pub(crate) async fn write(
    conn: &mut PgConnection,
    org: OrgId,
    actor: impl Into<Option<UserId>>,
    entry: &Entry,
    clock: Clock,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_log (id, org_id, actor_id, action, subject_type, subject_id, details) values ($1, $2, $3, $4, $5, $6, $7)",
        clock.new_id(),
        org.0,
        actor.into().map(|id| id.0),
        entry.action,
        entry.subject_type,
        entry.subject,
        entry.details
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An organization's log, newest first.
///
/// # Errors
/// When the database fails.
pub(crate) async fn list(conn: &mut PgConnection, org: OrgId, page: &Page) -> sqlx::Result<Vec<AuditEntry>> {
    sqlx::query_as!(
        AuditEntry,
        r#"select id as "id: AuditId", actor_id as "actor_id: UserId", action, subject_type, subject_id, details, created_at
        from audit_log where org_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
        order by created_at desc, id desc limit $4"#,
        org.0,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await
}

/// How many entries the log has.
///
/// # Errors
/// When the database fails.
pub(crate) async fn count(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from audit_log where org_id = $1"#, org.0).fetch_one(conn).await
}
