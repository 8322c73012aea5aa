//! Failures in words: what happened, what it means, what the person can do.

use happening_api::{ApiFailure, ErrorCode, Outcome};

/// A failure in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) text: String,
    /// Whether the screen offers to try again.
    pub(crate) again: bool,
    /// Seconds to wait before trying again, when the server asked for it.
    pub(crate) wait_s: Option<u64>,
}

/// The words for a failed read.
pub(crate) fn of_read(failure: &ApiFailure) -> Words {
    of(failure, false)
}

/// The words for a failed booking or change. They say that nothing happened only when that is certain. `unsure`: an
/// earlier try may have succeeded. `keyed`: every try has the same idempotency key, so the server carries it out at
/// most once.
pub(crate) fn of_write(failure: &ApiFailure, unsure: bool, keyed: bool) -> Words {
    let mut words = match failure {
        ApiFailure::Busy { retry_after_s, .. } if unsure => unknown(Some(*retry_after_s)),
        ApiFailure::Offline if unsure => unknown(None),
        _ => of(failure, true),
    };
    if !keyed && (unsure || is_unsure(failure)) {
        words.text = format!("Look whether it was done before you try again.{}", request_of(failure));
    }
    words.again |= unsure; // only another try tells what happened
    words
}

/// The request's id, for support.
fn request_of(failure: &ApiFailure) -> String {
    match failure {
        ApiFailure::Refused { body, .. } if body.code == ErrorCode::Internal => {
            format!(" Request {}.", body.request_id)
        }
        _ => String::new(),
    }
}

/// The words for a failed booking.
pub(crate) fn of_booking(failure: &ApiFailure, unsure: bool) -> Words {
    let mut words = of_write(failure, unsure, true);
    if unsure || is_unsure(failure) {
        "We don't know yet whether it is booked".clone_into(&mut words.title);
        words.text = format!("Trying again cannot book twice.{}", request_of(failure));
    }
    words
}

/// The words for a failed booking or change whose screen the person has left. The app does not try again, because the
/// form's fields and the idempotency key are gone.
pub(crate) fn of_left(failure: &ApiFailure, unsure: bool) -> String {
    if unsure || is_unsure(failure) {
        return "We don't know whether your last action was done. Look before you do it again.".to_owned();
    }
    format!("Your last action was not done. {}.", of_write(failure, false, false).title)
}

/// Whether a booking or change that failed may have succeeded at the server.
pub(crate) fn is_unsure(failure: &ApiFailure) -> bool {
    match failure {
        ApiFailure::NoAnswer => true,
        ApiFailure::Busy { outcome, .. } => *outcome != Some(Outcome::Nothing),
        ApiFailure::Refused { body, .. } => body.code == ErrorCode::Internal,
        ApiFailure::Unexpected { .. } => true,
        ApiFailure::Offline | ApiFailure::SessionEnded => false,
    }
}

/// The problem that the server found in one field.
pub(crate) fn field(failure: &ApiFailure, name: &str) -> Option<String> {
    match failure {
        ApiFailure::Refused { body, .. } => body.details.fields.get(name).map(|reason| sentence(reason)),
        _ => None,
    }
}

/// "must lie ahead" as a sentence of its own.
fn sentence(reason: &str) -> String {
    format!("It {reason}.")
}

fn of(failure: &ApiFailure, write: bool) -> Words {
    let nothing = if write { " Nothing was changed." } else { "" };
    match failure {
        ApiFailure::Offline => Words {
            title: "You are offline".to_owned(),
            text: format!("The server cannot be reached.{nothing}"),
            again: true,
            wait_s: None,
        },
        ApiFailure::Busy { retry_after_s, outcome } if write && *outcome != Some(Outcome::Nothing) => {
            unknown(Some(*retry_after_s))
        }
        ApiFailure::NoAnswer | ApiFailure::Unexpected { .. } if write => unknown(None),
        ApiFailure::Busy { retry_after_s, .. } => Words {
            title: "A lot is going on right now".to_owned(),
            text: format!("We try again for you in a moment.{nothing}"),
            again: true,
            wait_s: Some(*retry_after_s),
        },
        ApiFailure::NoAnswer => Words {
            title: "No answer came".to_owned(),
            text: "The connection broke.".to_owned(),
            again: true,
            wait_s: None,
        },
        ApiFailure::SessionEnded => Words {
            title: "Please sign in again".to_owned(),
            text: "Your session ended.".to_owned(),
            again: false,
            wait_s: None,
        },
        ApiFailure::Refused { body, .. } => refused(body.code, &body.error, &body.request_id),
        ApiFailure::Unexpected { message } => {
            Words { title: "Something went wrong".to_owned(), text: message.clone(), again: true, wait_s: None }
        }
    }
}

fn unknown(wait_s: Option<u64>) -> Words {
    Words {
        title: "We don't know yet whether it was done".to_owned(),
        text: "Trying again cannot do it twice.".to_owned(),
        again: true,
        wait_s,
    }
}

fn refused(code: ErrorCode, said: &str, request_id: &str) -> Words {
    let (title, text) = match code {
        ErrorCode::EventNotOpen | ErrorCode::EventStarted => {
            ("Too late", "The event has started or was cancelled.".to_owned())
        }
        ErrorCode::SoldOut => ("Sold out", "The last seats were just taken. You can join the waitlist.".to_owned()),
        ErrorCode::Invalid => ("Something needs your attention", "The fields below say what.".to_owned()),
        ErrorCode::Stale => (
            "This event was changed while you were editing",
            "Compare both versions, then save again. Nothing was replaced.".to_owned(),
        ),
        ErrorCode::LastAdmin => ("An organization needs an admin", said.to_owned()),
        ErrorCode::InviteForOtherAddress => ("This invite is for another address", said.to_owned()),
        ErrorCode::EmailNotVerified => (
            "Your address is not verified yet",
            "Open the mail of the sign-in service first, then try again.".to_owned(),
        ),
        ErrorCode::InviteUsed | ErrorCode::InviteGone => ("This invite cannot be used any more", said.to_owned()),
        ErrorCode::LimitReached => ("That is more than one person can have", said.to_owned()),
        ErrorCode::NothingToClaim => ("No seat is free any more", "You keep your place on the waitlist.".to_owned()),
        ErrorCode::AlreadyCancelled => {
            ("This booking was cancelled already", "There is nothing left to do.".to_owned())
        }
        ErrorCode::NotFound => ("This is not here any more", "It was removed, or you may not see it.".to_owned()),
        ErrorCode::Forbidden => ("You may not do this", "Ask an admin of the organization.".to_owned()),
        ErrorCode::Internal => ("Something went wrong on our side", format!("Request {request_id}.")),
        _ => ("This did not work", said.to_owned()),
    };
    Words { title: title.to_owned(), text, again: code == ErrorCode::Internal, wait_s: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changed_is_said_only_when_certain() {
        let says_nothing = |failure: &ApiFailure| of_write(failure, false, true).text.contains("Nothing was changed");
        assert!(says_nothing(&ApiFailure::Offline));
        assert!(says_nothing(&ApiFailure::Busy { retry_after_s: 1, outcome: Some(Outcome::Nothing) }));
        for unsure in [
            ApiFailure::NoAnswer,
            ApiFailure::Busy { retry_after_s: 1, outcome: Some(Outcome::Unknown) },
            ApiFailure::Busy { retry_after_s: 1, outcome: None },
            ApiFailure::Unexpected { message: "The server answered 504.".to_owned() },
        ] {
            assert!(of_write(&unsure, false, false).text.contains("Look whether"), "{unsure:?}");
            assert!(is_unsure(&unsure) && !says_nothing(&unsure), "{unsure:?}");
            assert!(of_write(&unsure, false, true).text.contains("cannot do it twice"), "{unsure:?}");
        }
        // an earlier try may have succeeded, even if a later one certainly did nothing
        for later in [ApiFailure::Offline, ApiFailure::Busy { retry_after_s: 1, outcome: Some(Outcome::Nothing) }] {
            assert!(
                !is_unsure(&later) && of_write(&later, true, true).text.contains("cannot do it twice"),
                "{later:?}"
            );
        }
    }

    #[test]
    fn of_left_says_not_done_only_when_certain() {
        let nothing = ApiFailure::Busy { retry_after_s: 1, outcome: Some(Outcome::Nothing) };
        assert_eq!(of_left(&nothing, false), "Your last action was not done. A lot is going on right now.");
        // an earlier try may have succeeded
        for (failure, unsure) in [(&nothing, true), (&ApiFailure::Offline, true), (&ApiFailure::NoAnswer, false)] {
            assert!(of_left(failure, unsure).starts_with("We don't know"), "{failure:?}");
        }
    }
}
