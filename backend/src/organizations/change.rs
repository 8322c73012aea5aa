//! Changes or deletes an organization.

use happening_api::{ErrorCode, OrgId, Organization, UpdateOrganization, UserId};
use sqlx::PgPool;

use super::store;
use crate::audit_log::{self, Entry};
use crate::clock::Clock;
use crate::idempotency::commit;
use crate::problem::Problem;

/// Changes the fields that are sent.
///
/// # Errors
/// 404, 503.
pub(super) async fn update(
    pool: &PgPool,
    clock: Clock,
    caller: UserId,
    org: OrgId,
    body: &UpdateOrganization,
) -> Result<Organization, Problem> {
    let mut tx = pool.begin().await?;
    store::lock_as_admin(&mut tx, org, caller).await?;
    if body.name.is_some() || body.retention_days.is_some() {
        store::update(&mut tx, org, body).await?;
        let details = serde_json::to_value(body).map_err(Problem::internal)?;
        let entry = Entry { action: "organization_updated", subject_type: "organization", subject: org.0, details };
        audit_log::write(&mut tx, org, caller, &entry, clock).await?;
    }
    let organization = store::find_for(&mut tx, caller, org).await?.ok_or_else(Problem::not_found)?;
    commit(tx).await?;
    Ok(organization)
}

/// Deletes the organization with its memberships and open invites.
///
/// # Errors
/// `organization_has_events` while an event is upcoming or ongoing, 404, 503.
pub(super) async fn delete(pool: &PgPool, clock: Clock, caller: UserId, org: OrgId) -> Result<(), Problem> {
    let mut tx = pool.begin().await?;
    store::lock_as_admin(&mut tx, org, caller).await?;
    if store::has_open_events(&mut tx, org).await? {
        let sentence = "It has events that are not over. Cancel them, or wait until they are.";
        return Err(Problem::new(ErrorCode::OrganizationHasEvents, sentence));
    }
    let details = serde_json::json!({});
    let entry = Entry { action: "organization_deleted", subject_type: "organization", subject: org.0, details };
    audit_log::write(&mut tx, org, caller, &entry, clock).await?;
    store::delete(&mut tx, org).await?;
    commit(tx).await
}
