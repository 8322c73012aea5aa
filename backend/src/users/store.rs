//! All SQL about people.

use happening_api::{User, UserId};
use sqlx::PgConnection;

use crate::auth::Claims;
use crate::clock::Clock;

/// The person of a token, and whether their row was made by this call. However many calls come at once, one makes it.
/// Whether the e-mail is verified follows the token.
pub(crate) async fn find_or_create(
    conn: &mut PgConnection,
    claims: &Claims,
    clock: Clock,
) -> sqlx::Result<(User, bool)> {
    let name: String = claims.display_name().chars().filter(|c| !c.is_control()).take(200).collect();
    let inserted = sqlx::query!(
        "insert into users (id, keycloak_id, name, email, email_verified) values ($1, $2, $3, $4, $5)
        on conflict (keycloak_id) do nothing",
        clock.new_id(),
        claims.sub,
        name,
        claims.email,
        claims.email_verified
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        sqlx::query!(
            "update users set email = $2, email_verified = $3, updated_at = now()
            where keycloak_id = $1 and (email, email_verified) is distinct from ($2, $3)",
            claims.sub,
            claims.email,
            claims.email_verified
        )
        .execute(&mut *conn)
        .await?;
    }
    let user = sqlx::query_as!(
        User,
        r#"select id as "id: UserId", keycloak_id, name, email, email_verified, created_at from users where keycloak_id = $1"#,
        claims.sub
    )
    .fetch_one(conn)
    .await?;
    Ok((user, inserted.rows_affected() == 1))
}

/// The person with that `sub`, if the viewer is that person or administers an organization that they are a member of.
pub(crate) async fn find_for(conn: &mut PgConnection, viewer: UserId, keycloak_id: &str) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        r#"select id as "id: UserId", keycloak_id, name, email, email_verified, created_at from users u
        where keycloak_id = $2 and (u.id = $1 or exists (
            select from organization_users mine join organization_users theirs on theirs.org_id = mine.org_id
            where mine.user_id = $1 and mine.role = 'orgAdmin' and theirs.user_id = u.id))"#,
        viewer.0,
        keycloak_id
    )
    .fetch_optional(conn)
    .await
}

/// A person by id.
pub(crate) async fn find(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        r#"select id as "id: UserId", keycloak_id, name, email, email_verified, created_at from users where id = $1"#,
        user.0
    )
    .fetch_optional(conn)
    .await
}
