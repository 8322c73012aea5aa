//! Reads events as a viewer sees them: a single one, or a list with filters.

use chrono::{DateTime, Utc};
use happening_api::{Category, Event, EventId, EventOrg, EventStatus, OrgId, UserId, Visibility};
use sqlx::PgConnection;

use crate::page::Page;

/// The filters of a list of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) only: Option<EventId>,
    pub(crate) org: Option<OrgId>,
    pub(crate) category: Option<Category>,
    pub(crate) status: Option<EventStatus>,
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
    /// An `ilike` pattern for name, description and place.
    pub(crate) text: Option<String>,
    /// Only events that the viewer owns.
    pub(crate) mine: bool,
}

impl Filter {
    /// Whether the list is limited to events that are not over: so unless a status or a date is given.
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

/// Lists events that the viewer may see, ordered by date.
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
            e.category as "category: Category", e.place, e.time_zone, e.event_date, e.ends_at,
            coalesce(e.raising_to, e.total_slots) as "total_slots!",
            e.available_slots, event_status(e.status, e.event_date, e.ends_at, now()) as "status!: EventStatus",
            e.visibility as "visibility: Visibility", e.max_seats_per_user,
            e.waiting_bookings, e.waiting_seats,
            case when m.role = 'orgAdmin' or (m.role = 'organizer' and e.owner_id = $1) then e.people::bigint end as people,
            e.version, e.created_at, e.updated_at
        from events e join organizations o on o.id = e.org_id
        left join organization_users m on m.org_id = e.org_id and m.user_id = $1
        where e.deleted_at is null and ($2::uuid is null or e.id = $2) and ($3::uuid is null or e.org_id = $3)
            and ($4::text is null or e.category = $4)
            and ($5::text is null or event_status(e.status, e.event_date, e.ends_at, now()) = $5)
            and ($6::timestamptz is null or e.event_date >= $6) and ($7::timestamptz is null or e.event_date <= $7)
            and ($8::text is null or event_text(e.name, e.description, e.place) ilike $8)
            and (not $9 or e.owner_id = $1)
            and (not $10 or e.status in ('upcoming', 'ongoing') and event_status(e.status, e.event_date, e.ends_at, now()) in ('upcoming', 'ongoing'))
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
        filter.text.as_deref(),
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

/// How many events match the same filters.
pub(crate) async fn count(conn: &mut PgConnection, viewer: UserId, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from events e join organizations o on o.id = e.org_id
        left join organization_users m on m.org_id = e.org_id and m.user_id = $1
        where e.deleted_at is null and ($2::uuid is null or e.org_id = $2) and ($3::text is null or e.category = $3)
            and ($4::text is null or event_status(e.status, e.event_date, e.ends_at, now()) = $4)
            and ($5::timestamptz is null or e.event_date >= $5) and ($6::timestamptz is null or e.event_date <= $6)
            and ($7::text is null or event_text(e.name, e.description, e.place) ilike $7)
            and (not $8 or e.owner_id = $1)
            and (not $9 or e.status in ('upcoming', 'ongoing') and event_status(e.status, e.event_date, e.ends_at, now()) in ('upcoming', 'ongoing'))
            and ((e.visibility = 'public' and o.deleted_at is null) or m.user_id is not null or exists (select from bookings b
                where b.user_id = $1 and b.event_id = e.id and b.status <> 'cancelled'))"#,
        viewer.0,
        filter.org.map(|id| id.0),
        filter.category as Option<Category>,
        filter.status as Option<EventStatus>,
        filter.from,
        filter.to,
        filter.text.as_deref(),
        filter.mine,
        filter.only_current()
    )
    .fetch_one(conn)
    .await
}

/// One event as the viewer sees it. `None` when it does not exist or the viewer may not see it.
pub(crate) async fn find(conn: &mut PgConnection, viewer: UserId, event: EventId) -> sqlx::Result<Option<Event>> {
    let filter = Filter { only: Some(event), ..Filter::default() };
    Ok(list(conn, viewer, &filter, &Page::single()).await?.pop())
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
