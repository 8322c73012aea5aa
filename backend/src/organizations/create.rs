//! Makes an organization; the caller becomes its orgAdmin.

use happening_api::{CreateOrganization, OrgId, Organization, Role, UserId};

use super::store;
use crate::app::App;
use crate::audit_log;
use crate::http::{ApiError, ApiResult};

/// Makes it.
///
/// # Errors
/// 503.
pub(super) async fn create(app: &App, caller: UserId, body: &CreateOrganization) -> ApiResult<Organization> {
    let id = OrgId(app.clock.new_id());
    let mut tx = app.pool.begin().await?;
    store::insert(&mut tx, id, body.name.trim()).await?;
    store::insert_member(&mut tx, id, caller, Role::OrgAdmin).await?;
    let details = serde_json::json!({ "name": body.name.trim() });
    let entry =
        audit_log::Entry { action: "organization_created", subject_type: "organization", subject: id.0, details };
    audit_log::write(&mut tx, id, caller, &entry, app.clock).await?;
    let organization = store::find_for(&mut tx, caller, id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await.map_err(ApiError::outcome_unknown)?;
    Ok(organization)
}
