//! Deletes the caller: ends their future bookings and their memberships, and removes everything that identifies them.

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

/// How often the caller's bookings are cancelled, since new ones may be made meanwhile.
const ROUNDS_MAX: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Deletes the caller. Bookings are cancelled first, each in a transaction of its own, so that their seats go to the waitlist. When a
/// later step fails, the person still exists and can ask again.
///
/// # Errors
/// `last_admin`, 401 when the caller was deleted already, 503.
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

/// Periodically, until `stop`, cancels bookings that were made while their person was being deleted. Every server does this; when one
/// has cancelled them, the others find nothing.
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
        // a failure at one booking must not block the others
        if let Err(error) = bookings::cancel_own(app, person, booking, &app.clock.new_id().to_string()).await {
            tracing::warn!(%booking, ?error, "a late booking of a deleted person is cancelled later");
        }
    }
    Ok(())
}

/// Refuses the last orgAdmin of an organization before anything is cancelled.
async fn check_admins(app: &App, caller: UserId) -> Result<(), Problem> {
    let mut conn = app.conn().await?;
    for org in store::organizations(&mut conn, caller).await? {
        if org_store::role(&mut conn, org, caller).await? == Some(happening_api::Role::OrgAdmin) {
            members::keep_an_admin(&mut conn, org, caller).await?;
        }
    }
    Ok(())
}

/// Deletes the person's memberships and identity. False when there is a booking that must be cancelled first.
async fn end(app: &App, caller: UserId) -> Result<bool, Problem> {
    let mut tx = app.pool.begin().await?;
    // while this lock is held, no membership can be added, since its foreign key would lock the same row
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
