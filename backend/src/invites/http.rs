//! Routes of invites. The same segment of their paths is the invite's id for orgAdmins, and the token for the invited person.

use axum::Json;
use axum::extract::State;
use happening_api::{
    CreateInvite, CreatedInvite, ErrorBody, Invite, InviteId, InvitePreview, NoFields, OrgId, Organization,
};
use http::{StatusCode, Uri};
use serde::Deserialize;
use utoipa::IntoParams;

use super::accept;
use super::create::{self, Parts, Sender};
use super::store::{self, InviteRow};
use crate::app::App;
use crate::http::{
    Anyone, CurrentUser, IdempotencyKey, MemberFor, OptionalJson, PathId, Repeatable, RequestContext, ValidJson,
    ValidQuery, actions,
};
use crate::idempotency::{self, Made};
use crate::page::{Cursor, CursorText, Listed, Order, Page};
use crate::problem::Problem;

fn parts(app: &App) -> Parts<'_> {
    let (pool, limits, links, relay_wake) = (&app.pool, &app.limits, &app.links, &app.relay_wake);
    Parts { pool, clock: app.clock, limits, links, relay_wake }
}

/// Invites an address into an organization. The answer holds the token, once; the address gets a mail with the link.
/// `Location` is where the invite is taken back and sent again; what it is about is read with its token only.
#[utoipa::path(post, path = "/org-invites", tag = "invites", params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)), security(("token" = [])),
    request_body = CreateInvite, responses((status = 201, body = CreatedInvite), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    caller: CurrentUser,
    repeatable: Repeatable,
    context: RequestContext,
    State(app): State<App>,
    json: ValidJson<CreateInvite>,
) -> Result<Made, Problem> {
    let admin = MemberFor::<actions::Administer>::of(&app, caller, json.body.org_id).await?;
    let call = idempotency::Call::new(admin.caller.id(), repeatable.key, &repeatable.route, &json.hash);
    let sender = Sender { caller: admin.caller.id(), request_id: context.request_id };
    create::create(&parts(&app), &sender, &json.body, &call).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    org_id: OrgId,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    cursor: Option<String>,
}

/// Invites of an organization that wait for an answer, newest first.
#[utoipa::path(get, path = "/org-invites", tag = "invites", params(ListQuery), security(("token" = [])), responses(
    (status = 200, body = [Invite]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn list(
    caller: CurrentUser,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<ListQuery>,
) -> Result<Listed<Invite>, Problem> {
    let page = Page::parse(query.limit, query.cursor.as_deref(), Order::Time)?;
    let admin = MemberFor::<actions::Administer>::of(&app, caller, query.org_id).await?;
    let mut conn = app.conn().await?;
    let total = store::count(&mut conn, admin.org).await?;
    let rows = store::list(&mut conn, admin.org, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}

/// What an invite is about, for the holder of its token. Needs no sign-in.
#[utoipa::path(get, path = "/org-invites/{invite}", tag = "invites", params(("invite" = String, Path, description = "The token")), responses(
    (status = 200, body = InvitePreview), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 410, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub(crate) async fn preview(
    _: Anyone,
    PathId(token): PathId<String>,
    State(app): State<App>,
) -> Result<Json<InvitePreview>, Problem> {
    accept::preview(&app.pool, &app.links, &token).await.map(Json)
}

/// Makes the caller a member. Their verified address must be the one that was invited.
#[utoipa::path(post, path = "/org-invites/{invite}/accept", tag = "invites", params(("invite" = String, Path, description = "The token")),
    security(("token" = [])), responses((status = 200, body = Organization), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 410, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn accept(
    caller: CurrentUser,
    PathId(token): PathId<String>,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Json<Organization>, Problem> {
    accept::accept(&app.pool, &app.links, app.clock, caller.id(), &token).await.map(Json)
}

/// Gives an invite a new token and sends it; the old token dies.
#[utoipa::path(post, path = "/org-invites/{invite}/resend", tag = "invites", params(("invite" = InviteId, Path)), security(("token" = [])), responses(
    (status = 200, body = CreatedInvite), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 410, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn resend(
    caller: CurrentUser,
    PathId(id): PathId<InviteId>,
    context: RequestContext,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Json<CreatedInvite>, Problem> {
    let (admin, invite) = administered(&app, caller, id).await?;
    let sender = Sender { caller: admin.caller.id(), request_id: context.request_id };
    create::resend(&parts(&app), &sender, &invite).await.map(Json)
}

/// Takes an invite back.
#[utoipa::path(delete, path = "/org-invites/{invite}", tag = "invites", params(("invite" = InviteId, Path)), security(("token" = [])), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 410, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn revoke(
    caller: CurrentUser,
    PathId(id): PathId<InviteId>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    let (admin, invite) = administered(&app, caller, id).await?;
    create::revoke(&app.pool, app.clock, admin.caller.id(), &invite).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The invite, if the caller administers its organization.
async fn administered(
    app: &App,
    caller: CurrentUser,
    id: InviteId,
) -> Result<(MemberFor<actions::Administer>, InviteRow), Problem> {
    let invite = store::find(&mut *app.conn().await?, id, false).await?;
    // The caller's role is looked up even when the invite does not exist, so that the time of an answer does not reveal whether it
    // does.
    let org = invite.as_ref().map_or(uuid::Uuid::nil().into(), |invite| invite.org_id);
    let admin = MemberFor::<actions::Administer>::of(app, caller, org).await?;
    Ok((admin, invite.ok_or_else(Problem::not_found)?))
}
