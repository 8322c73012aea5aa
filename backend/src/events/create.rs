//! Makes an event.

use happening_api::{CreateEvent, EventId, UserId, event_times_problem};

use super::{store, views};
use crate::access::{self, Access, OrgAction};
use crate::app::App;
use crate::audit_log;
use crate::idempotency::{Call, Made};
use crate::organizations::store as org_store;
use crate::problem::Problem;

/// Makes it; the caller owns it. That they may was checked by the caller's type.
///
/// # Errors
/// 400 for times that do not go together, 503.
pub(super) async fn create(app: &App, caller: UserId, body: &CreateEvent, call: &Call) -> Result<Made, Problem> {
    let id = EventId(app.clock.new_id());
    let mut tx = app.pool.begin().await?;
    if let Some(made) = call.begin(&mut tx).await? {
        return Ok(made);
    }
    check_zone(&body.time_zone)?;
    if let Some((field, reason)) = event_times_problem(app.clock.now(), body.event_date, body.ends_at) {
        return Err(Problem::field(field, reason));
    }
    store::insert(&mut tx, id, caller, body).await?;
    let details = serde_json::json!({ "name": body.name.trim(), "total_slots": body.total_slots });
    let entry = audit_log::Entry { action: "event_created", subject_type: "event", subject: id.0, details };
    audit_log::write(&mut tx, body.org_id, caller, &entry, app.clock).await?;
    let event = views::find(&mut tx, caller, id).await?.ok_or_else(Problem::not_found)?;
    // the new row's key shares the organization's row, so this sees whether it, or the membership, ended meanwhile
    let role = org_store::role(&mut tx, body.org_id, caller).await?;
    if access::organization(OrgAction::CreateEvent, role) != Access::Allowed {
        return Err(Problem::not_found());
    }
    call.finish(tx, &event, &format!("/events/{id}")).await
}

/// Refuses names that are no IANA zone.
///
/// # Errors
/// 400.
pub(crate) fn check_zone(name: &str) -> Result<(), Problem> {
    match name.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::field("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")),
    }
}
