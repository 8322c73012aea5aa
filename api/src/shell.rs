//! What the shell's commands and events tell the screens: answers and failures of calls, the state of signing in,
//! settings.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{BookingId, ErrorBody, EventId, OrgId, Outcome, User};

/// Why a call has no answer. A screen chooses its text by the variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiFailure {
    /// The server refused the call; the body says why.
    Refused { status: u16, body: Box<ErrorBody> },
    /// The server could not be reached, so nothing was sent.
    Offline,
    /// The server asks to wait (429 or 503). `outcome` is set for writes.
    Busy { retry_after_s: u64, outcome: Option<Outcome> },
    /// The call was sent and no answer came: for a write the outcome is unknown.
    NoAnswer,
    /// The person has to sign in again.
    SessionEnded,
    /// An answer that this app does not understand.
    Unexpected { message: String },
}

/// Light or dark, as the person chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    System,
    Light,
    Dark,
}

/// The state of signing in. The shell returns it from the command `session`, and sends each change as the event
/// `session`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionView {
    /// A stored session is being restored.
    Restoring,
    /// `ended`: the sign-in service ended the session, not the person. They may want to go on where they were.
    SignedOut {
        ended: bool,
    },
    /// The browser is open; the sign-in fails after `expires_in_s` seconds.
    Waiting {
        expires_in_s: u64,
    },
    Failed {
        reason: SignInFailure,
    },
    /// `remembered`: the session survives a restart, since the system keyring keeps it.
    SignedIn {
        user: Box<User>,
        remembered: bool,
    },
}

/// Why signing in failed. The screen chooses its text by the variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInFailure {
    /// The person cancelled, in the app or in the browser.
    Cancelled,
    /// The person took longer than five minutes.
    TimedOut,
    /// The sign-in service (Keycloak) does not answer.
    ServiceAway,
    /// The sign-in service refused, or its answer could not be verified.
    Refused,
    /// The person signed in, but the Happening server does not answer.
    ServerAway,
    /// The person signed in, but the Happening server asks to wait.
    ServerBusy,
    /// No browser could be opened.
    NoBrowser,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The answer's value, as the server sent it.
    pub value: Value,
    /// Set when the server could not be reached: the time from which the kept `value` is.
    pub as_of: Option<DateTime<Utc>>,
}

/// Settings of the shell that a screen shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShellInfo {
    /// Address of the server.
    pub server: String,
    pub version: String,
    /// The organization that the person selected last; `None` stands for all organizations.
    pub organization: Option<OrgId>,
    /// Whether the app was built with an update feed's address.
    pub updates: bool,
}

/// What answers at an address that the person wants to use as the server's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerCheck {
    /// A Happening server, with its version.
    Server { version: String },
    /// The app may not use the address, for example because it is plain `http`.
    NotAllowed { reason: String },
    /// Nothing answers at the address.
    Away,
    /// Something other than a Happening server answers.
    Stranger,
}

/// Whether a file was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saved {
    /// The file was saved under this name.
    File { name: String },
    /// The person chose no file.
    No,
}

/// Where a deep link leads inside the app; sent by the event `open`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenTarget {
    Event {
        event_id: EventId,
    },
    /// The invite whose link was opened; its token stays in the shell.
    Invite,
    Booking {
        booking_id: BookingId,
    },
}
