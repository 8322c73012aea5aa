//! Creates a copy of an event, on a new date and without bookings.

use happening_api::{CreateEvent, DuplicateEvent, EventId, UserId};
use sqlx::PgPool;

use super::{create, views};
use crate::clock::Clock;
use crate::database;
use crate::idempotency::{Call, Made};
use crate::problem::Problem;

/// Duplicates the event; the caller owns the copy.
///
/// # Errors
/// As for creating an event.
pub(super) async fn duplicate(
    pool: &PgPool,
    clock: Clock,
    caller: UserId,
    of: EventId,
    body: DuplicateEvent,
    call: &Call,
) -> Result<Made, Problem> {
    let mut conn = database::conn(pool).await?;
    let old = views::find(&mut conn, caller, of).await?.ok_or_else(Problem::not_found)?;
    drop(conn);
    let event = CreateEvent {
        org_id: old.org_id,
        name: body.name.unwrap_or(old.name),
        description: old.description,
        category: old.category,
        place: old.place,
        time_zone: old.time_zone,
        event_date: body.event_date,
        ends_at: body.ends_at,
        total_slots: old.total_slots,
        visibility: old.visibility,
        max_seats_per_user: old.max_seats_per_user,
    };
    create::create(pool, clock, caller, &event, call).await
}
