//! Deletes the caller: their future bookings end, their memberships end, and nothing that says who they were is left.

use std::time::Duration;

use happening_api::UserId;
use tokio_util::sync::CancellationToken;

use super::store;
use crate::app::App;
use crate::audit_log::{self, Entry};
use crate::bookings;
use crate::idempotency::commit;
use crate::organizations::{members, store as org_store};
use crate::problem::Problem;

/// Bookings that were made while others were cancelled are met by the next round.
const ROUNDS_MAX: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Deletes. Bookings go first, each in a transaction of its own, so that their seats reach the waitlist; when a later step
/// fails, the person is still there and can ask again.
///
/// # Errors
/// `last_admin`, 401 when they were deleted already, 503.
pub(super) async fn delete(app: &App, caller: UserId, request_id: &str) -> Result<(), Problem> {
    check_admins(app, caller).await?;
    for _ in 0..ROUNDS_MAX {
        let open = store::future_bookings(&mut *app.conn().await?, caller).await?;
        for booking in open {
            bookings::cancel_own(app, caller, booking, request_id).await?;
        }
        if end(app, caller).await? {
            return Ok(());
        }
    }
    Err(Problem::unavailable(anyhow::anyhow!("the person went on booking while they were deleted")))
}

/// Cancels bookings that were on their way into a batch while their person was deleted, from time to time until `stop`. Every
/// server does so: whichever of them looks first, a second one finds nothing left.
pub(crate) async fn cancel_late_bookings(app: App, stop: CancellationToken) {
    while tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
        if let Err(error) = cancel_late(&app).await {
            tracing::warn!(?error, "late bookings of deleted people are looked for later");
        }
    }
}

async fn cancel_late(app: &App) -> Result<(), Problem> {
    let late = store::late_bookings(&mut *app.conn().await?).await?;
    for (person, booking) in late {
        // one that cannot be cancelled must not keep the others
        if let Err(error) = bookings::cancel_own(app, person, booking, &app.clock.new_id().to_string()).await {
            tracing::warn!(%booking, ?error, "a late booking of a deleted person is cancelled later");
        }
    }
    Ok(())
}

/// Says no before anything was cancelled.
async fn check_admins(app: &App, caller: UserId) -> Result<(), Problem> {
    let mut conn = app.conn().await?;
    for org in store::organizations(&mut conn, caller).await? {
        if org_store::role(&mut conn, org, caller).await? == Some(happening_api::Role::OrgAdmin) {
            members::keep_an_admin(&mut conn, org, caller).await?;
        }
    }
    Ok(())
}

/// False when there is a booking to cancel first.
async fn end(app: &App, caller: UserId) -> Result<bool, Problem> {
    let mut tx = app.pool.begin().await?;
    // no membership can begin while this is held: its foreign key wants to share the row
    if !store::lock(&mut tx, caller).await? {
        return Err(Problem::unauthenticated());
    }
    for org in store::organizations(&mut tx, caller).await? {
        org_store::lock(&mut tx, org).await?;
        let Some(role) = org_store::role(&mut tx, org, caller).await? else { continue };
        if role == happening_api::Role::OrgAdmin {
            members::keep_an_admin(&mut tx, org, caller).await?;
        }
        org_store::delete_member(&mut tx, org, caller).await?;
        members::revoke_invites_of(&mut tx, app, org, caller, caller).await?;
        let details = serde_json::json!({ "role": role });
        let entry = Entry { action: "member_left", subject_type: "member", subject: caller.0, details };
        audit_log::write(&mut tx, org, caller, &entry, app.clock).await?;
    }
    if !store::future_bookings(&mut tx, caller).await?.is_empty() {
        return Ok(false);
    }
    store::anonymise(&mut tx, caller).await?;
    commit(tx).await?;
    app.known_users.forget(caller);
    Ok(true)
}
