//! Routes of organizations.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use happening_api::{CreateOrganization, ErrorBody, Member, Organization, UserId};
use http::{StatusCode, Uri, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::store;
use crate::access::{self, Access, OrgAction};
use crate::app::App;
use crate::http::{ApiError, ApiResult, CurrentUser, MemberFor, PathId, ValidJson, ValidQuery, actions};
use crate::page::{Cursor, Listed, Page};

/// Where a page begins and how long it is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn page(&self) -> ApiResult<Page> {
        Page::parse(self.limit, self.cursor.as_deref())
    }
}

/// Makes an organization; the caller becomes its orgAdmin.
#[utoipa::path(post, path = "/organizations", tag = "organizations", security(("token" = [])), request_body = CreateOrganization, responses(
    (status = 201, body = Organization), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    caller: CurrentUser,
    State(app): State<App>,
    json: ValidJson<CreateOrganization>,
) -> ApiResult<Response> {
    let organization = super::create::create(&app, caller.id(), &json.body).await?;
    let location = format!("/organizations/{}", organization.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(organization)).into_response())
}

/// The caller's organizations with their roles; another person's id is refused.
#[utoipa::path(get, path = "/organizations/user/{userId}", tag = "organizations", params(("userId" = UserId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [Organization]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn list_of_person(
    caller: CurrentUser,
    PathId(user): PathId<UserId>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> ApiResult<Listed<Organization>> {
    if user != caller.id() {
        return Err(ApiError::forbidden());
    }
    let page = query.page()?;
    let mut conn = app.pool.acquire().await?;
    let total = store::count_of(&mut conn, user).await?;
    let rows = store::list_of(&mut conn, user, None, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}

/// Members by name. E-mail addresses are there for orgAdmins only.
#[utoipa::path(get, path = "/organizations/{id}/members", tag = "organizations", params(("id" = happening_api::OrgId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [Member]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn members(
    member: MemberFor<actions::See>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> ApiResult<Listed<Member>> {
    let page = query.page()?;
    let with_emails = access::organization(OrgAction::SeeEmails, Some(member.role)) == Access::Allowed;
    let mut conn = app.pool.acquire().await?;
    let total = store::count_members(&mut conn, member.org).await?;
    let rows = store::members(&mut conn, member.org, with_emails, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_name(&one.name, one.user_id.0)))
}
