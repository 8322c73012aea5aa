//! SQL about invites.

use chrono::{DateTime, Utc};
use happening_api::{Invite, InviteId, InviteStatus, OrgId, Role, UserId};
use sqlx::PgConnection;

use crate::database;
use crate::page::Page;

/// An invite, including its secrets.
#[derive(Clone, Debug)]
pub(crate) struct InviteRow {
    pub(crate) id: InviteId,
    pub(crate) org_id: OrgId,
    pub(crate) organization: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) invited_by: UserId,
    pub(crate) inviter: String,
    pub(crate) nonce: Vec<u8>,
    /// The nonces of tokens that newer ones have replaced.
    pub(crate) old_nonces: Vec<Vec<u8>>,
    /// `pending`, `used`, `revoked` or `replaced`.
    pub(crate) status: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    /// Whether the invite has expired, by the database's clock.
    pub(crate) expired: bool,
    /// Whether its sender is still orgAdmin.
    pub(crate) inviter_is_admin: bool,
}

impl InviteRow {
    /// The nonce of the invite's first token.
    pub(crate) fn first_nonce(&self) -> &[u8] {
        self.old_nonces.first().unwrap_or(&self.nonce)
    }

    /// The invite as orgAdmins see it.
    pub(crate) fn shown(&self) -> Invite {
        Invite {
            id: self.id,
            org_id: self.org_id,
            email: self.email.clone(),
            role: self.role,
            invited_by: self.invited_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            status: if self.expired { InviteStatus::Expired } else { InviteStatus::Pending },
        }
    }
}

/// Reads an invite. With `lock`, its row is locked, so that it cannot be accepted twice.
pub(crate) async fn find(conn: &mut PgConnection, id: InviteId, lock: bool) -> sqlx::Result<Option<InviteRow>> {
    if lock {
        sqlx::query!("select 1 as one from organization_invites where id = $1 for update", id.0)
            .fetch_optional(&mut *conn)
            .await?;
    }
    sqlx::query_as!(
        InviteRow,
        r#"select i.id as "id: InviteId", i.org_id as "org_id: OrgId", o.name as organization, i.email, i.role as "role: Role",
            i.invited_by as "invited_by: UserId", u.name as inviter, i.nonce, i.old_nonces, i.status, i.created_at, i.expires_at,
            i.expires_at <= clock_timestamp() as "expired!", exists (select from organization_users m
                where m.org_id = i.org_id and m.user_id = i.invited_by and m.role = 'orgAdmin') as "inviter_is_admin!"
        from organization_invites i join organizations o on o.id = i.org_id join users u on u.id = i.invited_by where i.id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await
}

/// The pending invites of an organization, newest first.
pub(crate) async fn list(conn: &mut PgConnection, org: OrgId, page: &Page) -> sqlx::Result<Vec<Invite>> {
    let rows = sqlx::query!(
        r#"select id as "id: InviteId", email, role as "role: Role", invited_by as "invited_by: UserId", created_at, expires_at,
            expires_at <= now() as "expired!" from organization_invites
        where org_id = $1 and status = 'pending' and ($2::timestamptz is null or (created_at, id) < ($2, $3))
        order by created_at desc, id desc limit $4"#,
        org.0,
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Invite {
            id: row.id,
            org_id: org,
            email: row.email,
            role: row.role,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            status: if row.expired { InviteStatus::Expired } else { InviteStatus::Pending },
        })
        .collect())
}

/// How many invites of an organization are pending.
pub(crate) async fn count(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from organization_invites where org_id = $1 and status = 'pending'"#,
        org.0
    )
    .fetch_one(conn)
    .await
}

/// Inserts an invite, and replaces an earlier one to the same address.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: InviteId,
    invite: &happening_api::CreateInvite,
    inviter: UserId,
    nonce: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update organization_invites set status = 'replaced'
        where org_id = $1 and lower(email) = lower($2::text collate happening) and status = 'pending'",
        invite.org_id.0,
        invite.email
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into organization_invites (id, org_id, email, role, invited_by, nonce, expires_at)
        values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))",
        id.0,
        invite.org_id.0,
        invite.email,
        invite.role.as_str(),
        inviter.0,
        nonce,
        happening_api::INVITE_DAYS as i32
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Gives an invite a new nonce, another week, and this person as its sender. The old nonces are kept, to recognize their tokens as
/// replaced.
pub(crate) async fn renew(conn: &mut PgConnection, id: InviteId, inviter: UserId, nonce: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "update organization_invites set nonce = $2,
            old_nonces = old_nonces[1:1] || old_nonces[greatest(2, cardinality(old_nonces) - 17):] || nonce,
            expires_at = now() + make_interval(days => $3), invited_by = $4 where id = $1",
        id.0,
        nonce,
        happening_api::INVITE_DAYS as i32,
        inviter.0
    )
    .execute(conn)
    .await
    .and_then(database::one_row)
}

/// Sets the status of an invite.
pub(crate) async fn set_status(conn: &mut PgConnection, id: InviteId, status: &str) -> sqlx::Result<()> {
    sqlx::query!("update organization_invites set status = $2 where id = $1", id.0, status)
        .execute(conn)
        .await
        .and_then(database::one_row)
}

/// Whether a person with this address is a member.
pub(crate) async fn is_member(conn: &mut PgConnection, org: OrgId, email: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from organization_users m join users u on u.id = m.user_id
            where m.org_id = $1 and lower(u.email) = lower($2::text collate happening)) as "is!""#,
        org.0,
        email
    )
    .fetch_one(conn)
    .await
}
