//! What a caller asks of an event's seats, and what it is answered.

use std::time::Duration;

use happening_api::{BookingId, EventId, UserId};
use happening_seating::{Choice, Seat};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::answer::Answer;
use crate::access::Access;

/// A change that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Id of the booking that it creates, else of the history row that it writes. By it a command that was done is recognized.
    pub(crate) id: Uuid,
    pub(crate) event: EventId,
    pub(crate) caller: UserId,
    pub(crate) kind: Kind,
    pub(crate) request_id: String,
}

/// Kinds of commands.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Create {
        seats: u32,
        choice: Choice,
        waitlist: bool,
        /// SHA-256 of the request's body.
        request_hash: Vec<u8>,
        /// Staff of the event book for another person.
        on_behalf: Option<OnBehalf>,
    },
    Claim {
        booking: BookingId,
        /// Exactly so many; without it all that are free and wanted.
        seats: Option<u32>,
    },
    GiveBack {
        booking: BookingId,
        /// The seats to give back. Without it the whole booking is cancelled, with its place on the waitlist.
        seats: Option<Vec<Seat>>,
        reason: Option<String>,
    },
    /// A portion of a long change. A timer asks for it, no caller.
    Due(Due),
}

/// Whom staff book for, and why.
#[derive(Clone, Debug)]
pub(crate) struct OnBehalf {
    pub(crate) person: UserId,
    pub(crate) reason: String,
}

/// Bookings that end, or seats that go to the waitlist, in one transaction: more would hold the event's row for long.
pub(crate) const PORTION: u32 = 500;

/// Changes that are too long for one transaction. Each portion holds the event's row for a moment only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The event has started: so many bookings at most leave the waitlist.
    EndWaiting { at_most: u32 },
    /// The event was cancelled: bookings with so many seats at most end. The caller is the person who cancelled it.
    EndBookings { at_most: u32 },
    /// The capacity was raised: so many of the new seats at most go to the waitlist. All that are left once none waits.
    AddSeats { at_most: u32 },
}

impl Kind {
    /// The booking that the command is about; none for a new one.
    pub(super) fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Create { .. } | Self::Due(_) => None,
            Self::Claim { booking, .. } | Self::GiveBack { booking, .. } => Some(*booking),
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Committed: the booking as it is now.
    Done(Answer),
    /// It was committed before, by a copy of this command: the first answer.
    Replayed(Answer),
    Refused(Refusal),
    /// A portion is done: so many bookings or seats are left to do.
    Portion {
        left: u32,
    },
    /// Nothing happened: the database is away, or the event's row was not had in time.
    Nothing,
    /// It may have happened.
    Unknown,
}

/// Why a command must not be done, as things stand under the event's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The caller may not do this, or not know of the event.
    Access(Access),
    /// The id belongs to another request.
    KeyReused,
    Rule(happening_seating::Refusal),
}

impl Refusal {
    pub(super) const NOT_FOUND: Self = Self::Access(Access::Hidden);
}

/// A command that waits for its turn.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Reply>,
    /// When it came, or when the reply to its commit was lost.
    pub(super) since: std::time::Instant,
    /// Times that it failed alone.
    pub(super) failures: u32,
    /// A transaction with it may have been committed.
    pub(super) may_be_done: bool,
}

/// A command that has not begun by then is given up.
pub(super) const WAIT_MAX: Duration = Duration::from_millis(900);

impl Pending {
    /// It has waited for too long.
    pub(super) fn is_late(&self) -> bool {
        self.since.elapsed() > WAIT_MAX
    }

    /// Answers. The caller may be gone: what was done stays, and a repeated call finds it.
    pub(super) fn answer(self, reply: Reply) {
        drop(self.reply.send(reply));
    }

    /// Answers that it was not done, as far as is known.
    pub(super) fn give_up(self) {
        let reply = if self.may_be_done { Reply::Unknown } else { Reply::Nothing };
        self.answer(reply);
    }
}
