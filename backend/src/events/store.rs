//! Rows of events: relations of people to them, writing them, reading them for an edit. `views` reads events for a viewer; `ending`
//! has the SQL for their end.

use chrono::{DateTime, Utc};
use happening_api::{Category, CreateEvent, EventId, EventStatus, OrgId, Role, UserId, Visibility};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::{self, Access, EventAction, EventStanding};
use crate::database;
use crate::problem::Problem;

/// The relation of a person to an event, and the event's organization. `None` when the event does not exist.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    event: EventId,
    user: UserId,
) -> sqlx::Result<Option<(OrgId, EventStanding)>> {
    // This counts instead of using `exists`: for `exists` the planner expects to find a row at once, and so reads the whole table
    // when there is none.
    let row = sqlx::query!(
        r#"select e.org_id, e.owner_id, m.role as "role?: Role",
            case when o.deleted_at is null then e.visibility else 'members' end as "visibility!: Visibility",
            (select count(*) from bookings b where b.user_id = $2 and b.event_id = e.id and b.status <> 'cancelled') > 0
                as "has_booking!"
        from events e join organizations o on o.id = e.org_id
        left join organization_users m on m.org_id = e.org_id and m.user_id = $2 where e.id = $1 and e.deleted_at is null"#,
        event.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let standing = EventStanding {
            visibility: row.visibility,
            role: row.role,
            owner: row.owner_id == user.0,
            has_booking: row.has_booking,
        };
        (row.org_id.into(), standing)
    }))
}

/// Inserts an event whose seats are all free.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: EventId,
    owner: UserId,
    event: &CreateEvent,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into events (id, org_id, created_by, owner_id, name, description, category, place, time_zone, event_date,
            ends_at, total_slots, available_slots, visibility, max_seats_per_user)
        values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13)",
        id.0,
        event.org_id.0,
        owner.0,
        event.name.trim(),
        event.description,
        event.category as Option<Category>,
        event.place,
        event.time_zone,
        event.event_date,
        event.ends_at,
        event.total_slots,
        event.visibility as Visibility,
        event.max_seats_per_user
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The columns of an event that an edit can change, read while the event's row is locked.
#[derive(Clone, Debug)]
pub(crate) struct Editable {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Option<Category>,
    pub(crate) place: Option<String>,
    pub(crate) time_zone: String,
    pub(crate) event_date: DateTime<Utc>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) total_slots: i32,
    pub(crate) visibility: Visibility,
    pub(crate) max_seats_per_user: Option<i32>,
    pub(crate) owner_id: UserId,
    pub(crate) version: i64,
    /// The status at this moment, by the database's clock.
    pub(crate) status: EventStatus,
}

/// Reads the editable columns.
pub(crate) async fn editable(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Editable> {
    sqlx::query_as!(
        Editable,
        r#"select name, description, category as "category: Category", place, time_zone, event_date, ends_at,
            coalesce(raising_to, total_slots) as "total_slots!", visibility as "visibility: Visibility", max_seats_per_user, owner_id as "owner_id: UserId", version,
            event_status(status, event_date, ends_at, clock_timestamp()) as "status!: EventStatus"
        from events where id = $1"#,
        event.0
    )
    .fetch_one(conn)
    .await
}

/// Writes the editable columns other than the capacity, which the seat writer changes. Increments the event's version.
pub(crate) async fn update(conn: &mut PgConnection, event: EventId, new: &Editable) -> sqlx::Result<()> {
    sqlx::query!(
        "update events set name = $2, description = $3, category = $4, place = $5, time_zone = $6, event_date = $7,
            ends_at = $8, visibility = $9, max_seats_per_user = $10, owner_id = $11, version = version + 1, updated_at = now()
        where id = $1",
        event.0,
        new.name,
        new.description,
        new.category as Option<Category>,
        new.place,
        new.time_zone,
        new.event_date,
        new.ends_at,
        new.visibility as Visibility,
        new.max_seats_per_user,
        new.owner_id.0
    )
    .execute(conn)
    .await
    .and_then(database::one_row)
}

/// The seats of an event at one moment, for a viewer.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    pub(crate) total: i32,
    pub(crate) version: i64,
    /// Together with `version` it names the state to which `taken` belongs; see the seat writer.
    pub(crate) head: Uuid,
    /// In ascending order.
    pub(crate) taken: Vec<i32>,
    /// The viewer's seats, in ascending order.
    pub(crate) mine: Vec<i32>,
}

/// The taken seats of an event and those of a viewer, read in one statement so that they belong to the same moment. When the state's
/// head is still `known_head`, `taken` is left empty, since the caller has it in its cache.
pub(crate) async fn seats(
    conn: &mut PgConnection,
    event: EventId,
    viewer: UserId,
    known_head: Option<Uuid>,
) -> sqlx::Result<Option<Seats>> {
    sqlx::query_as!(
        Seats,
        r#"select total_slots as total, seat_version as version, seat_head as head,
            case when seat_head = $3 then '{}' else array(select seat_no from booking_seats s
                where s.event_id = e.id and s.status = 'booked' order by seat_no) end as "taken!",
            array(select s.seat_no from bookings b join booking_seats s on s.booking_id = b.id and s.status = 'booked'
                where b.user_id = $2 and b.event_id = e.id and b.status <> 'cancelled' order by s.seat_no) as "mine!"
        from events e where id = $1"#,
        event.0,
        viewer.0,
        known_head
    )
    .fetch_optional(conn)
    .await
}

/// Checks once more, while the event's row is locked, whether the caller may manage the event: the right may have ended since the
/// request was admitted.
///
/// # Errors
/// 403 or 404.
pub(crate) async fn still_staff(conn: &mut PgConnection, event: EventId, caller: UserId) -> Result<(), Problem> {
    let (_, standing) = standing(conn, event, caller).await?.ok_or_else(Problem::not_found)?;
    match access::event(EventAction::Manage, standing) {
        Access::Allowed => Ok(()),
        Access::Forbidden => Err(Problem::forbidden()),
        Access::Hidden => Err(Problem::not_found()),
    }
}
