//! Creates, resends and revokes invites. Each change of an organization's invites locks the organization's row, so that two invites
//! to the same address are created one after the other, and the second replaces the first.

use happening_api::{
    CreateInvite, CreatedInvite, ErrorCode, Invite, InviteId, Message, MessageId, NotificationType, OrgId, UserId,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::store::{self, InviteRow};
use crate::audit_log::{self, Entry};
use crate::clock::Clock;
use crate::idempotency::{Call, Made, commit};
use crate::limits::Limits;
use crate::links::Links;
use crate::organizations::store as org_store;
use crate::outbox;
use crate::problem::Problem;
use crate::wake::Wake;

/// The parts of the server that sending an invite needs.
pub(super) struct Parts<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) clock: Clock,
    pub(super) limits: &'a Limits,
    pub(super) links: &'a Links,
    pub(super) relay_wake: &'a Wake,
}

/// The person who sends an invite, and the id of their request.
pub(super) struct Sender {
    pub(super) caller: UserId,
    pub(super) request_id: String,
}

/// Invites an address and sends it a mail.
///
/// # Errors
/// `already_member`, 404, 429, 503.
pub(super) async fn create(
    parts: &Parts<'_>,
    sender: &Sender,
    body: &CreateInvite,
    call: &Call,
) -> Result<Made, Problem> {
    let id = InviteId(parts.clock.new_id());
    let mut tx = parts.pool.begin().await?;
    if let Some(made) = call.begin(&mut tx).await? {
        return replay(&mut tx, parts.links, made).await;
    }
    org_store::lock_as_admin(&mut tx, body.org_id, sender.caller).await?;
    if store::is_member(&mut tx, body.org_id, &body.email).await? {
        return Err(already_member());
    }
    parts.limits.count_invite(&body.email)?;
    store::insert(&mut tx, id, body, sender.caller, &nonce()).await?;
    let details = serde_json::json!({ "role": body.role });
    let created = tell(&mut tx, parts, sender, body.org_id, id, ("invite_created", details)).await?;
    let answer = call.finish_keeping(tx, &created.invite, &created, &format!("/org-invites/{id}")).await?;
    parts.relay_wake.wake();
    Ok(answer)
}

/// The stored answer does not contain the token. This adds the token that the first answer had, whether it is still valid or not.
async fn replay(conn: &mut PgConnection, links: &Links, made: Made) -> Result<Made, Problem> {
    let invite: Invite = serde_json::from_str(&made.body).map_err(Problem::internal)?;
    let row = store::find(conn, invite.id, false).await?.ok_or_else(Problem::not_found)?;
    let body = serde_json::to_string(&with_token(links, row.first_nonce(), invite)).map_err(Problem::internal)?;
    Ok(Made { body, ..made })
}

/// Gives an invite a new token and sends it again. The old token becomes invalid.
///
/// # Errors
/// `invite_used`, `invite_gone`, 429, 503.
pub(super) async fn resend(parts: &Parts<'_>, sender: &Sender, invite: &InviteRow) -> Result<CreatedInvite, Problem> {
    let mut tx = parts.pool.begin().await?;
    org_store::lock_as_admin(&mut tx, invite.org_id, sender.caller).await?;
    still_open(&mut tx, invite.id).await?;
    if store::is_member(&mut tx, invite.org_id, &invite.email).await? {
        return Err(already_member());
    }
    parts.limits.count_invite(&invite.email)?;
    store::renew(&mut tx, invite.id, sender.caller, &nonce()).await?;
    let details = serde_json::json!({ "role": invite.role });
    let created = tell(&mut tx, parts, sender, invite.org_id, invite.id, ("invite_resent", details)).await?;
    commit(tx).await?;
    parts.relay_wake.wake();
    Ok(created)
}

/// Revokes an invite.
///
/// # Errors
/// `invite_used` or `invite_gone`; 403 or 404 when the caller is no longer orgAdmin; 503 when the database fails.
pub(super) async fn revoke(pool: &PgPool, clock: Clock, caller: UserId, invite: &InviteRow) -> Result<(), Problem> {
    let mut tx = pool.begin().await?;
    org_store::lock_as_admin(&mut tx, invite.org_id, caller).await?;
    still_open(&mut tx, invite.id).await?;
    store::set_status(&mut tx, invite.id, "revoked").await?;
    let details = serde_json::json!({ "role": invite.role });
    let entry = Entry { action: "invite_revoked", subject_type: "invite", subject: invite.id.0, details };
    audit_log::write(&mut tx, invite.org_id, caller, &entry, clock).await?;
    commit(tx).await
}

/// An expired invite can be resent or revoked; one that was used or is gone cannot.
async fn still_open(conn: &mut PgConnection, id: InviteId) -> Result<(), Problem> {
    let invite = store::find(conn, id, true).await?.ok_or_else(Problem::not_found)?;
    match invite.status.as_str() {
        "pending" => Ok(()),
        "used" => Err(used()),
        _ => Err(gone()),
    }
}

/// Writes the message and the audit log entry. Returns the answer with the token.
async fn tell(
    conn: &mut PgConnection,
    parts: &Parts<'_>,
    sender: &Sender,
    org: OrgId,
    id: InviteId,
    (action, details): (&'static str, serde_json::Value),
) -> Result<CreatedInvite, Problem> {
    let message = Message {
        invite_id: Some(id),
        org_id: Some(org),
        ..Message::new(
            MessageId(parts.clock.new_id()),
            NotificationType::OrgInvite,
            parts.clock.now(),
            &sender.request_id,
        )
    };
    outbox::enqueue(conn, &[message]).await?;
    let entry = Entry { action, subject_type: "invite", subject: id.0, details };
    audit_log::write(conn, org, sender.caller, &entry, parts.clock).await?;
    let invite = store::find(conn, id, false).await?.ok_or_else(Problem::not_found)?;
    Ok(with_token(parts.links, &invite.nonce, invite.shown()))
}

fn with_token(links: &Links, nonce: &[u8], invite: Invite) -> CreatedInvite {
    let token = links.token(invite.id, nonce);
    let url = links.invite(&token);
    CreatedInvite { invite, token, url }
}

/// A random nonce with 122 random bits.
fn nonce() -> Vec<u8> {
    Uuid::new_v4().as_bytes().to_vec()
}

pub(super) fn already_member() -> Problem {
    Problem::new(ErrorCode::AlreadyMember, "They are a member of the organization already.")
}

pub(super) fn used() -> Problem {
    Problem::new(ErrorCode::InviteUsed, "This invite was accepted already.")
}

pub(crate) fn gone() -> Problem {
    Problem::new(ErrorCode::InviteGone, "This invite has expired or was taken back. Ask for a new one.")
}
