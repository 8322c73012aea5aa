//! Routes of bookings. A command that was handed to the seat writer is completed even if its caller goes away.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use happening_api::{
    Booking, BookingId, CancelBooking, CancelSeats, ClaimSeats, CreateBooking, ErrorBody, HistoryEntry, UserId,
    WaitlistMove,
};
use http::{HeaderValue, StatusCode, Uri, header};

use super::claim::Claim;
use super::create::Create;
use super::give_back::GiveBack;
use super::{claim, create, give_back, lists};
use crate::app::App;
use crate::http::{
    BookingFor, CurrentUser, IdempotencyKey, OptionalJson, PathId, REPLAYED, RequestContext, ValidJson, ValidQuery,
    actions,
};
use crate::organizations::http::PageQuery;
use crate::page::{Cursor, Listed};
use crate::problem::Problem;
use crate::seats::Answer;

/// Books seats, or joins the waitlist. With an `Idempotency-Key` the same call can be repeated without booking twice.
#[utoipa::path(post, path = "/bookings", tag = "bookings", params(("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)), security(("token" = [])),
    request_body = CreateBooking, responses((status = 201, body = Booking), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 415, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn create(
    caller: CurrentUser,
    IdempotencyKey(key): IdempotencyKey,
    context: RequestContext,
    State(app): State<App>,
    json: ValidJson<CreateBooking>,
) -> Result<Response, Problem> {
    let request =
        Create { caller: caller.id(), body: json.body, key, request_hash: json.hash, request_id: context.request_id };
    let created = create::create(&app.seats, &app.pools.identity, app.clock, request).await?;
    let location = format!("/bookings/{}", created.id);
    let response = (StatusCode::CREATED, [(header::LOCATION, location)], created.body).into_response();
    Ok(say_replayed(response, created.replayed))
}

/// One booking as it is now.
#[utoipa::path(get, path = "/bookings/{id}", tag = "bookings", params(("id" = BookingId, Path)), security(("token" = [])), responses(
    (status = 200, body = Booking), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn get(target: BookingFor<actions::See>, State(app): State<App>) -> Result<Json<Booking>, Problem> {
    let mut booking =
        lists::find(&app.pool, app.seats.reader(), target.booking.id).await?.ok_or_else(Problem::not_found)?;
    if booking.user_id != target.caller.id() {
        booking.user = lists::person(&mut *app.conn().await?, booking.user_id).await?;
    }
    Ok(Json(booking))
}

/// The caller's bookings, newest first; another person's id is refused.
#[utoipa::path(get, path = "/bookings/user/{userId}", tag = "bookings", params(("userId" = UserId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [Booking]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn list_of_person(
    caller: CurrentUser,
    PathId(user): PathId<UserId>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<Booking>, Problem> {
    if user != caller.id() {
        return Err(Problem::forbidden());
    }
    let page = query.page()?;
    let total = lists::count_of_person(&mut *app.conn().await?, user).await?;
    let rows = lists::list(&app.pool, app.seats.reader(), &lists::Of::Person(user), &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}

/// Builds the request to give seats back. Staff must give a reason, which is sent to the booking's person.
fn request_of<A>(
    target: &BookingFor<A>,
    context: RequestContext,
    seats: Option<Vec<i32>>,
    reason: Option<String>,
) -> Result<GiveBack, Problem> {
    let (caller, booking) = (target.caller.id(), &target.booking);
    let reason = reason.map(|reason| reason.trim().to_owned()); // trimmed, because validation measured the trimmed text
    if caller != booking.user_id && reason.is_none() {
        return Err(Problem::field("reason", "is required when it is not your own booking"));
    }
    let request_id = context.request_id;
    Ok(GiveBack { caller, event: booking.event_id, booking: booking.id, seats, reason, request_id })
}

/// Cancels a booking: frees all seats and leaves the waitlist.
#[utoipa::path(post, path = "/bookings/{id}/cancel", tag = "bookings", params(("id" = BookingId, Path)), security(("token" = [])),
    request_body = Option<CancelBooking>, responses((status = 200, body = Booking), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn cancel(
    target: BookingFor<actions::GiveUp>,
    context: RequestContext,
    State(app): State<App>,
    OptionalJson(body): OptionalJson<CancelBooking>,
) -> Result<Answer, Problem> {
    give_back::give_back(&app.seats, app.clock, request_of(&target, context, None, body.reason)?).await
}

/// Gives up some seats.
#[utoipa::path(post, path = "/bookings/{id}/cancel-seats", tag = "bookings", params(("id" = BookingId, Path)), security(("token" = [])),
    request_body = CancelSeats, responses((status = 200, body = Booking), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn cancel_seats(
    target: BookingFor<actions::GiveUp>,
    context: RequestContext,
    State(app): State<App>,
    json: ValidJson<CancelSeats>,
) -> Result<Answer, Problem> {
    let CancelSeats { seat_numbers, reason } = json.body;
    give_back::give_back(&app.seats, app.clock, request_of(&target, context, Some(seat_numbers), reason)?).await
}

/// Takes seats that are free now for a booking that waits.
#[utoipa::path(post, path = "/bookings/{id}/claim", tag = "bookings", params(("id" = BookingId, Path), ("Idempotency-Key" = inline(Option<IdempotencyKey>), Header)),
    security(("token" = [])), request_body = Option<ClaimSeats>, responses((status = 200, body = Booking), (status = 400, body = ErrorBody),
    (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn claim(
    target: BookingFor<actions::Claim>,
    IdempotencyKey(key): IdempotencyKey,
    context: RequestContext,
    State(app): State<App>,
    OptionalJson(body): OptionalJson<ClaimSeats>,
) -> Result<Response, Problem> {
    let request = Claim {
        caller: target.caller.id(),
        event: target.booking.event_id,
        booking: target.booking.id,
        seats: body.seats,
        key,
        request_id: context.request_id,
    };
    let (answer, replayed) = claim::claim(&app.seats, app.clock, request).await?;
    Ok(say_replayed(answer.into_response(), replayed))
}

fn say_replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// How the place of a booking that waits came about: what happened to those ahead of it since it joined, newest first, at most
/// 50. Empty for a booking that does not wait.
#[utoipa::path(get, path = "/bookings/{id}/waitlist", tag = "bookings", params(("id" = BookingId, Path)), security(("token" = [])), responses(
    (status = 200, body = [WaitlistMove]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn waitlist(
    target: BookingFor<actions::See>,
    State(app): State<App>,
) -> Result<Json<Vec<WaitlistMove>>, Problem> {
    Ok(Json(lists::moves(&app.pool, app.seats.reader(), target.booking.id).await?))
}

/// What happened to a booking, newest first.
#[utoipa::path(get, path = "/bookings/{id}/history", tag = "bookings", params(("id" = BookingId, Path), PageQuery), security(("token" = [])), responses(
    (status = 200, body = [HistoryEntry]), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn history(
    target: BookingFor<actions::See>,
    State(app): State<App>,
    uri: Uri,
    ValidQuery(query): ValidQuery<PageQuery>,
) -> Result<Listed<HistoryEntry>, Problem> {
    let page = query.page()?;
    let mut conn = app.conn().await?;
    let total = lists::count_history(&mut conn, target.booking.id).await?;
    let rows = lists::history(&mut conn, target.booking.id, &page).await?;
    Ok(Listed::new(rows, &page, total, &uri, |one| Cursor::at_time(one.created_at, one.id.0)))
}
