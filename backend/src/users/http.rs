//! Routes of people.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use happening_api::{ErrorBody, User};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::store;
use crate::app::App;
use crate::http::{ApiError, ApiResult, CurrentUser, TokenClaims, ValidQuery};

/// Makes the caller's row from the token: 201 the first time, 200 afterwards.
#[utoipa::path(post, path = "/users", tag = "users", security(("token" = [])), responses(
    (status = 201, body = User), (status = 200, body = User), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn upsert(TokenClaims(claims): TokenClaims, State(app): State<App>) -> ApiResult<Response> {
    let (user, made) = store::find_or_create(&mut *app.pool.acquire().await?, &claims, app.clock).await?;
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
) -> ApiResult<Json<User>> {
    let found = store::find_for(&mut *app.pool.acquire().await?, caller.id(), &query.keycloak_id).await?;
    found.map(Json).ok_or_else(ApiError::not_found)
}

/// The caller.
#[utoipa::path(get, path = "/users/me", tag = "users", security(("token" = [])), responses(
    (status = 200, body = User), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn me(caller: CurrentUser, State(app): State<App>) -> ApiResult<Json<User>> {
    let found = store::find(&mut *app.pool.acquire().await?, caller.id()).await?;
    found.map(Json).ok_or_else(ApiError::not_found)
}
