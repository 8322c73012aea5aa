//! Creates an event.

use happening_api::{CreateEvent, EventId, UserId, event_times_problem};
use sqlx::PgPool;

use super::{store, views};
use crate::access::{self, Access, OrgAction};
use crate::audit_log;
use crate::clock::Clock;
use crate::idempotency::{Call, Made};
use crate::organizations::store as org_store;
use crate::problem::Problem;

/// Creates the event; the caller owns it. The caller's right to do so was checked by the handler's parameter type.
///
/// # Errors
/// 400 for times that contradict each other, 503.
pub(super) async fn create(
    pool: &PgPool,
    clock: Clock,
    caller: UserId,
    body: &CreateEvent,
    call: &Call,
) -> Result<Made, Problem> {
    let id = EventId(clock.new_id());
    let mut tx = pool.begin().await?;
    if let Some(made) = call.begin(&mut tx).await? {
        return Ok(made);
    }
    check_zone(&body.time_zone)?;
    if let Some((field, reason)) = event_times_problem(clock.now(), body.event_date, body.ends_at) {
        return Err(Problem::field(field, reason));
    }
    store::insert(&mut tx, id, caller, body).await?;
    let details = serde_json::json!({ "name": body.name.trim(), "total_slots": body.total_slots });
    let entry = audit_log::Entry { action: "event_created", subject_type: "event", subject: id.0, details };
    audit_log::write(&mut tx, body.org_id, caller, &entry, clock).await?;
    let event = views::find(&mut tx, caller, id).await?.ok_or_else(Problem::not_found)?;
    // Inserting the event locked the organization's row (its foreign key does), so this sees whether the organization or the
    // membership ended meanwhile.
    let role = org_store::role(&mut tx, body.org_id, caller).await?;
    if access::organization(OrgAction::CreateEvent, role) != Access::Allowed {
        return Err(Problem::not_found());
    }
    call.finish(tx, &event, &format!("/events/{id}")).await
}

/// Refuses names that are not IANA time zones.
///
/// # Errors
/// 400.
pub(crate) fn check_zone(name: &str) -> Result<(), Problem> {
    match name.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::field("time_zone", "must be the IANA name of a time zone, such as Europe/Berlin")),
    }
}
