//! Creates a booking, which holds seats or joins the waitlist.
//!
//! The booking's id is computed from the person and the Idempotency-Key, so every copy of a request, on any server, finds the same
//! booking.

use happening_api::{BookingId, CreateBooking, OnConflict, UserId};
use happening_seating::Choice;
use sqlx::PgPool;
use uuid::Uuid;

use super::store;
use crate::clock::Clock;
use crate::database;
use crate::events::store as event_store;
use crate::problem::Problem;
use crate::seats::{Answer, Command, Kind, OnBehalf, Reply, Seats};

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

/// The answer to a creating call.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) id: BookingId,
    pub(crate) body: Answer,
    /// Whether this is the answer to an earlier copy of the call.
    pub(crate) replayed: bool,
}

/// Creates a booking. It is completed or refused even if the caller goes away. `identity` is the pool for access checks.
///
/// # Errors
/// In this order: 403 for another person's id, unless the caller manages the event; 400 without a reason, or for a person whom staff
/// may not book for; 422 when the key was used with another body; 404, `event_not_open`, 400, `limit_reached`, `seats_taken`,
/// `sold_out`; 503.
pub(crate) async fn create(
    writer: &Seats,
    identity: &PgPool,
    clock: Clock,
    request: Create,
) -> Result<Created, Problem> {
    let Create { caller, body, key, request_hash, request_id } = request;
    let id = match &key {
        Some(key) => Uuid::new_v5(&caller.0, key.as_bytes()),
        None => clock.new_id(),
    };
    let on_behalf = on_behalf(identity, caller, BookingId(id), &body).await?;
    let seats = body.seats.cast_unsigned();
    let kind = Kind::Create { seats, choice: choice(&body), waitlist: body.waitlist, request_hash, on_behalf };
    let command = Command { id, event: body.event_id, caller, kind, request_id };
    let (body, replayed) = done(writer.submit(command).await)?;
    Ok(Created { id: BookingId(id), body, replayed })
}

/// The person whom the event's staff book for, and their reason; `None` when the caller books for themselves.
async fn on_behalf(
    identity: &PgPool,
    caller: UserId,
    id: BookingId,
    body: &CreateBooking,
) -> Result<Option<OnBehalf>, Problem> {
    // trimmed, because validation measured the trimmed text
    let reason = body.reason.as_ref().map(|reason| reason.trim().to_owned());
    let Some(person) = body.user_id.filter(|person| *person != caller) else {
        let own = "is for a booking on another person's behalf";
        return if reason.is_none() { Ok(None) } else { Err(Problem::field("reason", own)) };
    };
    let mut conn = database::conn(identity).await?;
    let standing = event_store::standing(&mut conn, body.event_id, caller).await?;
    if !standing.is_some_and(|(_, standing)| standing.staff()) {
        return Err(Problem::forbidden());
    }
    let reason = reason.ok_or_else(|| Problem::field("reason", "is required when it is not your own booking"))?;
    if !store::may_be_booked_for(&mut conn, body.event_id, person, id).await? {
        let unknown = "must be a member of the organization, or a person who has booked at this event before";
        return Err(Problem::field("user_id", unknown));
    }
    Ok(Some(OnBehalf { person, reason }))
}

fn choice(body: &CreateBooking) -> Choice {
    let Some(seats) = &body.seat_numbers else { return Choice::Any };
    let seats = seats.iter().map(|seat| seat.cast_unsigned()).collect();
    match body.on_conflict {
        OnConflict::Reject => Choice::Only(seats),
        OnConflict::Reassign => Choice::Rather(seats),
    }
}

/// Turns the reply to a command into its answer, and whether an earlier copy of the command had been answered.
///
/// # Errors
/// The refusal as the caller is told; 503.
pub(super) fn done(reply: Result<Reply, crate::seats::Full>) -> Result<(Answer, bool), Problem> {
    match reply.map_err(Problem::unavailable)? {
        Reply::Done(answer) => Ok((answer, false)),
        Reply::Replayed(answer) => Ok((answer, true)),
        Reply::Refused(refusal) => Err(refusal.into()),
        Reply::Nothing | Reply::Portion { .. } => {
            Err(Problem::unavailable(anyhow::anyhow!("the command was not done in time")))
        }
        Reply::Unknown => Err(Problem::outcome_unknown(anyhow::anyhow!("the reply to the commit was lost"))),
    }
}
