//! A call of the server's API as an HTTP request, without the server's address and the token.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Category, EventId, EventStatus, OrgId};

/// The HTTP method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Which part of an answer the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The body; for a list, all of its pages.
    Whole,
    /// The first page of a list.
    FirstPage,
    /// The number in the header `X-Unread-Count`.
    UnreadCount,
}

/// A call as HTTP, without address and token.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRequest {
    pub method: Method,
    /// Path and query, starting with a slash.
    pub path: String,
    pub body: Option<Value>,
    pub idempotency_key: Option<String>,
    /// The event's version that the caller has seen; sent as `If-Match`.
    pub if_match: Option<i64>,
    /// The `ETag` of the answer that the caller already has; the server does not send an unchanged answer again.
    pub if_none_match: Option<String>,
    pub wanted: Wanted,
    /// The shell keeps the last good answer, and returns it while the server cannot be reached.
    pub is_kept: bool,
    /// The server sends an `ETag` with the answer, and does not send the answer again to a caller that has it.
    pub is_named: bool,
}

fn bare(method: Method, path: String) -> HttpRequest {
    HttpRequest {
        method,
        path,
        body: None,
        idempotency_key: None,
        if_match: None,
        if_none_match: None,
        wanted: Wanted::Whole,
        is_kept: false,
        is_named: false,
    }
}

/// A GET request of a path.
pub fn read(path: impl Into<String>) -> HttpRequest {
    bare(Method::Get, path.into())
}

pub(crate) fn write(method: Method, path: impl Into<String>) -> HttpRequest {
    bare(method, path.into())
}

impl HttpRequest {
    pub(crate) fn with<T: Serialize>(self, body: &T) -> Self {
        let body = serde_json::to_value(body).expect("bodies have string keys and finite numbers");
        Self { body: Some(body), ..self }
    }

    /// Adds an idempotency key: the server carries the request out once, however often it is sent with this key.
    pub(crate) fn once(self, key: &str) -> Self {
        Self { idempotency_key: Some(key.to_owned()), ..self }
    }

    pub(crate) fn if_version(self, version: i64) -> Self {
        Self { if_match: Some(version), ..self }
    }

    pub(crate) fn wanting(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

    pub(crate) fn kept(self) -> Self {
        Self { is_kept: true, ..self }
    }

    pub(crate) fn named(self) -> Self {
        Self { is_named: true, ..self }
    }
}

/// The query parameter `q`, or nothing for an empty search, so that a server that does not know `q` still answers.
pub(crate) fn search_parameter(q: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    if q.is_empty() { encoded } else { format!("&q={encoded}") }
}

/// Which events are listed. Without a status only upcoming and ongoing ones are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Only events of this organization.
    pub org_id: Option<OrgId>,
    /// Only events that the caller owns.
    pub mine: bool,
    pub status: Option<EventStatus>,
    pub category: Option<Category>,
    /// Words in name, description and place.
    pub q: String,
    /// Starting at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Starting at this time or before.
    pub to: Option<DateTime<Utc>>,
}

impl EventFilter {
    pub(crate) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", "200");
        if let Some(id) = self.org_id {
            query.append_pair("org_id", &id.to_string());
        }
        if self.mine {
            query.append_pair("mine", "true");
        }
        if let Some(status) = self.status {
            query.append_pair("status", status.as_str());
        }
        if let Some(category) = self.category {
            query.append_pair("category", category.as_str());
        }
        if !self.q.trim().is_empty() {
            query.append_pair("q", self.q.trim());
        }
        for (name, time) in [("from", self.from), ("to", self.to)] {
            if let Some(time) = time {
                query.append_pair(name, &time.to_rfc3339_opts(SecondsFormat::Secs, true));
            }
        }
        query.finish()
    }
}

/// A file that the server makes, for saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// Bookings of an event, as CSV.
    Attendees { event_id: EventId },
    /// An event, as a calendar file.
    Calendar { event_id: EventId },
    /// Everything that is kept about the caller, as JSON.
    MyData,
}

impl Download {
    /// Path of the file at the server.
    pub fn path(&self) -> String {
        match self {
            Self::Attendees { event_id } => format!("/events/{event_id}/attendees.csv"),
            Self::Calendar { event_id } => format!("/events/{event_id}/calendar.ics"),
            Self::MyData => "/users/me/export".to_owned(),
        }
    }

    /// The file name that the save dialog suggests.
    pub fn file_name(&self) -> &'static str {
        match self {
            Self::Attendees { .. } => "attendees.csv",
            Self::Calendar { .. } => "event.ics",
            Self::MyData => "my-data.json",
        }
    }
}
