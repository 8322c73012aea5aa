//! Facts about a booking that an operation needs before it asks for a change of the booking.

use happening_api::{BookingId, EventId, Role, UserId};
use sqlx::PgConnection;

use crate::access;
use crate::database::lookup::{Wanted, in_order};

/// Identifies a booking, its event and its person.
#[derive(Clone, Debug)]
pub(crate) struct BookingRow {
    pub(crate) id: BookingId,
    pub(crate) event_id: EventId,
    pub(crate) user_id: UserId,
}

/// A booking id that a caller sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfCaller {
    pub(crate) booking: BookingId,
    pub(crate) caller: UserId,
}

/// The booking, and whether the caller is staff of its event. `None` when the booking does not exist or its event was deleted.
///
/// Event and role are looked up even when the booking does not exist, so that the time of an answer does not reveal whether it does.
impl Wanted for OfCaller {
    type Found = Option<(BookingRow, bool)>;

    async fn find_all(conn: &mut PgConnection, wanted: &[Self]) -> sqlx::Result<Vec<Self::Found>> {
        let rows = sqlx::query!(
            r#"select w.n as "n!", b.id as "id?: BookingId", b.event_id as "event_id?: EventId", b.user_id as "user_id?: UserId",
                coalesce(e.owner_id = w.caller, false) as "owner!", e.deleted_at, m.role as "role?: Role"
            from unnest($1::uuid[], $2::uuid[]) with ordinality as w (booking, caller, n)
            left join lateral (select id, event_id, user_id from bookings where id = w.booking limit 1) as b on true
            left join lateral (select org_id, owner_id, deleted_at from events where id = coalesce(b.event_id, w.booking) limit 1) as e on true
            left join lateral (select role from organization_users where org_id = coalesce(e.org_id, w.booking) and user_id = w.caller
                limit 1) as m on true"#,
            &wanted.iter().map(|one| one.booking.0).collect::<Vec<_>>(),
            &wanted.iter().map(|one| one.caller.0).collect::<Vec<_>>()
        )
        .fetch_all(conn)
        .await?;
        let found = rows.into_iter().map(|row| {
            let booking = row.id.zip(row.event_id).zip(row.user_id).filter(|_| row.deleted_at.is_none());
            let staff = access::staff(row.role, row.owner);
            (row.n, booking.map(|((id, event_id), user_id)| (BookingRow { id, event_id, user_id }, staff)))
        });
        Ok(in_order(wanted.len(), found))
    }
}

/// Whether staff may book for a person: the person must have an account, and be a member of the event's organization or have booked
/// at the event before. Also true when the booking exists already, made by a copy of the same call, whatever has happened to its
/// person since.
pub(crate) async fn may_be_booked_for(
    conn: &mut PgConnection,
    event: EventId,
    person: UserId,
    booking: BookingId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from bookings where id = $3) or exists (select from users u
            where u.id = $2 and u.deleted_at is null
                and (exists (select from organization_users m join events e on e.org_id = m.org_id where e.id = $1 and m.user_id = u.id)
                    or exists (select from bookings b where b.event_id = $1 and b.user_id = u.id))) as "may!""#,
        event.0,
        person.0,
        booking.0
    )
    .fetch_one(conn)
    .await
}
