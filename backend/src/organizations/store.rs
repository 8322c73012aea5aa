//! SQL about organizations and memberships.

use happening_api::{InviteId, Member, OrgId, Organization, Role, UpdateOrganization, UserId};
use sqlx::PgConnection;

use crate::database;
use crate::page::Page;
use crate::problem::Problem;

/// The role of a person in an organization; `None` when they are not a member.
pub(crate) async fn role(conn: &mut PgConnection, org: OrgId, user: UserId) -> sqlx::Result<Option<Role>> {
    sqlx::query_scalar!(
        r#"select role as "role: Role" from organization_users where org_id = $1 and user_id = $2"#,
        org.0,
        user.0
    )
    .fetch_optional(conn)
    .await
}

/// Inserts an organization.
pub(crate) async fn insert(conn: &mut PgConnection, org: OrgId, name: &str) -> sqlx::Result<()> {
    sqlx::query!("insert into organizations (id, name) values ($1, $2)", org.0, name).execute(conn).await.map(drop)
}

/// Adds a member. Waits while the person is being deleted; false when they are deleted.
pub(crate) async fn insert_member(conn: &mut PgConnection, org: OrgId, user: UserId, role: Role) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        "insert into organization_users (org_id, user_id, role)
        select $1, u.id, $3 from users u where u.id = $2 and u.deleted_at is null for key share",
        org.0,
        user.0,
        role.as_str()
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// The organizations of a person, newest first; with `only`, at most that one.
pub(crate) async fn list_of(
    conn: &mut PgConnection,
    user: UserId,
    only: Option<OrgId>,
    page: &Page,
) -> sqlx::Result<Vec<Organization>> {
    let rows = sqlx::query!(
        r#"select o.id, o.name, m.role as "role: Role", o.created_at, o.retention_days,
            (select count(*) from organization_users c where c.org_id = o.id) as "member_count!"
        from organization_users m join organizations o on o.id = m.org_id
        where m.user_id = $1 and ($2::uuid is null or o.id = $2)
            and ($3::timestamptz is null or (o.created_at, o.id) < ($3, $4))
        order by o.created_at desc, o.id desc limit $5"#,
        user.0,
        only.map(|org| org.0),
        page.after_time(),
        page.after_id(),
        page.rows_wanted()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Organization {
            id: row.id.into(),
            name: row.name,
            role: row.role,
            member_count: row.member_count,
            retention_days: row.retention_days,
            created_at: row.created_at,
        })
        .collect())
}

/// How many organizations a person is a member of.
pub(crate) async fn count_of(conn: &mut PgConnection, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from organization_users where user_id = $1"#, user.0)
        .fetch_one(conn)
        .await
}

/// An organization as one of its members sees it.
pub(crate) async fn find_for(conn: &mut PgConnection, user: UserId, org: OrgId) -> sqlx::Result<Option<Organization>> {
    Ok(list_of(conn, user, Some(org), &Page::single()).await?.pop())
}

/// The filters of a list of members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemberFilter<'q> {
    pub(crate) org: OrgId,
    /// Whether e-mail addresses are included and searched.
    pub(crate) with_emails: bool,
    /// An `ilike` pattern.
    pub(crate) pattern: Option<&'q str>,
}

/// The members, ordered by name.
pub(crate) async fn members(
    conn: &mut PgConnection,
    which: MemberFilter<'_>,
    page: &Page,
) -> sqlx::Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"select u.id, u.name, m.role as "role: Role", m.joined_at, case when $2 then u.email end as email
        from organization_users m join users u on u.id = m.user_id
        where m.org_id = $1 and ($3::text is null or (u.name, u.id) > ($3, $4))
            and ($6::text is null or u.name ilike $6 or ($2 and u.email ilike $6))
        order by u.name, u.id limit $5"#,
        which.org.0,
        which.with_emails,
        page.after_name(),
        page.after_id(),
        page.rows_wanted(),
        which.pattern
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Member {
            user_id: row.id.into(),
            name: row.name,
            role: row.role,
            email: row.email,
            joined_at: row.joined_at,
        })
        .collect())
}

/// How many members match the filters.
pub(crate) async fn count_members(conn: &mut PgConnection, which: MemberFilter<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from organization_users m join users u on u.id = m.user_id
        where m.org_id = $1 and ($3::text is null or u.name ilike $3 or ($2 and u.email ilike $3))"#,
        which.org.0,
        which.with_emails,
        which.pattern
    )
    .fetch_one(conn)
    .await
}

/// Locks an organization against other changes of its members. False when it does not exist or was deleted.
///
/// The lock also delays new events, whose foreign key locks the same row.
pub(crate) async fn lock(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<bool> {
    let row = sqlx::query!("select 1 as one from organizations where id = $1 and deleted_at is null for update", org.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Locks an organization for one of its orgAdmins. Checks again under the lock that the caller is orgAdmin.
///
/// # Errors
/// 403 or 404.
pub(crate) async fn lock_as_admin(conn: &mut PgConnection, org: OrgId, caller: UserId) -> Result<(), Problem> {
    if !lock(&mut *conn, org).await? {
        return Err(Problem::not_found());
    }
    match role(conn, org, caller).await? {
        Some(Role::OrgAdmin) => Ok(()),
        Some(_) => Err(Problem::forbidden()),
        None => Err(Problem::not_found()),
    }
}

/// Whether the organization has an orgAdmin other than this person.
pub(crate) async fn has_other_admin(conn: &mut PgConnection, org: OrgId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from organization_users where org_id = $1 and user_id <> $2 and role = 'orgAdmin') as "has!""#,
        org.0,
        user.0
    )
    .fetch_one(conn)
    .await
}

/// One member, with the e-mail address only if asked for.
pub(crate) async fn member(
    conn: &mut PgConnection,
    org: OrgId,
    user: UserId,
    with_email: bool,
) -> sqlx::Result<Option<Member>> {
    let row = sqlx::query!(
        r#"select u.id, u.name, m.role as "role: Role", m.joined_at, case when $3 then u.email end as email
        from organization_users m join users u on u.id = m.user_id where m.org_id = $1 and m.user_id = $2"#,
        org.0,
        user.0,
        with_email
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Member {
        user_id: row.id.into(),
        name: row.name,
        role: row.role,
        email: row.email,
        joined_at: row.joined_at,
    }))
}

/// Changes a member's role.
pub(crate) async fn set_role(conn: &mut PgConnection, org: OrgId, user: UserId, role: Role) -> sqlx::Result<()> {
    sqlx::query!(
        "update organization_users set role = $3 where org_id = $1 and user_id = $2",
        org.0,
        user.0,
        role.as_str()
    )
    .execute(conn)
    .await
    .and_then(database::one_row)
}

/// Ends a membership.
pub(crate) async fn delete_member(conn: &mut PgConnection, org: OrgId, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("delete from organization_users where org_id = $1 and user_id = $2", org.0, user.0)
        .execute(conn)
        .await
        .and_then(database::one_row)
}

/// Changes the fields that are set.
pub(crate) async fn update(conn: &mut PgConnection, org: OrgId, body: &UpdateOrganization) -> sqlx::Result<()> {
    sqlx::query!(
        "update organizations set name = coalesce($2, name), retention_days = case when $3 then $4 else retention_days end
        where id = $1",
        org.0,
        body.name.as_deref().map(str::trim),
        body.retention_days.is_some(),
        body.retention_days.flatten()
    )
    .execute(conn)
    .await
    .and_then(database::one_row)
}

/// Whether an event of the organization is upcoming or ongoing.
pub(crate) async fn has_open_events(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from events where org_id = $1
            and event_status(status, event_date, ends_at, clock_timestamp()) in ('upcoming', 'ongoing')) as "has!""#,
        org.0
    )
    .fetch_one(conn)
    .await
}

/// Revokes the pending invites that a person sent. Returns their ids.
pub(crate) async fn revoke_invites_of(
    conn: &mut PgConnection,
    org: OrgId,
    inviter: UserId,
) -> sqlx::Result<Vec<InviteId>> {
    sqlx::query_scalar!(
        r#"update organization_invites set status = 'revoked'
        where org_id = $1 and invited_by = $2 and status = 'pending' returning id as "id: InviteId""#,
        org.0,
        inviter.0
    )
    .fetch_all(conn)
    .await
}

/// Deletes an organization with its memberships and open invites. Its past events stay for people who had seats, and its audit log
/// stays for the operator.
pub(crate) async fn delete(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<()> {
    let ended =
        sqlx::query!("update organizations set deleted_at = now() where id = $1", org.0).execute(&mut *conn).await?;
    database::one_row(ended)?;
    sqlx::query!("update organization_invites set status = 'revoked' where org_id = $1 and status = 'pending'", org.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("delete from organization_users where org_id = $1", org.0).execute(conn).await.map(drop)
}
