//! Takes seats that are free now for a booking that waits.

use happening_api::{BookingStatus, ErrorCode, UserId};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::answer::Answer;
use super::create::{granted_seats, key_reused};
use super::reserve::reserve;
use super::store::{self, BookingRow};
use super::writer::{Item, Kind, Place, Refusal, Reply};
use crate::access::{self, Access, EventAction};
use crate::app::App;
use crate::events::store as event_store;
use crate::gate::{Admission, Hold, Taken, Want};
use crate::http::{ApiError, ApiResult};

const TRIES_MAX: u32 = 4;
const COPY_POLLS_MAX: u32 = 40;
const COPY_POLL_EVERY: std::time::Duration = std::time::Duration::from_millis(25);

/// A request to claim.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) caller: UserId,
    pub(crate) booking: BookingRow,
    /// Exactly so many; without it all that are free and wanted.
    pub(crate) seats: Option<i32>,
    pub(crate) key: Option<String>,
    pub(crate) request_id: String,
}

/// An answer to a claim.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    /// The changed booking.
    pub(crate) body: Answer,
    /// The call had been answered before.
    pub(crate) replayed: bool,
}

/// Claims.
///
/// # Errors
/// `already_cancelled`, `event_started`, 400 for more than wanted, `nothing_to_claim`, `not_enough_free`, 404, 503.
pub(crate) async fn claim(app: &App, request: &Claim) -> ApiResult<Claimed> {
    let id = match &request.key {
        Some(key) => Uuid::new_v5(&request.caller.0, format!("claim {key}").as_bytes()),
        None => app.clock.new_id(),
    };
    if let Some(answer) = find_answer(app, request, id).await? {
        return Ok(answer);
    }
    match take(app, request, id).await {
        // before any refusal of a keyed request: a copy of it may have succeeded
        Err(refusal) if !refusal.is_failure() => find_answer(app, request, id).await?.ok_or(refusal),
        Err(failure) if request.key.is_some() => Err(failure.of_unknown_outcome()),
        result => result,
    }
}

async fn take(app: &App, request: &Claim, id: Uuid) -> ApiResult<Claimed> {
    let mut booking = request.booking.clone();
    for _ in 0..TRIES_MAX {
        let event = booking.event_id;
        let want = check(app, request, &booking).await?;
        let place = app.writer.place(event).map_err(ApiError::unavailable)?;
        let (hold, admission) = reserve(app, event, id, want).await?;
        match admission {
            Admission::Granted { taken, generation, .. } => {
                let asked_too_much = granted_seats(&taken) as i32;
                match write(request, hold, taken, generation, place).await {
                    Reply::Written(body) => return Ok(Claimed { body, replayed: false }),
                    Reply::Exists { answer, same_request } => return replay(answer, same_request),
                    Reply::OtherGeneration => super::create::rebuild(app, event, generation).await?,
                    // without a number it tries again with fewer
                    Reply::Refused(Refusal::WantsFewer { wanted })
                        if request.seats.is_none() && wanted < asked_too_much => {}
                    Reply::Refused(refusal) => return Err(as_claim(refusal)),
                    Reply::Unavailable => {
                        return Err(ApiError::unavailable(anyhow::anyhow!("the batch was not written")));
                    }
                    Reply::OutcomeUnknown => return after_lost_reply(app, request, id).await,
                }
            }
            Admission::NotLoaded => super::create::rebuild(app, event, 0).await?,
            Admission::InFlight => {
                if let Some(answer) = wait_for_copy(app, request, id).await? {
                    return Ok(answer);
                }
            }
            Admission::SoldOut { free } => return Err(too_few(request.seats, free)),
            Admission::OutOfRange { free } => return Err(too_few(request.seats, free)),
            Admission::SeatsTaken { .. } => return Err(too_few(request.seats, 0)),
        }
        booking = store::find_row(&mut *app.conn().await?, booking.id).await?.ok_or_else(ApiError::not_found)?;
    }
    Err(ApiError::unavailable(anyhow::anyhow!("the gate was rebuilt {TRIES_MAX} times during one claim")))
}

/// What the rows say before the gate is asked; answers the wish.
async fn check(app: &App, request: &Claim, booking: &BookingRow) -> ApiResult<Want> {
    if booking.status == BookingStatus::Cancelled {
        return Err(Refusal::AlreadyCancelled.into());
    }
    if !app.events.read(app, booking.event_id).await?.is_some_and(|event| event.upcoming) {
        return Err(event_started());
    }
    // a former member keeps the place, but may not take seats
    let standing = event_store::standing(&mut *app.conn().await?, booking.event_id, request.caller).await?;
    if !standing.is_some_and(|(_, standing)| access::event(EventAction::Book, standing) == Access::Allowed) {
        return Err(ApiError::forbidden());
    }
    match request.seats {
        Some(seats) if seats > booking.waiting_seats => {
            Err(Refusal::WantsFewer { wanted: booking.waiting_seats }.into())
        }
        Some(seats) => Ok(Want::Lowest { seats, waitlist: false }),
        None if booking.waiting_seats == 0 => Err(too_few(None, 0)),
        None => Ok(Want::UpTo(booking.waiting_seats)),
    }
}

async fn write(request: &Claim, hold: Hold, taken: Taken, generation: i64, place: Place) -> Reply {
    let (reply, answer) = oneshot::channel();
    place.submit(Item {
        event: request.booking.event_id,
        user: request.caller,
        hold,
        generation,
        taken,
        kind: Kind::Claim { booking: request.booking.id, asked: request.seats },
        request_id: request.request_id.clone(),
        reply,
    });
    answer.await.unwrap_or(Reply::OutcomeUnknown)
}

/// Another copy of this claim is on its way: its answer. `None`: it came to nothing, so try.
async fn wait_for_copy(app: &App, request: &Claim, id: Uuid) -> ApiResult<Option<Claimed>> {
    for _ in 0..COPY_POLLS_MAX {
        let pending = app.gate.is_pending(request.booking.event_id, id).await?;
        match find_answer(app, request, id).await? {
            Some(answer) => return Ok(Some(answer)),
            None if !pending => return Ok(None),
            None => tokio::time::sleep(COPY_POLL_EVERY).await,
        }
    }
    Err(ApiError::outcome_unknown(anyhow::anyhow!("another copy of this claim is still on its way")))
}

async fn find_answer(app: &App, request: &Claim, claim: Uuid) -> ApiResult<Option<Claimed>> {
    if request.key.is_none() {
        return Ok(None);
    }
    let found = store::claim_answer(&mut *app.conn().await?, claim).await?;
    found
        .map(|first| {
            let same_request = first.is_of(request.booking.id, request.seats);
            replay(first.answer, same_request)
        })
        .transpose()
}

fn replay(body: Answer, same_request: bool) -> ApiResult<Claimed> {
    if same_request { Ok(Claimed { body, replayed: true }) } else { Err(key_reused()) }
}

async fn after_lost_reply(app: &App, request: &Claim, claim: Uuid) -> ApiResult<Claimed> {
    let lost = || ApiError::outcome_unknown(anyhow::anyhow!("the reply to the commit was lost"));
    let mut conn = app.conn().await.map_err(|_| lost())?;
    let found = store::claim_answer(&mut conn, claim).await.map_err(|_| lost())?;
    found
        .filter(|first| first.is_of(request.booking.id, request.seats))
        .map(|first| Claimed { body: first.answer, replayed: false })
        .ok_or_else(lost)
}

fn too_few(asked: Option<i32>, free: i32) -> ApiError {
    match asked {
        None => ApiError::new(ErrorCode::NothingToClaim, "No seat that this booking wants is free."),
        Some(_) => ApiError::new(ErrorCode::NotEnoughFree, format!("Only {free} seats are free."))
            .with(|details| details.free = Some(free)),
    }
}

fn as_claim(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::EventNotOpen => event_started(),
        // they see their booking, so there is nothing to hide: they are no member any more
        Refusal::NotFound => ApiError::forbidden(),
        other => other.into(),
    }
}

pub(super) fn event_started() -> ApiError {
    ApiError::new(ErrorCode::EventStarted, "The event has started; its bookings stay as they are.")
}
