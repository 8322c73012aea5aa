//! Routes of a person's notifications.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use happening_api::{ErrorBody, Marked, NoFields, Notification, NotificationId};
use http::{HeaderValue, Uri};
use serde::Deserialize;
use utoipa::IntoParams;

use super::store;
use crate::app::App;
use crate::http::{CurrentUser, OptionalJson, PathId, ValidQuery};
use crate::page::{Cursor, CursorText, Listed, Order, Page};
use crate::problem::Problem;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    cursor: Option<String>,
    /// Only what was not read yet.
    unread: Option<bool>,
}

/// The caller's notifications, newest first; `X-Unread-Count` says how many were not read.
#[utoipa::path(get, path = "/notifications", tag = "notifications", params(ListQuery), security(("token" = [])), responses(
    (status = 200, body = [Notification]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    caller: CurrentUser,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<ListQuery>,
) -> Result<Response, Problem> {
    let page = Page::parse(query.limit, query.cursor.as_deref(), Order::Time)?;
    let only_unread = query.unread.unwrap_or(false);
    let mut conn = app.conn().await?;
    let (all, unread) = store::counts(&mut conn, caller.id()).await?;
    let rows = store::list(&mut conn, caller.id(), None, only_unread, &page).await?;
    let total = if only_unread { unread } else { all };
    let listed = Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0));
    let mut response = listed.into_response();
    response.headers_mut().insert("x-unread-count", HeaderValue::from(unread));
    Ok(response)
}

/// Marks one as read.
#[utoipa::path(post, path = "/notifications/{id}/read", tag = "notifications", params(("id" = NotificationId, Path)), security(("token" = [])), responses(
    (status = 200, body = Notification), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn read(
    caller: CurrentUser,
    PathId(id): PathId<NotificationId>,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Json<Notification>, Problem> {
    let mut conn = app.conn().await?;
    store::mark_read(&mut conn, caller.id(), Some(id)).await?;
    let found = store::list(&mut conn, caller.id(), Some(id), false, &Page::single()).await?.pop();
    found.map(Json).ok_or_else(Problem::not_found)
}

/// Marks all as read.
#[utoipa::path(post, path = "/notifications/read-all", tag = "notifications", security(("token" = [])), responses(
    (status = 200, body = Marked), (status = 401, body = ErrorBody)))]
pub(crate) async fn read_all(
    caller: CurrentUser,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Json<Marked>, Problem> {
    let read = store::mark_read(&mut *app.conn().await?, caller.id(), None).await?;
    Ok(Json(Marked { read }))
}
