//! Routes of events.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use happening_api::{
    ActivityEntry, Booking, Category, CreateEvent, DuplicateEvent, ErrorBody, Event, EventId, EventStatus, NoFields,
    OrgId, SeatMap, UpdateEvent, time_in_bounds,
};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Parts;
use super::calendar::{self, CalendarEvent};
use super::cancel::{self, End};
use super::update::Update;
use super::views::{self, Filter};
use crate::access::{self, Access, EventAction};
use crate::app::App;
use crate::bookings::board::{self, Place};
use crate::bookings::lists;
use crate::http::{
    CurrentUser, EventFor, IdempotencyKey, MemberFor, OptionalJson, Repeatable, RequestContext, ValidJson, ValidQuery,
    actions,
};
use crate::idempotency::{self, Made};
use crate::organizations::http::PageQuery;
use crate::page::{self, Cursor, CursorText, Listed, Order, Page};
use crate::problem::Problem;

/// Longer than any single statement of a change may take.
const CHANGE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(65);

/// Makes an event in an organization where the caller is organizer or orgAdmin.
#[utoipa::path(post, path = "/events", tag = "events", params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)), security(("token" = [])), request_body = CreateEvent, responses(
    (status = 201, body = Event), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    caller: CurrentUser,
    repeatable: Repeatable,
    State(app): State<App>,
    json: ValidJson<CreateEvent>,
) -> Result<Made, Problem> {
    let member = MemberFor::<actions::CreateEvent>::of(&app, caller, json.body.org_id).await?;
    let call = idempotency::Call::new(member.caller.id(), repeatable.key, &repeatable.route, &json.hash);
    super::create::create(&app.pool, app.clock, member.caller.id(), &json.body, &call).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    cursor: Option<String>,
    org_id: Option<OrgId>,
    /// Searched in name, description and place.
    #[param(max_length = 200, pattern = "^[^\\x00]*$")]
    q: Option<String>,
    category: Option<Category>,
    status: Option<EventStatus>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    /// Only events that the caller owns.
    mine: Option<bool>,
}

/// Events by date that the caller may see; without `status`, `from` or `to` only those that are not over.
#[utoipa::path(get, path = "/events", tag = "events", params(ListQuery), security(("token" = [])), responses(
    (status = 200, body = [Event]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    caller: CurrentUser,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<ListQuery>,
) -> Result<Listed<Event>, Problem> {
    let text = page::search_pattern(query.q.as_deref())?;
    for (field, time) in [("from", query.from), ("to", query.to)] {
        if time.is_some_and(|time| !time_in_bounds(time)) {
            return Err(Problem::field(field, "must lie between 1970 and 9998"));
        }
    }
    let page = Page::parse(query.limit, query.cursor.as_deref(), Order::Time)?;
    let filter = Filter {
        only: None,
        org: query.org_id,
        category: query.category,
        status: query.status,
        from: query.from,
        to: query.to,
        text,
        mine: query.mine.unwrap_or(false),
    };
    let mut conn = app.conn().await?;
    let total = views::count(&mut conn, caller.id(), &filter).await?;
    let rows = views::list(&mut conn, caller.id(), &filter, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.event_date, one.id.0)))
}

/// One event. `ETag` is its version, for `If-Match`.
#[utoipa::path(get, path = "/events/{id}", tag = "events", params(("id" = EventId, Path)), security(("token" = [])), responses(
    (status = 200, body = Event), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn get(target: EventFor<actions::See>, State(app): State<App>) -> Result<Response, Problem> {
    let found = views::find(&mut *app.conn().await?, target.caller.id(), target.event).await?;
    found.map(with_version).ok_or_else(Problem::not_found)
}

fn with_version(event: Event) -> Response {
    ([(header::ETAG, format!("\"{}\"", event.version))], Json(event)).into_response()
}

/// Changes the fields that are sent; `null` clears an optional one. With `If-Match: "<version>"` a lost update is refused.
#[utoipa::path(put, path = "/events/{id}", tag = "events", params(("id" = EventId, Path), ("If-Match" = Option<String>, Header)),
    security(("token" = [])), request_body = UpdateEvent, responses(
    (status = 200, body = Event), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn update(
    target: EventFor<actions::Manage>,
    context: RequestContext,
    State(app): State<App>,
    headers: HeaderMap,
    json: ValidJson<UpdateEvent>,
) -> Result<Response, Problem> {
    let version = match headers.get(header::IF_MATCH) {
        None => None,
        Some(value) => Some(parse_version(value.to_str().unwrap_or_default())?),
    };
    if json.body.owner_id.is_some() && access::event(EventAction::HandOver, target.standing) != Access::Allowed {
        return Err(Problem::forbidden());
    }
    let request = Update {
        caller: target.caller.id(),
        event: target.event,
        org: target.org,
        body: json.body,
        version,
        request_id: context.request_id,
    };
    to_its_end(&app, |parts| async move { super::update::update(&parts, &request).await }).await.map(with_version)
}

fn parse_version(value: &str) -> Result<i64, Problem> {
    let number = value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Problem::field("If-Match", "must be the event's version in double quotes"))
}

/// The seat map: JSON, or as `application/octet-stream` ceil(total/8) bytes in which seat n is bit n-1, most significant
/// first, 1 = taken: of 20 seats, of which 1, 2, 14 and 15 are taken, the bytes C0 06 00.
#[utoipa::path(get, path = "/events/{id}/seats", tag = "events", params(("id" = EventId, Path)), security(("token" = [])), responses(
    (status = 200, content((SeatMap = "application/json"), (Vec<u8> = "application/octet-stream"))), (status = 304),
    (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn seats(
    target: EventFor<actions::See>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seats = app.maps.read(&mut *app.conn().await?, target.event, target.caller.id()).await?;
    let binary = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/octet-stream"));
    let kind = if binary { "b" } else { "j" };
    let etag = format!("\"{kind}{}-{}-{}\"", seats.version, seats.head.simple(), target.caller.id().0.simple());
    let common = [(header::ETAG, etag.clone()), (header::VARY, "Authorization, Accept".to_owned())];
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    if binary {
        let numbers = [("seats-total", seats.total.to_string()), ("seats-version", seats.version.to_string())];
        return Ok((common, numbers, super::seats::bitmap(seats.total, &seats.taken)).into_response());
    }
    let map = SeatMap { total: seats.total, taken: seats.taken, mine: seats.mine, version: seats.version };
    Ok((common, Json(map)).into_response())
}

/// Runs a change to its end, for at most `CHANGE_TIMEOUT`: a change whose connection hangs must release the event for others.
async fn to_its_end<T, F>(app: &App, change: impl FnOnce(Parts) -> F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let change = change(Parts::of(app));
    app.to_its_end(async {
        let done = tokio::time::timeout(CHANGE_TIMEOUT, change).await;
        done.unwrap_or_else(|late| Err(Problem::outcome_unknown(late)))
    })
    .await
}

fn end<A>(target: &EventFor<A>, context: RequestContext) -> End {
    let request_id = context.request_id;
    End { caller: target.caller.id(), event: target.event, org: target.org, request_id }
}

/// Cancels an event: every active booking is cancelled with it, and everybody is told.
#[utoipa::path(post, path = "/events/{id}/cancel", tag = "events", params(("id" = EventId, Path)), security(("token" = [])),
    request_body = Option<NoFields>, responses((status = 200, body = Event), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn cancel(
    target: EventFor<actions::Manage>,
    context: RequestContext,
    State(app): State<App>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<Response, Problem> {
    let request = end(&target, context);
    to_its_end(&app, |parts| async move { cancel::cancel(&parts, &request).await }).await.map(with_version)
}

/// Deletes an event that nobody has an active booking for.
#[utoipa::path(delete, path = "/events/{id}", tag = "events", params(("id" = EventId, Path)), security(("token" = [])), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn delete(
    target: EventFor<actions::Manage>,
    context: RequestContext,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    let request = end(&target, context);
    to_its_end(&app, |parts| async move { cancel::delete(&parts, &request).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes an event like this one on a new date, without bookings; the caller owns it.
#[utoipa::path(post, path = "/events/{id}/duplicate", tag = "events", params(("id" = EventId, Path), ("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)),
    security(("token" = [])), request_body = DuplicateEvent, responses((status = 201, body = Event), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub(crate) async fn duplicate(
    target: EventFor<actions::Manage>,
    repeatable: Repeatable,
    State(app): State<App>,
    json: ValidJson<DuplicateEvent>,
) -> Result<Made, Problem> {
    let call = idempotency::Call::new(target.caller.id(), repeatable.key, &repeatable.route, &json.hash);
    super::duplicate::duplicate(&app.pool, app.clock, target.caller.id(), target.event, json.body, &call).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BookingsQuery {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    #[param(inline, value_type = Option<CursorText>)]
    cursor: Option<String>,
    /// Only those that still want seats, by their position.
    waiting: Option<bool>,
}

/// The event's bookings for its staff: confirmed by lowest seat, then waiting by position, then cancelled, newest first.
#[utoipa::path(get, path = "/events/{id}/bookings", tag = "events", params(("id" = EventId, Path), BookingsQuery), security(("token" = [])), responses(
    (status = 200, body = [Booking]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn bookings(
    target: EventFor<actions::Manage>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<BookingsQuery>,
) -> Result<Listed<Booking>, Problem> {
    let page = Page::parse(query.limit, query.cursor.as_deref(), Order::Name)?;
    let only_waiting = query.waiting.unwrap_or(false);
    let after = match page.after_name() {
        Some(text) => Some(Place::parse(&text).ok_or_else(|| Problem::field("cursor", "is not one of ours"))?),
        None => None,
    };
    let total = board::count(&app.pools.staff, target.event, only_waiting).await?;
    let rows = board::page(&app.pools.staff, app.seats.reader(), target.event, only_waiting, (after, &page)).await?;
    let listed = Listed::new(rows, &page, total, &uri, |one| Cursor::at_name(&one.place.text(), one.booking.id.0));
    Ok(listed.map(|one| one.booking))
}

/// The event's people as CSV: name, e-mail, status, seats, position, booked at.
#[utoipa::path(get, path = "/events/{id}/attendees.csv", tag = "events", params(("id" = EventId, Path)), security(("token" = [])), responses(
    (status = 200, body = String, content_type = "text/csv"), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn attendees(target: EventFor<actions::Manage>, State(app): State<App>) -> Result<Response, Problem> {
    let _turn = app.exports.acquire().await.map_err(Problem::unavailable)?;
    let rows = board::all(&app.pools.staff, app.seats.reader(), target.event).await?;
    let file = super::attendees::csv(rows.into_iter()).map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"attendees.csv\""),
    ];
    Ok((headers, file).into_response())
}

/// The event as a calendar file.
#[utoipa::path(get, path = "/events/{id}/calendar.ics", tag = "events", params(("id" = EventId, Path)), security(("token" = [])), responses(
    (status = 200, body = String, content_type = "text/calendar"), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn calendar(target: EventFor<actions::See>, State(app): State<App>) -> Result<Response, Problem> {
    let found = views::find(&mut *app.conn().await?, target.caller.id(), target.event).await?;
    let event = found.ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"event.ics\""),
    ];
    Ok((headers, calendar::file(&CalendarEvent::of(&event, &app.links.event(event.id)), app.clock.now()))
        .into_response())
}

/// What happened to the event and its bookings, newest first; for its staff.
#[utoipa::path(get, path = "/events/{id}/activity", tag = "events", params(("id" = EventId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [ActivityEntry]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
pub(crate) async fn activity(
    target: EventFor<actions::Manage>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<ActivityEntry>, Problem> {
    let page = query.page()?;
    let mut conn = app.staff_conn().await?;
    let total = lists::count_activity(&mut conn, target.event).await?;
    let rows = lists::activity(&mut conn, target.event, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}
