//! Creates an organization; the caller becomes its orgAdmin.

use happening_api::{CreateOrganization, OrgId, Role, UserId};
use sqlx::PgPool;

use super::store;
use crate::audit_log;
use crate::clock::Clock;
use crate::idempotency;
use crate::problem::Problem;

/// Creates the organization.
///
/// # Errors
/// 401 when the caller was deleted meanwhile, 503.
pub(super) async fn create(
    pool: &PgPool,
    clock: Clock,
    caller: UserId,
    body: &CreateOrganization,
    call: &idempotency::Call,
) -> Result<idempotency::Made, Problem> {
    let id = OrgId(clock.new_id());
    let mut tx = pool.begin().await?;
    if let Some(made) = call.begin(&mut tx).await? {
        return Ok(made);
    }
    store::insert(&mut tx, id, body.name.trim()).await?;
    if !store::insert_member(&mut tx, id, caller, Role::OrgAdmin).await? {
        return Err(Problem::unauthenticated());
    }
    let details = serde_json::json!({ "name": body.name.trim() });
    let entry =
        audit_log::Entry { action: "organization_created", subject_type: "organization", subject: id.0, details };
    audit_log::write(&mut tx, id, caller, &entry, clock).await?;
    let organization = store::find_for(&mut tx, caller, id).await?.ok_or_else(Problem::not_found)?;
    call.finish(tx, &organization, &format!("/organizations/{id}")).await
}
