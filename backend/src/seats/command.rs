//! The commands that change an event's seats, and the replies to them.

use std::time::Duration;

use happening_api::{BookingId, EventId, UserId};
use happening_seating::{Choice, Seat};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::answer::Answer;
use crate::access::Access;

/// A change of an event's seats that a caller or a timer asks for.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// The id of the booking that the command creates, or else of the history row that it writes. By this id a copy of a command that
    /// was done before is recognized.
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
        /// Set when staff of the event book for another person.
        on_behalf: Option<OnBehalf>,
    },
    Claim {
        booking: BookingId,
        /// How many seats to claim; `None` claims all seats that are both free and wanted.
        seats: Option<u32>,
    },
    GiveBack {
        booking: BookingId,
        /// The seats to give back. `None` cancels the whole booking, including its place on the waitlist.
        seats: Option<Vec<Seat>>,
        reason: Option<String>,
    },
    /// A portion of a long change. Only timers ask for it.
    Due(Due),
}

/// The person whom staff book for, and the reason they gave.
#[derive(Clone, Debug)]
pub(crate) struct OnBehalf {
    pub(crate) person: UserId,
    pub(crate) reason: String,
}

/// How many bookings end, or how many seats go to the waitlist, in one transaction. More would lock the event's row for long.
pub(crate) const PORTION: u32 = 500;

/// Changes that are too long for one transaction, so they are done in portions, each of which locks the event's row only briefly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The event has started: at most `at_most` bookings leave the waitlist.
    EndWaiting { at_most: u32 },
    /// The event was cancelled: bookings that hold at most `at_most` seats together end. The caller is the person who cancelled the
    /// event.
    EndBookings { at_most: u32 },
    /// The capacity was raised: at most `at_most` of the new seats go to the waitlist. Once no booking waits, all remaining seats are
    /// added.
    AddSeats { at_most: u32 },
}

impl Kind {
    /// The existing booking that the command is about; `None` when it creates a booking.
    pub(super) fn booking(&self) -> Option<BookingId> {
        match self {
            Self::Create { .. } | Self::Due(_) => None,
            Self::Claim { booking, .. } | Self::GiveBack { booking, .. } => Some(*booking),
        }
    }
}

/// The result of a command.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// The command was committed. Holds the booking as it is now.
    Done(Answer),
    /// A copy of this command was committed before. Holds the first answer.
    Replayed(Answer),
    Refused(Refusal),
    /// The portion was committed. Holds how many bookings or seats remain.
    Portion {
        left: u32,
    },
    /// Nothing happened: the database is away, or the event's row could not be locked in time.
    Nothing,
    /// It is unknown whether the command was committed.
    Unknown,
}

/// Why a command must not be done, decided while the event's row is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The caller may not do this, or may not see the event.
    Access(Access),
    /// The id was already used by a different request.
    KeyReused,
    Rule(happening_seating::Refusal),
}

impl Refusal {
    pub(super) const NOT_FOUND: Self = Self::Access(Access::Hidden);
}

/// A command in a queue.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Reply>,
    /// When the command arrived, or when the reply to its commit was lost.
    pub(super) since: std::time::Instant,
    /// How many times the command failed when it was alone in its transaction.
    pub(super) failures: u32,
    /// Whether a transaction with this command may have been committed.
    pub(super) may_be_done: bool,
}

/// A command that no transaction has begun after this time is given up.
pub(super) const WAIT_MAX: Duration = Duration::from_millis(900);

impl Pending {
    /// Whether the command has waited longer than `WAIT_MAX`.
    pub(super) fn is_late(&self) -> bool {
        self.since.elapsed() > WAIT_MAX
    }

    /// Sends the reply. The caller may have gone; the change stays, and a repeated call finds it.
    pub(super) fn answer(self, reply: Reply) {
        drop(self.reply.send(reply));
    }

    /// Replies that nothing happened or, if an earlier transaction may have committed the command, that this is unknown.
    pub(super) fn give_up(self) {
        let reply = if self.may_be_done { Reply::Unknown } else { Reply::Nothing };
        self.answer(reply);
    }
}
