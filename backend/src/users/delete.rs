//! Deletes the caller: ends their future bookings and their memberships, and removes everything that identifies them.

use std::time::Duration;

use happening_api::{BookingId, UserId};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::known::KnownUsers;
use super::store;
use crate::app::App;
use crate::audit_log::{self, Entry};
use crate::bookings;
use crate::bookings::store::OfCaller;
use crate::clock::Clock;
use crate::database;
use crate::database::lookup::Lookup;
use crate::idempotency::commit;
use crate::organizations::{members, store as org_store};
use crate::problem::Problem;
use crate::seats::Seats;

/// How often the caller's bookings are cancelled, since new ones may be made meanwhile.
const ROUNDS_MAX: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The parts of the server that a deletion needs.
#[derive(Clone)]
pub(crate) struct Parts {
    pool: PgPool,
    clock: Clock,
    seats: Seats,
    bookings: Lookup<OfCaller>,
    known_users: KnownUsers,
}

impl Parts {
    /// The parts of a server.
    pub(crate) fn of(app: &App) -> Self {
        Self {
            pool: app.pool.clone(),
            clock: app.clock,
            seats: app.seats.clone(),
            bookings: app.bookings.clone(),
            known_users: app.known_users.clone(),
        }
    }

    async fn cancel(&self, person: UserId, booking: BookingId, request_id: &str) -> Result<(), Problem> {
        bookings::cancel_own(&self.seats, &self.bookings, self.clock, person, booking, request_id).await
    }
}

/// Deletes the caller. Bookings are cancelled first, each in a transaction of its own, so that their seats go to the waitlist. When a
/// later step fails, the person still exists and can ask again.
///
/// # Errors
/// `last_admin`, 401 when the caller was deleted already, 503.
pub(super) async fn delete(parts: &Parts, caller: UserId, request_id: &str) -> Result<(), Problem> {
    check_admins(&parts.pool, caller).await?;
    for _ in 0..ROUNDS_MAX {
        let open = store::future_bookings(&mut *database::conn(&parts.pool).await?, caller).await?;
        for booking in open {
            parts.cancel(caller, booking, request_id).await?;
        }
        if end(parts, caller).await? {
            return Ok(());
        }
    }
    Err(Problem::unavailable(anyhow::anyhow!("the person went on booking while they were deleted")))
}

/// Periodically, until `stop`, cancels bookings that were made while their person was being deleted. Every server does this; when one
/// has cancelled them, the others find nothing.
pub(crate) async fn cancel_late_bookings(parts: Parts, stop: CancellationToken) {
    while tokio::time::timeout(LOOK_EVERY, stop.cancelled()).await.is_err() {
        if let Err(error) = cancel_late(&parts).await {
            tracing::warn!(?error, "late bookings of deleted people are looked for later");
        }
    }
}

async fn cancel_late(parts: &Parts) -> Result<(), Problem> {
    let late = store::late_bookings(&mut *database::conn(&parts.pool).await?).await?;
    for (person, booking) in late {
        // a failure at one booking must not block the others
        if let Err(error) = parts.cancel(person, booking, &parts.clock.new_id().to_string()).await {
            tracing::warn!(%booking, ?error, "a late booking of a deleted person is cancelled later");
        }
    }
    Ok(())
}

/// Refuses the last orgAdmin of an organization before anything is cancelled.
async fn check_admins(pool: &PgPool, caller: UserId) -> Result<(), Problem> {
    let mut conn = database::conn(pool).await?;
    for org in store::organizations(&mut conn, caller).await? {
        if org_store::role(&mut conn, org, caller).await? == Some(happening_api::Role::OrgAdmin) {
            members::keep_an_admin(&mut conn, org, caller).await?;
        }
    }
    Ok(())
}

/// Deletes the person's memberships and identity. False when there is a booking that must be cancelled first.
async fn end(parts: &Parts, caller: UserId) -> Result<bool, Problem> {
    let mut tx = parts.pool.begin().await?;
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
        members::revoke_invites_of(&mut tx, parts.clock, org, caller, caller).await?;
        let details = serde_json::json!({ "role": role });
        let entry = Entry { action: "member_left", subject_type: "member", subject: caller.0, details };
        audit_log::write(&mut tx, org, caller, &entry, parts.clock).await?;
    }
    if !store::future_bookings(&mut tx, caller).await?.is_empty() {
        return Ok(false);
    }
    store::anonymise(&mut tx, caller).await?;
    commit(tx).await?;
    parts.known_users.forget(caller);
    Ok(true)
}
