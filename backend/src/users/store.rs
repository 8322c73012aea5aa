//! SQL about people.

use chrono::{DateTime, Utc};
use happening_api::{BookingId, Channels, OrgId, UpdateUser, User, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::auth::Claims;
use crate::clock::Clock;
use crate::database;
use crate::database::lookup::{Wanted, in_order};

struct Row {
    id: UserId,
    keycloak_id: String,
    name: String,
    email: String,
    email_verified: bool,
    locale: Option<String>,
    time_zone: Option<String>,
    channels: Json<Channels>,
    created_at: DateTime<Utc>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            keycloak_id: row.keycloak_id,
            name: row.name,
            email: row.email,
            email_verified: row.email_verified,
            locale: row.locale,
            time_zone: row.time_zone,
            channels: row.channels.0,
            created_at: row.created_at,
        }
    }
}

/// The hash of a `sub`, which is all that is kept of a deleted person's.
fn hash(sub: &str) -> Vec<u8> {
    Sha256::digest(sub).to_vec()
}

/// The result of looking up the person of a token.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// The person; `made` says that this call created the user row.
    Person { user: Box<User>, made: bool },
    /// The session of the token began before its person was deleted.
    Ended,
}

/// What a token says about its person, to be compared with the user row.
#[derive(Clone, Debug)]
pub(crate) struct Unchanged {
    sub: String,
    email: String,
    email_verified: bool,
    hash: Vec<u8>,
}

impl Unchanged {
    pub(crate) fn of(claims: &Claims) -> Self {
        let (sub, email) = (claims.sub.clone(), claims.email.clone());
        Self { hash: hash(&sub), sub, email, email_verified: claims.email_verified }
    }
}

/// The person whose user row equals the token, and whose `sub` was not deleted recently. `None` when [`find_or_create`] must decide.
impl Wanted for Unchanged {
    type Found = Option<UserId>;

    async fn find_all(conn: &mut PgConnection, wanted: &[Self]) -> sqlx::Result<Vec<Option<UserId>>> {
        let rows = sqlx::query!(
            r#"select w.n as "n!", u.id as "id: UserId"
            from unnest($1::text[], $2::text[], $3::bool[], $4::bytea[]) with ordinality as w (sub, email, email_verified, hash, n)
            cross join lateral (select id from users where keycloak_id = w.sub and (email, email_verified) = (w.email, w.email_verified)
                and not exists (select from ended_identities where keycloak_id_hash = w.hash) limit 1) as u"#,
            &wanted.iter().map(|one| one.sub.clone()).collect::<Vec<_>>(),
            &wanted.iter().map(|one| one.email.clone()).collect::<Vec<_>>(),
            &wanted.iter().map(|one| one.email_verified).collect::<Vec<_>>(),
            &wanted.iter().map(|one| one.hash.clone()).collect::<Vec<_>>()
        )
        .fetch_all(conn)
        .await?;
        Ok(in_order(wanted.len(), rows.into_iter().map(|row| (row.n, Some(row.id)))))
    }
}

/// Finds the person of a token, or creates the user row. Of any number of concurrent calls, one creates it. The token decides whether
/// the e-mail address is verified.
pub(crate) async fn find_or_create(conn: &mut PgConnection, claims: &Claims, clock: Clock) -> sqlx::Result<Found> {
    let name: String = claims.display_name().chars().filter(|c| !c.is_control()).take(200).collect();
    let found = sqlx::query!(
        r#"select id as "id!: UserId", keycloak_id as "keycloak_id!", name as "name!", email as "email!",
            email_verified as "email_verified!", locale, time_zone, channels as "channels!: Json<Channels>",
            created_at as "created_at!", made as "made!" from person_of_token($1, $2, $3, $4, $5, $6, $7)"#,
        clock.new_id(),
        claims.sub,
        hash(&claims.sub),
        claims.auth_time,
        name,
        claims.email,
        claims.email_verified
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = found else { return Ok(Found::Ended) };
    let user = User {
        id: row.id,
        keycloak_id: row.keycloak_id,
        name: row.name,
        email: row.email,
        email_verified: row.email_verified,
        locale: row.locale,
        time_zone: row.time_zone,
        channels: row.channels.0,
        created_at: row.created_at,
    };
    Ok(Found::Person { user: Box::new(user), made: row.made })
}

/// The person with this `sub`, if the viewer is that person, or administers an organization of which they are a member. Only the
/// person sees their own settings.
pub(crate) async fn find_for(conn: &mut PgConnection, viewer: UserId, keycloak_id: &str) -> sqlx::Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: UserId", keycloak_id, name, email, email_verified,
            case when u.id = $1 then locale end as locale, case when u.id = $1 then time_zone end as time_zone,
            case when u.id = $1 then channels else '{}' end as "channels!: Json<Channels>", created_at from users u
        where keycloak_id = $2 and (u.id = $1 or exists (
            select from organization_users mine join organization_users theirs on theirs.org_id = mine.org_id
            where mine.user_id = $1 and mine.role = 'orgAdmin' and theirs.user_id = u.id))"#,
        viewer.0,
        keycloak_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// The person with this id.
pub(crate) async fn find(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: UserId", keycloak_id, name, email, email_verified, locale, time_zone,
            channels as "channels: Json<Channels>", created_at from users where id = $1 and deleted_at is null"#,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// Changes the fields that are set; of the channels, only the types that are named.
pub(crate) async fn update(conn: &mut PgConnection, user: UserId, body: &UpdateUser) -> sqlx::Result<()> {
    let channels = body.channels.clone().unwrap_or_default();
    sqlx::query!(
        "update users set name = coalesce($2, name), locale = case when $3 then $4 else locale end,
            time_zone = case when $5 then $6 else time_zone end, channels = channels || $7, updated_at = now()
        where id = $1 and deleted_at is null",
        user.0,
        body.name.as_deref().map(str::trim),
        body.locale.is_some(),
        body.locale.clone().flatten(),
        body.time_zone.is_some(),
        body.time_zone.clone().flatten(),
        Json(channels) as Json<Channels>
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Locks a person's row, which prevents new memberships. False when the person was deleted.
pub(crate) async fn lock(conn: &mut PgConnection, user: UserId) -> sqlx::Result<bool> {
    let row = sqlx::query!("select 1 as one from users where id = $1 and deleted_at is null for update", user.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// The organizations of which a person is a member, in the order in which they must be locked.
pub(crate) async fn organizations(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<OrgId>> {
    sqlx::query_scalar!(
        r#"select org_id as "org: OrgId" from organization_users where user_id = $1 order by org_id"#,
        user.0
    )
    .fetch_all(conn)
    .await
}

/// A person's active bookings of events that have not started.
pub(crate) async fn future_bookings(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Vec<BookingId>> {
    sqlx::query_scalar!(
        r#"select b.id as "id: BookingId" from bookings b join events e on e.id = b.event_id
        where b.user_id = $1 and b.status <> 'cancelled'
            and event_status(e.status, e.event_date, e.ends_at, clock_timestamp()) = 'upcoming'"#,
        user.0
    )
    .fetch_all(conn)
    .await
}

/// Active bookings, of events that have not started, by people who were deleted in the last 7 days.
pub(crate) async fn late_bookings(conn: &mut PgConnection) -> sqlx::Result<Vec<(UserId, BookingId)>> {
    let rows = sqlx::query!(
        r#"select b.user_id as "user: UserId", b.id as "id: BookingId" from users u join bookings b on b.user_id = u.id
        join events e on e.id = b.event_id
        where u.deleted_at > now() - interval '7 days' and b.status <> 'cancelled' and e.deleted_at is null
            and event_status(e.status, e.event_date, e.ends_at, clock_timestamp()) = 'upcoming'"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.id)).collect())
}

/// Removes everything that identifies a person, and ends their sessions. The row stays, because others refer to it.
pub(crate) async fn anonymise(conn: &mut PgConnection, user: UserId) -> sqlx::Result<()> {
    let row = sqlx::query!("select keycloak_id, email from users where id = $1 for update", user.0)
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into ended_identities (keycloak_id_hash, ended_at) values ($1, now())
        on conflict (keycloak_id_hash) do update set ended_at = excluded.ended_at",
        hash(&row.keycloak_id)
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update organization_invites set email = '' where lower(email) = lower($1::text collate happening) and status <> 'pending'",
        row.email
    )
    .execute(&mut *conn)
    .await?;
    // texts that the person wrote, and texts that were written to them
    sqlx::query!(
        "update booking_history set reason = null
        where reason is not null and booking_id in (select id from bookings where user_id = $1)",
        user.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from notifications where user_id = $1", user.0).execute(&mut *conn).await?;
    sqlx::query!("delete from idempotency_keys where user_id = $1", user.0).execute(&mut *conn).await?;
    sqlx::query!(
        "update users set keycloak_id = 'deleted:' || id, name = 'Deleted person', email = '', email_verified = false,
            locale = null, time_zone = null, channels = '{}', deleted_at = now(), updated_at = now() where id = $1",
        user.0
    )
    .execute(conn)
    .await
    .and_then(database::one_row)
}

/// Everything that is kept about a person, row by row as it is kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Export {
    #[schema(value_type = Object)]
    pub(crate) user: Value,
    #[schema(value_type = Vec<Object>)]
    pub(crate) memberships: Vec<Value>,
    /// With seats and history.
    #[schema(value_type = Vec<Object>)]
    pub(crate) bookings: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub(crate) notifications: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub(crate) events_owned: Vec<Value>,
    /// Also those that belong to another person now.
    #[schema(value_type = Vec<Object>)]
    pub(crate) events_created: Vec<Value>,
    /// To the person's address, once it is verified.
    #[schema(value_type = Vec<Object>)]
    pub(crate) invites_received: Vec<Value>,
    /// What the audit log says that was done to the person's memberships, without who did it.
    #[schema(value_type = Vec<Object>)]
    pub(crate) changes_to_you: Vec<Value>,
    #[schema(value_type = Vec<Object>)]
    pub(crate) invites_sent: Vec<Value>,
    /// What the audit log says that the person did.
    #[schema(value_type = Vec<Object>)]
    pub(crate) actions: Vec<Value>,
}

/// Reads everything that is kept about a person.
pub(crate) async fn export(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Export> {
    let all = sqlx::query_scalar!(
        r#"select jsonb_build_object(
            'user', (select to_jsonb(u) - 'deleted_at' from users u where u.id = $1),
            'memberships', (select coalesce(jsonb_agg(jsonb_build_object('org_id', o.id, 'organization', o.name, 'role', m.role,
                    'joined_at', m.joined_at) order by m.joined_at), '[]')
                from organization_users m join organizations o on o.id = m.org_id where m.user_id = $1),
            'bookings', (select coalesce(jsonb_agg((to_jsonb(b) - 'request_hash') || jsonb_build_object(
                    'event', (select jsonb_build_object('id', e.id, 'name', e.name, 'event_date', e.event_date, 'place', e.place)
                        from events e where e.id = b.event_id),
                    'seat_numbers', (select coalesce(jsonb_agg(s.seat_no order by s.seat_no), '[]') from booking_seats s
                        where s.booking_id = b.id and s.status = 'booked'),
                    'history', (select coalesce(jsonb_agg(to_jsonb(h) - 'answer' - 'asked' order by h.created_at), '[]')
                        from booking_history h where h.booking_id = b.id)) order by b.created_at), '[]')
                from bookings b where b.user_id = $1),
            'notifications', (select coalesce(jsonb_agg(to_jsonb(n) order by n.created_at), '[]')
                from notifications n where n.user_id = $1),
            'events_owned', (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'name', e.name, 'event_date', e.event_date)
                order by e.event_date), '[]') from events e where e.owner_id = $1),
            'events_created', (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'name', e.name,
                    'created_at', e.created_at) order by e.created_at), '[]') from events e where e.created_by = $1),
            'invites_received', (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'org_id', i.org_id, 'email', i.email,
                    'role', i.role, 'status', i.status, 'created_at', i.created_at, 'expires_at', i.expires_at)
                order by i.created_at), '[]') from organization_invites i join users u on lower(u.email) = lower(i.email)
                where u.id = $1 and u.email_verified),
            'changes_to_you', (select coalesce(jsonb_agg(to_jsonb(a) - 'actor_id' order by a.created_at), '[]')
                from audit_log a where a.subject_id = $1),
            'invites_sent', (select coalesce(jsonb_agg(to_jsonb(i) - 'nonce' - 'old_nonces' order by i.created_at), '[]')
                from organization_invites i where i.invited_by = $1),
            'actions', (select coalesce(jsonb_agg(to_jsonb(a) order by a.created_at), '[]') from audit_log a where a.actor_id = $1)
        ) as "export!: Json<Export>""#,
        user.0
    )
    .fetch_one(conn)
    .await?;
    Ok(all.0)
}
