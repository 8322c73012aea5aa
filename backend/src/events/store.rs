//! All SQL about events.

use chrono::{DateTime, Utc};
use happening_api::{Category, CreateEvent, Event, EventId, EventOrg, EventStatus, OrgId, Role, UserId, Visibility};
use sqlx::PgConnection;

use super::bookable::EventFacts;
use crate::access::{self, Access, EventAction, EventStanding};
use crate::http::{ApiError, ApiResult};
use crate::page::Page;

/// How a person stands to an event, and its organization; `None` when there is no such event.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    event: EventId,
    user: UserId,
) -> sqlx::Result<Option<(OrgId, EventStanding)>> {
    let row = sqlx::query!(
        r#"select e.org_id, e.owner_id, m.role as "role?",
            case when o.deleted_at is null then e.visibility else 'members' end as "visibility!: Visibility",
            exists (select from bookings b where b.user_id = $2 and b.event_id = e.id and b.status <> 'cancelled') as "has_booking!"
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
            role: row.role.as_deref().and_then(Role::parse),
            owner: row.owner_id == user.0,
            has_booking: row.has_booking,
        };
        (row.org_id.into(), standing)
    }))
}

/// What a booking must know of an event.
pub(crate) async fn facts(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<EventFacts>> {
    sqlx::query_as!(
        EventFacts,
        r#"select org_id as "org: OrgId", visibility as "visibility: Visibility", total_slots, max_seats_per_user, event_date,
            event_status(status, event_date, ends_at, clock_timestamp()) = 'upcoming' as "upcoming!"
        from events where id = $1 and deleted_at is null"#,
        event.0
    )
    .fetch_optional(conn)
    .await
}

/// A new event with all of its seats free.
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

/// Which events a list holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) only: Option<EventId>,
    pub(crate) org: Option<OrgId>,
    pub(crate) category: Option<Category>,
    pub(crate) status: Option<EventStatus>,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    /// In name, description or place.
    pub(crate) text: Option<String>,
    /// Owned by the viewer.
    pub(crate) mine: bool,
}

impl Filter {
    /// Without status and dates: only events that are not over.
    fn only_current(&self) -> bool {
        self.only.is_none() && self.status.is_none() && self.from.is_none() && self.to.is_none()
    }
}

struct Row {
    id: EventId,
    org_id: OrgId,
    org_name: String,
    created_by: UserId,
    owner_id: UserId,
    name: String,
    description: String,
    category: Option<Category>,
    place: Option<String>,
    time_zone: String,
    event_date: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    total_slots: i32,
    available_slots: i32,
    status: EventStatus,
    visibility: Visibility,
    max_seats_per_user: Option<i32>,
    waiting_bookings: i64,
    waiting_seats: i64,
    people: Option<i64>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Events that the viewer may see, by date.
pub(crate) async fn list(
    conn: &mut PgConnection,
    viewer: UserId,
    filter: &Filter,
    page: &Page,
) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select e.id as "id: EventId", e.org_id as "org_id: OrgId", o.name as org_name,
            e.created_by as "created_by: UserId", e.owner_id as "owner_id: UserId", e.name, e.description,
            e.category as "category: Category", e.place, e.time_zone, e.event_date, e.ends_at, e.total_slots,
            e.available_slots, event_status(e.status, e.event_date, e.ends_at, now()) as "status!: EventStatus",
            e.visibility as "visibility: Visibility", e.max_seats_per_user,
            waits.bookings as "waiting_bookings!", waits.seats as "waiting_seats!",
            case when m.role = 'orgAdmin' or (m.role = 'organizer' and e.owner_id = $1) then (
                select count(distinct b.user_id) from bookings b where b.event_id = e.id and b.status <> 'cancelled'
            ) end as people,
            e.version, e.created_at, e.updated_at
        from events e join organizations o on o.id = e.org_id
        left join organization_users m on m.org_id = e.org_id and m.user_id = $1
        cross join lateral (select count(*) as bookings, coalesce(sum(w.waiting_seats), 0) as seats from bookings w
            where w.event_id = e.id and w.waiting_order is not null) as waits
        where e.deleted_at is null and ($2::uuid is null or e.id = $2) and ($3::uuid is null or e.org_id = $3)
            and ($4::text is null or e.category = $4)
            and ($5::text is null or event_status(e.status, e.event_date, e.ends_at, now()) = $5)
            and ($6::timestamptz is null or e.event_date >= $6) and ($7::timestamptz is null or e.event_date <= $7)
            and ($8::text is null or event_text(e.name, e.description, e.place) ilike $8)
            and (not $9 or e.owner_id = $1)
            and (not $10 or event_status(e.status, e.event_date, e.ends_at, now()) in ('upcoming', 'ongoing'))
            and ((e.visibility = 'public' and o.deleted_at is null) or m.user_id is not null or exists (select from bookings b
                where b.user_id = $1 and b.event_id = e.id and b.status <> 'cancelled'))
            and ($11::timestamptz is null or (e.event_date, e.id) > ($11, $12))
        order by e.event_date, e.id limit $13"#,
        viewer.0,
        filter.only.map(|id| id.0),
        filter.org.map(|id| id.0),
        filter.category as Option<Category>,
        filter.status as Option<EventStatus>,
        filter.from,
        filter.to,
        filter.text.as_deref().map(like_pattern),
        filter.mine,
        filter.only_current(),
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(event_of).collect())
}

/// How many events that list has in all.
pub(crate) async fn count(conn: &mut PgConnection, viewer: UserId, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from events e join organizations o on o.id = e.org_id
        left join organization_users m on m.org_id = e.org_id and m.user_id = $1
        where e.deleted_at is null and ($2::uuid is null or e.org_id = $2) and ($3::text is null or e.category = $3)
            and ($4::text is null or event_status(e.status, e.event_date, e.ends_at, now()) = $4)
            and ($5::timestamptz is null or e.event_date >= $5) and ($6::timestamptz is null or e.event_date <= $6)
            and ($7::text is null or event_text(e.name, e.description, e.place) ilike $7)
            and (not $8 or e.owner_id = $1)
            and (not $9 or event_status(e.status, e.event_date, e.ends_at, now()) in ('upcoming', 'ongoing'))
            and ((e.visibility = 'public' and o.deleted_at is null) or m.user_id is not null or exists (select from bookings b
                where b.user_id = $1 and b.event_id = e.id and b.status <> 'cancelled'))"#,
        viewer.0,
        filter.org.map(|id| id.0),
        filter.category as Option<Category>,
        filter.status as Option<EventStatus>,
        filter.from,
        filter.to,
        filter.text.as_deref().map(like_pattern),
        filter.mine,
        filter.only_current()
    )
    .fetch_one(conn)
    .await
}

/// One event as the viewer sees it; `None` when it does not exist or they may not see it.
pub(crate) async fn find(conn: &mut PgConnection, viewer: UserId, event: EventId) -> sqlx::Result<Option<Event>> {
    let filter = Filter { only: Some(event), ..Filter::default() };
    Ok(list(conn, viewer, &filter, &Page::single()).await?.pop())
}

fn like_pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn event_of(row: Row) -> Event {
    Event {
        id: row.id,
        org_id: row.org_id,
        org: EventOrg { id: row.org_id, name: row.org_name },
        created_by: row.created_by,
        owner_id: row.owner_id,
        name: row.name,
        description: row.description,
        category: row.category,
        place: row.place,
        time_zone: row.time_zone,
        event_date: row.event_date,
        ends_at: row.ends_at,
        total_slots: row.total_slots,
        available_slots: row.available_slots,
        status: row.status,
        visibility: row.visibility,
        max_seats_per_user: row.max_seats_per_user,
        waiting_bookings: row.waiting_bookings,
        waiting_seats: row.waiting_seats,
        people: row.people,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// An event's editable columns, read under its lock.
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
    /// By the database's clock.
    pub(crate) status: EventStatus,
}

/// The editable columns.
pub(crate) async fn editable(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Editable> {
    sqlx::query_as!(
        Editable,
        r#"select name, description, category as "category: Category", place, time_zone, event_date, ends_at, total_slots,
            visibility as "visibility: Visibility", max_seats_per_user, owner_id as "owner_id: UserId", version,
            event_status(status, event_date, ends_at, clock_timestamp()) as "status!: EventStatus"
        from events where id = $1"#,
        event.0
    )
    .fetch_one(conn)
    .await
}

/// Writes the editable columns; `more_slots` is the change of the capacity. Counts the edit.
pub(crate) async fn update(
    conn: &mut PgConnection,
    event: EventId,
    new: &Editable,
    more_slots: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update events set name = $2, description = $3, category = $4, place = $5, time_zone = $6, event_date = $7,
            ends_at = $8, total_slots = $9, available_slots = available_slots + $10, visibility = $11,
            max_seats_per_user = $12, owner_id = $13, version = version + 1, updated_at = now()
        where id = $1",
        event.0,
        new.name,
        new.description,
        new.category as Option<Category>,
        new.place,
        new.time_zone,
        new.event_date,
        new.ends_at,
        new.total_slots,
        more_slots,
        new.visibility as Visibility,
        new.max_seats_per_user,
        new.owner_id.0
    )
    .execute(conn)
    .await
    .map(drop)
}

/// People with an active booking.
pub(crate) async fn people(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"select distinct user_id as "id: UserId" from bookings where event_id = $1 and status <> 'cancelled'"#,
        event.0
    )
    .fetch_all(conn)
    .await
}

/// An event's seats at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    pub(crate) total: i32,
    pub(crate) version: i64,
    /// Ascending.
    pub(crate) taken: Vec<i32>,
    /// The viewer's, ascending.
    pub(crate) mine: Vec<i32>,
}

/// The seats of an event and of a viewer, in one statement so that they belong together. When the seat version is still
/// `known_version`, `taken` stays empty: the caller remembers it.
pub(crate) async fn seats(
    conn: &mut PgConnection,
    event: EventId,
    viewer: UserId,
    known_version: Option<i64>,
) -> sqlx::Result<Option<Seats>> {
    sqlx::query_as!(
        Seats,
        r#"select total_slots as total, seat_version as version,
            case when seat_version = $3 then '{}' else array(select seat_no from booking_seats s
                where s.event_id = e.id and s.status = 'booked' order by seat_no) end as "taken!",
            array(select s.seat_no from bookings b join booking_seats s on s.booking_id = b.id and s.status = 'booked'
                where b.user_id = $2 and b.event_id = e.id and b.status <> 'cancelled' order by s.seat_no) as "mine!"
        from events e where id = $1"#,
        event.0,
        viewer.0,
        known_version
    )
    .fetch_optional(conn)
    .await
}

/// For a transaction that touches every booking of an event.
pub(crate) async fn allow_long_statements(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set local statement_timeout = '60s'").execute(conn).await.map(drop)
}

/// Ends an event and its active bookings, with a row of history and a message for each. Answers how many there were.
pub(crate) async fn cancel(
    conn: &mut PgConnection,
    event: EventId,
    actor: UserId,
    now: DateTime<Utc>,
    request_id: &str,
) -> sqlx::Result<i64> {
    let bookings = sqlx::query_scalar!(
        r#"with active as (
            select b.id, b.user_id, array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked'
                order by seat_no) as seats
            from bookings b where b.event_id = $1 and b.status <> 'cancelled'
        ), freed as (
            update booking_seats set status = 'released' where event_id = $1 and status = 'booked'
        ), ended as (
            update bookings b set status = 'cancelled', waiting_seats = 0, waiting_order = null, updated_at = $3
            from active a where b.id = a.id
        ), history as (
            insert into booking_history (id, booking_id, event_id, action, seats, seat_numbers, actor_id, created_at)
            select gen_random_uuid(), id, $1, 'cancelled', cardinality(seats), seats, $2, $3 from active
        ), told as (
            insert into outbox (id, payload, created_at)
            select x.id, jsonb_build_object('id', x.id, 'type', 'event_cancelled', 'eventId', $1::uuid, 'userId', x.user_id,
                'bookingId', x.booking, 'seats', cardinality(x.seats), 'seatNumbers', to_jsonb(x.seats), 'occurredAt', $3::timestamptz,
                'requestId', $4::text), $3
            from (select gen_random_uuid() as id, id as booking, user_id, seats from active) as x
        )
        select count(*) as "count!" from active"#,
        event.0,
        actor.0,
        now,
        request_id
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update events set status = 'cancelled', version = version + 1, updated_at = $2, available_slots = total_slots,
            seat_version = seat_version + 1 where id = $1",
        event.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(bookings)
}

/// Whether somebody holds or waits for seats.
pub(crate) async fn has_active_bookings(conn: &mut PgConnection, event: EventId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from bookings where event_id = $1 and status <> 'cancelled') as "has!""#,
        event.0
    )
    .fetch_one(conn)
    .await
}

/// Hides an event. Its row takes no bookings any more, and nobody finds it.
pub(crate) async fn hide(conn: &mut PgConnection, event: EventId) -> sqlx::Result<()> {
    sqlx::query!(
        "update events set deleted_at = now(), version = version + 1, updated_at = now(),
            status = case when event_status(status, event_date, ends_at, now()) = 'completed' then 'completed' else 'cancelled' end
        where id = $1",
        event.0
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An event that was hidden so many days ago, if there is one.
pub(crate) async fn hidden_for(conn: &mut PgConnection, days: i32) -> sqlx::Result<Option<EventId>> {
    sqlx::query_scalar!(
        r#"select id as "id: EventId" from events where deleted_at < now() - make_interval(days => $1) order by deleted_at limit 1"#,
        days
    )
    .fetch_optional(conn)
    .await
}

/// Removes a hidden event with what is left of its bookings.
pub(crate) async fn remove(conn: &mut PgConnection, event: EventId) -> sqlx::Result<()> {
    sqlx::query!("delete from booking_seats s using bookings b where b.event_id = $1 and s.booking_id = b.id", event.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "delete from booking_history h using bookings b where b.event_id = $1 and h.booking_id = b.id",
        event.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from bookings where event_id = $1", event.0).execute(&mut *conn).await?;
    sqlx::query!("delete from events where id = $1", event.0).execute(conn).await.map(drop)
}

/// Looks again, under the event's lock, whether the caller may manage it: a membership may have ended meanwhile.
///
/// # Errors
/// 403 or 404.
pub(crate) async fn still_staff(conn: &mut PgConnection, event: EventId, caller: UserId) -> ApiResult<()> {
    let (_, standing) = standing(conn, event, caller).await?.ok_or_else(ApiError::not_found)?;
    match access::event(EventAction::Manage, standing) {
        Access::Allowed => Ok(()),
        Access::Forbidden => Err(ApiError::forbidden()),
        Access::Hidden => Err(ApiError::not_found()),
    }
}
