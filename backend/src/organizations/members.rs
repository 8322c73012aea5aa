//! Changes roles of members and ends memberships. An organization must always have an orgAdmin. So each change of its members locks
//! its row: otherwise two orgAdmins could leave at once, each because the other one is still there.

use happening_api::{ErrorCode, Member, Message, MessageId, NotificationType, OrgId, Role, UserId};
use sqlx::{PgConnection, PgPool};

use super::store;
use crate::audit_log::{self, Entry};
use crate::clock::Clock;
use crate::idempotency::commit;
use crate::outbox;
use crate::problem::Problem;
use crate::wake::Wake;

/// A member, and the person who changes the membership.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) caller: UserId,
    /// Whether the caller was orgAdmin when the request was admitted.
    pub(super) admin: bool,
    pub(super) org: OrgId,
    pub(super) member: UserId,
    pub(super) request_id: String,
}

/// Gives a member another role, and notifies them.
///
/// # Errors
/// 404 when the person is not a member, `last_admin`, 503.
pub(super) async fn set_role(
    pool: &PgPool,
    clock: Clock,
    relay_wake: &Wake,
    target: &Target,
    role: Role,
) -> Result<Member, Problem> {
    let mut tx = pool.begin().await?;
    let old = lock(&mut tx, target, Some(role)).await?;
    if old.role != role {
        store::set_role(&mut tx, target.org, target.member, role).await?;
        if old.role == Role::OrgAdmin {
            revoke_invites_of(&mut tx, clock, target.org, target.member, target.caller).await?;
        }
        let details = serde_json::json!({ "from": old.role, "to": role });
        let entry = Entry { action: "role_changed", subject_type: "member", subject: target.member.0, details };
        audit_log::write(&mut tx, target.org, target.caller, &entry, clock).await?;
        let id = MessageId(clock.new_id());
        let message = Message {
            user_id: Some(target.member),
            org_id: Some(target.org),
            changes: Some(vec![role.as_str().to_owned()]),
            ..Message::new(id, NotificationType::RoleChanged, clock.now(), &target.request_id)
        };
        outbox::enqueue(&mut tx, &[message]).await?;
    }
    let member = store::member(&mut tx, target.org, target.member, true).await?.ok_or_else(Problem::not_found)?;
    commit(tx).await?;
    relay_wake.wake();
    Ok(member)
}

/// Ends a membership; members may also end their own. Their bookings stay.
///
/// # Errors
/// 404 when the person is not a member, `last_admin`, 503.
pub(super) async fn remove(pool: &PgPool, clock: Clock, target: &Target) -> Result<(), Problem> {
    let mut tx = pool.begin().await?;
    let old = lock(&mut tx, target, None).await?;
    store::delete_member(&mut tx, target.org, target.member).await?;
    revoke_invites_of(&mut tx, clock, target.org, target.member, target.caller).await?;
    let action = if target.caller == target.member { "member_left" } else { "member_removed" };
    let details = serde_json::json!({ "role": old.role });
    let entry = Entry { action, subject_type: "member", subject: target.member.0, details };
    audit_log::write(&mut tx, target.org, target.caller, &entry, clock).await?;
    commit(tx).await
}

/// Revokes the pending invites of a person who may no longer invite. The caller must have locked the organization, as accepting an
/// invite does.
///
/// # Errors
/// 503.
pub(crate) async fn revoke_invites_of(
    conn: &mut PgConnection,
    clock: Clock,
    org: OrgId,
    inviter: UserId,
    actor: UserId,
) -> Result<(), Problem> {
    for invite in store::revoke_invites_of(conn, org, inviter).await? {
        let details = serde_json::json!({ "inviter": inviter });
        let entry = Entry { action: "invite_revoked", subject_type: "invite", subject: invite.0, details };
        audit_log::write(conn, org, actor, &entry, clock).await?;
    }
    Ok(())
}

/// Locks the organization's row and returns the member as they are now. `new` is the member's next role; `None` when they leave.
///
/// The caller's right was checked before the lock and is checked again under it. A caller who was orgAdmin at the first check gets
/// `last_admin` before a missing right: when two orgAdmins demote each other at once, the later one learns that the organization
/// needs one.
async fn lock(conn: &mut PgConnection, target: &Target, new: Option<Role>) -> Result<Member, Problem> {
    if !store::lock(&mut *conn, target.org).await? {
        return Err(Problem::not_found());
    }
    let caller = store::role(&mut *conn, target.org, target.caller).await?.ok_or_else(Problem::not_found)?;
    let old = store::member(&mut *conn, target.org, target.member, false).await?.ok_or_else(Problem::not_found)?;
    let leaves = new.is_none() && target.caller == target.member;
    if old.role == Role::OrgAdmin && new != Some(Role::OrgAdmin) && (target.admin || leaves) {
        keep_an_admin(conn, target.org, target.member).await?;
    }
    if caller == Role::OrgAdmin || leaves { Ok(old) } else { Err(Problem::forbidden()) }
}

/// Refuses to remove the last orgAdmin.
///
/// # Errors
/// `last_admin`.
pub(crate) async fn keep_an_admin(conn: &mut PgConnection, org: OrgId, leaving: UserId) -> Result<(), Problem> {
    if store::has_other_admin(conn, org, leaving).await? {
        return Ok(());
    }
    let sentence = "Somebody must stay orgAdmin. Make another member orgAdmin first.";
    Err(Problem::new(ErrorCode::LastAdmin, sentence))
}
