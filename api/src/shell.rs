//! What the shell tells the screens: what a call came to, where the person stands with signing in, what became of other wishes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{BookingId, ErrorBody, EventId, OrgId, Outcome, User};

/// Why a call has no answer, in the words that a screen decides by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiFailure {
    /// The server refused; the body says why.
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

/// Where the person stands with signing in. The shell tells the UI, also by the event `session`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionView {
    /// A stored session is being restored.
    Restoring,
    /// `ended`: by the sign-in service, not by the person, who may want to go on where they were.
    SignedOut {
        ended: bool,
    },
    /// The browser is open; the person has until `expires_in_s` runs out.
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

/// Why signing in did not work, in the words that the screen decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInFailure {
    /// The person cancelled, here or in the browser.
    Cancelled,
    /// It took longer than five minutes.
    TimedOut,
    /// The sign-in service (Keycloak) does not answer.
    ServiceAway,
    /// The sign-in service refused or sent something that does not verify.
    Refused,
    /// Signed in, but our own server does not answer.
    ServerAway,
    /// Signed in, but our own server asks to wait.
    ServerBusy,
    /// No browser could be opened.
    NoBrowser,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// As the server sent it.
    pub value: Value,
    /// Set when the server could not be reached: the value is what it said then.
    pub as_of: Option<DateTime<Utc>>,
}

/// Settings of the shell that a screen shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShellInfo {
    /// Address of the server.
    pub server: String,
    pub version: String,
    /// The organization that the screens were about last; `None` is all of them.
    pub organization: Option<OrgId>,
    /// The app was built with an address to look for newer versions at.
    pub updates: bool,
}

/// What stands at an address that may be a server's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerCheck {
    /// A server of ours, with its version.
    Server { version: String },
    /// No address that the app may use.
    NotAllowed { reason: String },
    /// Nothing answers.
    Away,
    /// Something else answers.
    Stranger,
}

/// What became of saving a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saved {
    /// Under this name.
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
