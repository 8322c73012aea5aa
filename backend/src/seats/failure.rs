//! Chooses which commands of a failed transaction are tried again, in which order, and which are given up. When the database refuses
//! a batch, the batch is split by event and then halved, until the failing command is isolated.

use happening_api::EventId;
use uuid::Uuid;

use super::command::Pending;
use super::protection::{Protection, out};
use super::queue::Held;
use super::rows::WriteError;
use crate::database;

/// A command that failed alone for this many times is given up.
pub(super) const FAILURES_MAX: u32 = 3;
/// Postgres' error codes for a statement that exceeded its timeout, a lock that exceeded its timeout, and a deadlock.
const STATEMENT_TIMEOUT: &str = "57014";
const LOCK_TIMEOUT: &str = "55P03";
const DEADLOCK: &str = "40P01";

/// Why a transaction was not committed, or why it is unknown whether it was.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(WriteError),
    /// Preparing the transaction took longer than its timeout.
    Late,
    /// Deciding this command panicked.
    Panicked {
        event: EventId,
        command: Uuid,
    },
    /// The reply to COMMIT was lost.
    Unknown(sqlx::Error),
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// Handles a failed transaction: commands that can be tried again are, in their order.
pub(super) fn after(failure: Failure, mut part: Vec<Held>, todo: &mut Vec<Vec<Held>>) {
    match failure {
        Failure::Unknown(error) => {
            tracing::warn!(%error, "the reply to a commit was lost");
            for held in &mut part {
                held.contended = true; // a later transaction can lock the row only after the lost one has ended
                for pending in &mut held.commands {
                    (pending.may_be_done, pending.since) = (true, std::time::Instant::now());
                    if out(Protection::SameIdAgain) {
                        pending.command.id = Uuid::new_v4();
                    }
                }
            }
        }
        Failure::Panicked { event, command } => {
            tracing::error!(%event, %command, "deciding a command panicked");
            for held in part.iter_mut().filter(|held| held.event == event) {
                held.forget();
                let (bad, good): (Vec<Pending>, Vec<Pending>) =
                    std::mem::take(&mut held.commands).into_iter().partition(|one| one.command.id == command);
                held.commands = good;
                bad.into_iter().for_each(Pending::give_up);
            }
        }
        Failure::Late if part.len() > 1 => move_to_side_lanes(&mut part),
        Failure::Late => give_up(&mut part, "the database took too long"),
        Failure::Refused(error) => after_refusal(&error, part, todo),
    }
}

/// A transaction of several events took too long. Each event goes to a side lane, so that the slow event delays no other. The
/// commands had begun in time, so their waiting time starts again.
fn move_to_side_lanes(part: &mut [Held]) {
    for held in part {
        held.contended = true;
        held.commands.iter_mut().for_each(|pending| pending.since = std::time::Instant::now());
    }
}

fn give_up(part: &mut [Held], why: &str) {
    let commands: Vec<Pending> = part.iter_mut().flat_map(|held| std::mem::take(&mut held.commands)).collect();
    tracing::warn!(why, commands = commands.len(), "a batch was not written");
    commands.into_iter().for_each(Pending::give_up);
}

fn after_refusal(error: &WriteError, mut part: Vec<Held>, todo: &mut Vec<Vec<Held>>) {
    let database = match error {
        WriteError::Database(error) => Some(error),
        WriteError::OtherRows { .. } => None,
    };
    let code = database.and_then(|error| error.as_database_error()).and_then(|db| db.code()).unwrap_or_default();
    if part.len() > 1 && code == STATEMENT_TIMEOUT {
        move_to_side_lanes(&mut part);
    } else if part.len() > 1 && !database.is_some_and(is_broken) {
        // try each event alone, to find the one that fails
        todo.extend(part.into_iter().map(|held| vec![held]));
    } else if code == LOCK_TIMEOUT {
        part.iter_mut().for_each(|held| held.contended = true); // another transaction holds the row
    } else if database.is_some_and(is_broken)
        && part.iter().flat_map(|held| &held.commands).all(|one| one.failures == 0)
    {
        // after a broken connection the batch is tried once more; when the database does not answer, it is given up
        part.iter_mut().flat_map(|held| &mut held.commands).for_each(|one| one.failures += 1);
        todo.push(part);
    } else if database.is_some_and(database::is_away) && code != DEADLOCK {
        give_up(&mut part, &error.to_string());
    } else if let Some(mut held) = part.pop() {
        refused_alone(error, &mut held);
        if !held.commands.is_empty() {
            todo.push(vec![held]);
        }
    }
}

fn is_broken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(io) if io.kind() != std::io::ErrorKind::TimedOut)
}

/// The database refuses something of a single event: its commands are halved until the failing command is alone, which is then tried
/// again on a state read from the rows.
fn refused_alone(error: &WriteError, held: &mut Held) {
    held.forget();
    if held.commands.len() > 1 {
        let right = held.commands.split_off(held.commands.len() / 2);
        let right = if out(Protection::LeftFirst) { std::mem::replace(&mut held.commands, right) } else { right };
        held.later.push(right);
        return;
    }
    let Some(mut pending) = held.commands.pop() else { return };
    pending.failures += 1;
    if pending.failures < FAILURES_MAX {
        held.commands.push(pending);
    } else {
        tracing::error!(event = %held.event, %error, "the rows refuse a command");
        pending.give_up();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use happening_api::UserId;
    use tokio::sync::oneshot;

    use super::*;
    use crate::seats::command::{Command, Due, Kind, Reply, WAIT_MAX};
    use crate::seats::queue::Queues;

    /// Two events with a command each. The commands have waited longer than they may, but had begun in time.
    fn two_events() -> (Arc<Queues>, Vec<Held>, Vec<oneshot::Receiver<Reply>>) {
        let queues = Queues::new(true, Duration::from_secs(1));
        let mut answers = Vec::new();
        for n in 1..=2 {
            let id = Uuid::from_u128(n);
            let kind = Kind::Due(Due::EndWaiting { at_most: 1 });
            let command = Command { id, event: EventId(id), caller: UserId(id), kind, request_id: String::new() };
            let (reply, answer) = oneshot::channel();
            let pending = Pending { command, reply, since: std::time::Instant::now(), failures: 0, may_be_done: false };
            queues.add(pending).expect("there is room");
            answers.push(answer);
        }
        let mut part = queues.take_main();
        let long_ago = std::time::Instant::now().checked_sub(2 * WAIT_MAX);
        part.iter_mut().flat_map(|held| &mut held.commands).for_each(|one| one.since = long_ago.expect("an instant"));
        (queues, part, answers)
    }

    #[test]
    fn a_slow_event_fails_no_other() {
        let failures = [Failure::Late, Failure::Refused(crate::seats::simulation::refused(STATEMENT_TIMEOUT).into())];
        for failure in failures {
            let (queues, part, mut answers) = two_events();
            let mut todo = Vec::new();
            after(failure, part, &mut todo);
            assert!(todo.is_empty(), "the events are tried again together");
            let mut again: Vec<Held> = (0..2).filter_map(|_| queues.take_side()).collect();
            again.iter_mut().for_each(Held::give_up_late);
            assert_eq!(again.iter().map(|held| held.commands.len()).collect::<Vec<_>>(), [1, 1]);
            assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()), "a command was given up");
        }
    }
}
