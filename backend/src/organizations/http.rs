//! Routes of organizations.

use axum::Json;
use axum::extract::State;
use happening_api::{
    AuditEntry, CreateOrganization, ErrorBody, Member, OrgId, Organization, Role, UpdateMember, UpdateOrganization,
    UserId,
};
use http::{StatusCode, Uri};
use serde::Deserialize;
use utoipa::IntoParams;

use super::members::Target;
use super::store::MemberFilter;
use super::{change, members, store};
use crate::access::{self, Access, OrgAction};
use crate::app::App;
use crate::audit_log;
use crate::http::{
    CurrentUser, IdempotencyKey, MemberFor, PathId, Repeatable, RequestContext, ValidJson, ValidQuery, actions,
};
use crate::idempotency::{self, Made};
use crate::page::{self, Cursor, CursorText, Listed, Order, Page};
use crate::problem::Problem;

/// Where a page begins and how long it is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        Page::parse(self.limit, self.cursor.as_deref(), Order::Time)
    }
}

/// Makes an organization; the caller becomes its orgAdmin.
#[utoipa::path(post, path = "/organizations", tag = "organizations", params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)),
    security(("token" = [])), request_body = CreateOrganization, responses(
    (status = 201, body = Organization), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    caller: CurrentUser,
    repeatable: Repeatable,
    State(app): State<App>,
    json: ValidJson<CreateOrganization>,
) -> Result<Made, Problem> {
    let call = idempotency::Call::new(caller.id(), repeatable.key, &repeatable.route, &json.hash);
    super::create::create(&app.pool, app.clock, caller.id(), &json.body, &call).await
}

/// The caller's organizations with their roles.
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(PageQuery), security(("token" = [])), responses(
    (status = 200, body = [Organization]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    caller: CurrentUser,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<Organization>, Problem> {
    organizations_of(&app, caller.id(), &uri, &query).await
}

/// The caller's organizations with their roles; another person's id is refused.
#[utoipa::path(get, path = "/organizations/user/{userId}", tag = "organizations", params(("userId" = UserId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [Organization]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn list_of_person(
    caller: CurrentUser,
    PathId(user): PathId<UserId>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<Organization>, Problem> {
    if user != caller.id() {
        return Err(Problem::forbidden());
    }
    organizations_of(&app, user, &uri, &query).await
}

async fn organizations_of(
    app: &App,
    user: UserId,
    uri: &Uri,
    query: &PageQuery,
) -> Result<Listed<Organization>, Problem> {
    let page = query.page()?;
    let mut conn = app.conn().await?;
    let total = store::count_of(&mut conn, user).await?;
    let rows = store::list_of(&mut conn, user, None, &page).await?;
    Ok(Listed::new(rows, &page, total, uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}

/// One organization of the caller.
#[utoipa::path(get, path = "/organizations/{id}", tag = "organizations", params(("id" = OrgId, Path)), security(("token" = [])), responses(
    (status = 200, body = Organization), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn get(
    member: MemberFor<actions::See>,
    State(app): State<App>,
) -> Result<Json<Organization>, Problem> {
    let found = store::find_for(&mut *app.conn().await?, member.caller.id(), member.org).await?;
    found.map(Json).ok_or_else(Problem::not_found)
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/organizations/{id}", tag = "organizations", params(("id" = OrgId, Path)), security(("token" = [])),
    request_body = UpdateOrganization, responses((status = 200, body = Organization), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn update(
    member: MemberFor<actions::Administer>,
    State(app): State<App>,
    json: ValidJson<UpdateOrganization>,
) -> Result<Json<Organization>, Problem> {
    change::update(&app.pool, app.clock, member.caller.id(), member.org, &json.body).await.map(Json)
}

/// Ends an organization. Refused while one of its events is upcoming or goes on.
#[utoipa::path(delete, path = "/organizations/{id}", tag = "organizations", params(("id" = OrgId, Path)), security(("token" = [])), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn delete(
    member: MemberFor<actions::Administer>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    change::delete(&app.pool, app.clock, member.caller.id(), member.org).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn target<A>(caller: &MemberFor<A>, member: UserId, context: RequestContext) -> Target {
    let MemberFor { org, role, .. } = *caller;
    Target { caller: caller.caller.id(), admin: role == Role::OrgAdmin, org, member, request_id: context.request_id }
}

/// Gives a member another role.
#[utoipa::path(patch, path = "/organizations/{id}/members/{userId}", tag = "organizations", params(("id" = OrgId, Path), ("userId" = UserId, Path)),
    security(("token" = [])), request_body = UpdateMember, responses((status = 200, body = Member), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub(crate) async fn update_member(
    admin: MemberFor<actions::Administer>,
    PathId(member): PathId<UserId, 1>,
    context: RequestContext,
    State(app): State<App>,
    json: ValidJson<UpdateMember>,
) -> Result<Json<Member>, Problem> {
    let target = target(&admin, member, context);
    members::set_role(&app.pool, app.clock, &app.relay_wake, &target, json.body.role).await.map(Json)
}

/// Removes a member; everybody may leave.
#[utoipa::path(delete, path = "/organizations/{id}/members/{userId}", tag = "organizations", params(("id" = OrgId, Path), ("userId" = UserId, Path)),
    security(("token" = [])), responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn remove_member(
    caller: MemberFor<actions::See>,
    PathId(member): PathId<UserId, 1>,
    context: RequestContext,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    members::remove(&app.pool, app.clock, &target(&caller, member, context)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who changed what, when; newest first.
#[utoipa::path(get, path = "/organizations/{id}/audit", tag = "organizations", params(("id" = OrgId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [AuditEntry]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn audit(
    member: MemberFor<actions::Administer>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<AuditEntry>, Problem> {
    let page = query.page()?;
    let mut conn = app.conn().await?;
    let total = audit_log::count(&mut conn, member.org).await?;
    let rows = audit_log::list(&mut conn, member.org, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}

/// Which members a list holds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MembersQuery {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    cursor: Option<String>,
    /// Searched in the name; for orgAdmins in the e-mail address, too.
    #[param(max_length = 200, pattern = "^[^\\x00]*$")]
    q: Option<String>,
}

/// Members by name. E-mail addresses are there for orgAdmins only.
#[utoipa::path(get, path = "/organizations/{id}/members", tag = "organizations", params(("id" = OrgId, Path), MembersQuery), security(("token" = [])), responses(
    (status = 200, body = [Member]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn list_members(
    member: MemberFor<actions::See>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<MembersQuery>,
) -> Result<Listed<Member>, Problem> {
    let page = Page::parse(query.limit, query.cursor.as_deref(), Order::Name)?;
    let pattern = page::search_pattern(query.q.as_deref())?;
    let with_emails = access::organization(OrgAction::SeeEmails, Some(member.role)) == Access::Allowed;
    let mut conn = app.conn().await?;
    let which = MemberFilter { org: member.org, with_emails, pattern: pattern.as_deref() };
    let total = store::count_members(&mut conn, which).await?;
    let rows = store::members(&mut conn, which, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_name(&one.name, one.user_id.0)))
}
