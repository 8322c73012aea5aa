//! Books seats, or joins the waitlist.
//!
//! A place in the writer is taken first, so that nothing is reserved that cannot be written; then the gate is asked;
//! then the batch writer commits. A request with a key has an id that follows from person and key, so every copy of it,
//! on any replica, meets the same booking.

use std::time::Duration;

use happening_api::{BookingId, CreateBooking, ErrorCode, EventId, OnConflict, UserId};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::answer::Answer;
use super::reserve::reserve;
use super::store;
use super::writer::{Item, Kind, Refusal, Reply};
use crate::app::App;
use crate::gate::rebuild::Rebuilt;
use crate::gate::{Admission, Taken, Want};
use crate::http::{ApiError, ApiResult};

/// Tries when the gate and the event were of different generations.
const RESIZE_PAUSE: Duration = Duration::from_millis(100);
const TRIES_MAX: u32 = 4;
const CHECK_TIMEOUT: Duration = Duration::from_millis(900);
/// With the gate's own timeout less than the second within which everybody is answered.
const LOOK_TIMEOUT: Duration = Duration::from_millis(300);
const COPY_POLLS_MAX: u32 = 40;
const COPY_POLL_EVERY: Duration = Duration::from_millis(25);

/// A request to book.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    pub(crate) caller: UserId,
    pub(crate) body: CreateBooking,
    /// The client's Idempotency-Key.
    pub(crate) key: Option<String>,
    /// SHA-256 of the body as a JSON value.
    pub(crate) request_hash: Vec<u8>,
    pub(crate) request_id: String,
}

/// An answer to a creating call.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) id: BookingId,
    pub(crate) body: Answer,
    /// The call had been answered before.
    pub(crate) replayed: bool,
}

/// Books.
///
/// # Errors
/// In this order: 403 for another person's id, 404, `event_not_open`, 400, `limit_reached`, `seats_taken`, `sold_out`; 422
/// for a key with another body; 503.
pub(crate) async fn create(app: &App, request: &Create) -> ApiResult<Created> {
    let booking = BookingId(match &request.key {
        Some(key) => Uuid::new_v5(&request.caller.0, key.as_bytes()),
        None => app.clock.new_id(),
    });
    match book(app, request, booking).await {
        // before any refusal of a keyed request: a copy of it may have been booked
        Err(refusal) if request.key.is_some() && !refusal.is_failure() => {
            let found = store::first_answer(&mut *app.conn().await?, booking).await?;
            match found {
                Some((hash, answer)) => replay(booking, answer, hash == request.request_hash),
                None => Err(refusal),
            }
        }
        Err(failure) if request.key.is_some() => after_failure(app, request, booking, failure).await,
        result => result,
    }
}

/// What a failed call with a key is answered: its booking, when a copy of it was written; that nothing happened only when the
/// key is seen to be nowhere, neither pending at the gate nor, afterwards, in the rows.
async fn after_failure(app: &App, request: &Create, booking: BookingId, failure: ApiError) -> ApiResult<Created> {
    let look = async {
        let pending = app.gate.is_pending(request.body.event_id, booking.0).await?;
        let found = store::first_answer(&mut *app.conn().await?, booking).await?;
        ApiResult::Ok((pending, found))
    };
    match tokio::time::timeout(LOOK_TIMEOUT, look).await {
        Ok(Ok((pending, Some((hash, answer))))) if answer.holds_seats() || !pending => {
            replay(booking, answer, hash == request.request_hash)
        }
        Ok(Ok((false, None))) => Err(failure.of_nothing()),
        _ => Err(failure.of_unknown_outcome()),
    }
}

/// Makes sure that a newer gate is loaded. A closed event's remembered facts are forgotten: the next check says why.
pub(super) async fn rebuild(app: &App, event: EventId, bad: i64) -> ApiResult<()> {
    if app.rebuilder.rebuild(event, bad).await? == Rebuilt::Closed {
        app.events.forget(event);
    }
    Ok(())
}

async fn book(app: &App, request: &Create, booking: BookingId) -> ApiResult<Created> {
    let body = &request.body;
    if body.user_id.is_some_and(|user| user != request.caller) {
        return Err(ApiError::forbidden());
    }
    check(app, request).await?;
    for _ in 0..TRIES_MAX {
        let place = app.writer.place(body.event_id).map_err(ApiError::unavailable)?;
        let (hold, admission) = reserve(app, body.event_id, booking.0, wish(body)).await?;
        match admission {
            Admission::Granted { taken, generation, reassigned } => {
                let (reply, answer) = oneshot::channel();
                let kind = Kind::Create { seats: body.seats, reassigned, request_hash: request.request_hash.clone() };
                let request_id = request.request_id.clone();
                place.submit(Item {
                    event: body.event_id,
                    user: request.caller,
                    hold,
                    generation,
                    taken,
                    kind,
                    request_id,
                    reply,
                });
                match answer.await.unwrap_or(Reply::OutcomeUnknown) {
                    Reply::OtherGeneration => rebuild(app, body.event_id, generation).await?,
                    Reply::OutcomeUnknown => return after_lost_reply(app, request, booking).await,
                    Reply::Refused(Refusal::NotFound) => return Err(may_not_book(app, request).await),
                    reply => return answered(booking, reply),
                }
            }
            Admission::NotLoaded => rebuild(app, body.event_id, 0).await?,
            Admission::InFlight => {
                if let Some(created) = wait_for_copy(app, request, booking).await? {
                    return Ok(created);
                }
            }
            Admission::OutOfRange { .. } => {
                app.events.forget(body.event_id);
                check(app, request).await?;
                // the rows have these seats: the gate of the larger event is about to be loaded
                tokio::time::sleep(RESIZE_PAUSE).await;
            }
            Admission::SeatsTaken { seats } => return Err(refuse(app, request, seats_taken(seats)).await),
            Admission::SoldOut { .. } => return Err(refuse(app, request, sold_out()).await),
        }
        check(app, request).await?;
    }
    Err(ApiError::unavailable(anyhow::anyhow!("the gate was rebuilt {TRIES_MAX} times during one request")))
}

/// The person was a member a moment ago: what they may still see of the event says how they are answered.
async fn may_not_book(app: &App, request: &Create) -> ApiError {
    app.events.forget_member(request.body.event_id, request.caller);
    check(app, request).await.err().unwrap_or_else(ApiError::not_found)
}

/// A database that does not answer is said so within a second; nothing was reserved yet.
async fn check(app: &App, request: &Create) -> ApiResult<()> {
    let check = app.events.check_bookable(app, request.caller, &request.body);
    tokio::time::timeout(CHECK_TIMEOUT, check).await.map_err(ApiError::unavailable)?
}

fn wish(body: &CreateBooking) -> Want {
    match (&body.seat_numbers, body.on_conflict) {
        (None, _) => Want::Lowest { seats: body.seats, waitlist: body.waitlist },
        (Some(seats), OnConflict::Reject) => Want::Exact(seats.clone()),
        (Some(seats), OnConflict::Reassign) => Want::Prefer { seats: seats.clone(), waitlist: body.waitlist },
    }
}

fn answered(booking: BookingId, reply: Reply) -> ApiResult<Created> {
    match reply {
        Reply::Written(answer) => Ok(Created { id: booking, body: answer, replayed: false }),
        Reply::Exists { answer, same_request } => replay(booking, answer, same_request),
        Reply::Refused(refusal) => Err(refusal.into()),
        Reply::Unavailable => Err(ApiError::unavailable(anyhow::anyhow!("the batch was not written"))),
        Reply::OtherGeneration | Reply::OutcomeUnknown => Err(ApiError::outcome_unknown(anyhow::anyhow!("no reply"))),
    }
}

fn replay(booking: BookingId, answer: Answer, same_request: bool) -> ApiResult<Created> {
    if same_request { Ok(Created { id: booking, body: answer, replayed: true }) } else { Err(key_reused()) }
}

pub(super) fn key_reused() -> ApiError {
    ApiError::key_reused()
}

/// The reply to COMMIT was lost: with seats it is an answer; a joining may not be known to the gate yet.
async fn after_lost_reply(app: &App, request: &Create, booking: BookingId) -> ApiResult<Created> {
    let lost = || ApiError::outcome_unknown(anyhow::anyhow!("the reply to the commit was lost"));
    let mut conn = app.conn().await.map_err(|_| lost())?;
    match store::first_answer(&mut conn, booking).await.map_err(|_| lost())? {
        Some((hash, answer)) if answer.holds_seats() => {
            replay(booking, answer, hash == request.request_hash).map(|created| Created { replayed: false, ..created })
        }
        _ => Err(lost()),
    }
}

/// Another copy of this request is on its way: its booking is the answer. `None`: it came to nothing, so try.
async fn wait_for_copy(app: &App, request: &Create, booking: BookingId) -> ApiResult<Option<Created>> {
    for _ in 0..COPY_POLLS_MAX {
        let pending = app.gate.is_pending(request.body.event_id, booking.0).await?;
        let found = store::first_answer(&mut *app.conn().await?, booking).await?;
        match found {
            Some((hash, answer)) if answer.holds_seats() || !pending => {
                return replay(booking, answer, hash == request.request_hash).map(Some);
            }
            None if !pending => return Ok(None),
            _ => tokio::time::sleep(COPY_POLL_EVERY).await,
        }
    }
    Err(ApiError::outcome_unknown(anyhow::anyhow!("another copy of this request is still on its way")))
}

/// `limit_reached` comes before `seats_taken` and `sold_out`.
async fn refuse(app: &App, request: &Create, refusal: ApiError) -> ApiError {
    match app.events.check_limit(app, request.caller, &request.body).await {
        Ok(()) => refusal,
        Err(error) => error,
    }
}

fn seats_taken(mut seats: Vec<i32>) -> ApiError {
    seats.sort_unstable();
    let sentence = if seats.len() == 1 { "That seat is taken." } else { "Those seats are taken." };
    ApiError::new(ErrorCode::SeatsTaken, sentence).with(|details| details.seats = Some(seats))
}

fn sold_out() -> ApiError {
    ApiError::new(ErrorCode::SoldOut, "Not enough seats are free.")
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::not_found(),
            Refusal::EventNotOpen => event_not_open(),
            Refusal::LimitReached { limit, have } => limit_reached(limit, have),
            Refusal::KeyReused => key_reused(),
            Refusal::AlreadyCancelled => Self::new(ErrorCode::AlreadyCancelled, "This booking was cancelled already."),
            Refusal::WantsFewer { wanted } => {
                Self::field("seats", format!("the booking waits for {wanted} more, not for so many"))
            }
        }
    }
}

pub(crate) fn event_not_open() -> ApiError {
    ApiError::new(ErrorCode::EventNotOpen, "This event takes no bookings any more.")
}

pub(crate) fn limit_reached(limit: i32, have: i32) -> ApiError {
    let sentence = format!("One person can have {limit} seats at this event; you have {have}.");
    ApiError::new(ErrorCode::LimitReached, sentence).with(|details| {
        details.limit = Some(limit);
        details.have = Some(have);
    })
}

/// Seats of a granted wish; none for a joining.
pub(super) fn granted_seats(taken: &Taken) -> usize {
    match taken {
        Taken::Seats(seats) => seats.len(),
        Taken::Join => 0,
    }
}
