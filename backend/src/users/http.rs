//! Routes of people.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use happening_api::{ErrorBody, NoFields, UpdateUser, User};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::store::{self, Export, Found};
use crate::app::App;
use crate::events::check_zone;
use crate::http::{CurrentUser, OptionalJson, RequestContext, TokenClaims, ValidJson, ValidQuery};
use crate::problem::Problem;

/// Makes the caller's row from the token: 201 the first time, 200 afterwards.
#[utoipa::path(post, path = "/users", tag = "users", security(("token" = [])), responses(
    (status = 201, body = User), (status = 200, body = User), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn upsert(
    TokenClaims(claims): TokenClaims,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, Problem> {
    let found = store::find_or_create(&mut *app.identity_conn().await?, &claims, app.clock).await?;
    let Found::Person { user, made } = found else { return Err(Problem::unauthenticated()) };
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, "/users/me")], Json(user)).into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindQuery {
    keycloak_id: String,
}

/// One person by the `sub` of their tokens: oneself, or a member of an organization that the caller administers.
#[utoipa::path(get, path = "/users", tag = "users", params(FindQuery), security(("token" = [])), responses(
    (status = 200, body = User), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn find(
    caller: CurrentUser,
    State(app): State<App>,
    ValidQuery(query): ValidQuery<FindQuery>,
) -> Result<Json<User>, Problem> {
    if query.keycloak_id.contains('\0') {
        return Err(Problem::field("keycloak_id", "is no such id"));
    }
    let found = store::find_for(&mut *app.identity_conn().await?, caller.id(), &query.keycloak_id).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

/// The caller.
#[utoipa::path(get, path = "/users/me", tag = "users", security(("token" = [])), responses(
    (status = 200, body = User), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn me(caller: CurrentUser, State(app): State<App>) -> Result<Json<User>, Problem> {
    let found = store::find(&mut *app.identity_conn().await?, caller.id()).await?;
    found.map(Json).ok_or_else(Problem::unauthenticated) // missing when another server has just deleted the person
}

/// Changes what the caller chose for themselves.
#[utoipa::path(patch, path = "/users/me", tag = "users", security(("token" = [])), request_body = UpdateUser, responses(
    (status = 200, body = User), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn update(
    caller: CurrentUser,
    State(app): State<App>,
    json: ValidJson<UpdateUser>,
) -> Result<Json<User>, Problem> {
    if let Some(Some(zone)) = &json.body.time_zone {
        check_zone(zone)?;
    }
    let mut tx = app.pool.begin().await?;
    store::update(&mut tx, caller.id(), &json.body).await?;
    let user = store::find(&mut tx, caller.id()).await?.ok_or_else(Problem::unauthenticated)?;
    tx.commit().await.map_err(Problem::outcome_unknown)?;
    Ok(Json(user))
}

/// Deletes the caller: future bookings are cancelled, memberships end, name and address are removed. Refused for the last
/// orgAdmin of an organization.
#[utoipa::path(delete, path = "/users/me", tag = "users", security(("token" = [])), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn delete(
    caller: CurrentUser,
    context: RequestContext,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    let parts = super::Parts::of(&app);
    app.to_its_end(async move { super::delete::delete(&parts, caller.id(), &context.request_id).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything that is kept about the caller.
#[utoipa::path(get, path = "/users/me/export", tag = "users", security(("token" = [])), responses(
    (status = 200, body = Export), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn export(caller: CurrentUser, State(app): State<App>) -> Result<Response, Problem> {
    let mut conn = app.staff_conn().await?;
    store::find(&mut conn, caller.id()).await?.ok_or_else(Problem::unauthenticated)?;
    let all = store::export(&mut conn, caller.id()).await?;
    let headers = [(header::CONTENT_DISPOSITION, "attachment; filename=\"happening-export.json\"")];
    Ok((headers, Json(all)).into_response())
}
