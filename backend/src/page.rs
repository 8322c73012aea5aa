//! Pages of lists: `?limit=` and `?cursor=` in, `Link` and `X-Total-Count` out.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{self, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::problem::Problem;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
const SOUGHT_CHARS_MAX: usize = 200;

/// Where a page begins and how long it is.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    limit: u32,
    after: Option<Cursor>,
}

/// The position of a page's last row in the order of its list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Set for lists that are ordered by time.
    time: Option<DateTime<Utc>>,
    /// Set for lists that are ordered by name.
    name: Option<String>,
    id: Uuid,
}

/// A cursor as clients see it: opaque text that they send back unchanged.
pub(crate) struct CursorText;

/// A cursor of a list that is ordered by name contains the name: 200 characters of up to four bytes each, as JSON in base64.
const CURSOR_CHARS_MAX: usize = 2048;

impl PartialSchema for CursorText {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(schema::Type::String);
        text.min_length(Some(1)).max_length(Some(CURSOR_CHARS_MAX)).pattern(Some("^[A-Za-z0-9_-]+$")).into()
    }
}

impl ToSchema for CursorText {}

/// The column by which a list is ordered; rows with equal values are ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Time,
    Name,
}

impl Cursor {
    /// Whether the cursor fits a list of that order, and its values can be passed to the database.
    fn is_of(&self, order: Order) -> bool {
        match (order, self.time, &self.name) {
            (Order::Time, Some(time), None) => happening_api::time_in_bounds(time),
            (Order::Name, None, Some(name)) => !name.contains('\0'),
            _ => false,
        }
    }

    /// The position of a row in a list that is ordered by time.
    pub(crate) fn at_time(time: DateTime<Utc>, id: Uuid) -> Self {
        Self { time: Some(time), name: None, id }
    }

    /// The position of a row in a list that is ordered by name.
    pub(crate) fn at_name(name: &str, id: Uuid) -> Self {
        Self { time: None, name: Some(name.to_owned()), id }
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("a cursor has plain fields"))
    }

    fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

impl Page {
    /// Builds a page from the query's parameters.
    ///
    /// # Errors
    /// 400 with the field `limit` or `cursor`.
    pub(crate) fn parse(limit: Option<u32>, cursor: Option<&str>, order: Order) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::field("limit", format!("must be 1 to {LIMIT_MAX}")));
        }
        let after = match cursor {
            None => None,
            Some(text) => Some(
                Cursor::decode(text)
                    .filter(|cursor| cursor.is_of(order))
                    .ok_or_else(|| Problem::field("cursor", "is not one of ours"))?,
            ),
        };
        Ok(Self { limit, after })
    }

    /// A page with only the first row.
    pub(crate) fn single() -> Self {
        Self { limit: 1, after: None }
    }

    /// One more row than the page holds, which shows whether there is a next page.
    pub(crate) fn rows_wanted(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    pub(crate) fn after_time(&self) -> Option<DateTime<Utc>> {
        self.after.as_ref().and_then(|cursor| cursor.time)
    }

    pub(crate) fn after_name(&self) -> Option<String> {
        self.after.as_ref().and_then(|cursor| cursor.name.clone())
    }

    pub(crate) fn after_id(&self) -> Option<Uuid> {
        self.after.as_ref().map(|cursor| cursor.id)
    }
}

/// The `ilike` pattern for the search text `q`; `None` when it is empty.
///
/// # Errors
/// 400 with the field `q`.
pub(crate) fn search_pattern(q: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(text) = q else { return Ok(None) };
    if text.chars().count() > SOUGHT_CHARS_MAX || text.contains('\0') {
        return Err(Problem::field("q", format!("must have at most {SOUGHT_CHARS_MAX} characters")));
    }
    if text.trim().is_empty() {
        return Ok(None);
    }
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Ok(Some(format!("%{escaped}%")))
}

/// One page of a list as an answer: an array, `X-Total-Count`, and `Link: <...>; rel="next"` when there is a next page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    rows: Vec<T>,
    total: i64,
    next: Option<String>,
}

impl<T> Listed<T> {
    /// Builds the answer from the rows that [`Page::rows_wanted`] asked for. The link to the next page keeps the other query
    /// parameters of `uri`.
    pub(crate) fn new(
        mut rows: Vec<T>,
        page: &Page,
        total: i64,
        uri: &http::Uri,
        place: impl Fn(&T) -> Cursor,
    ) -> Self {
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        let next = rows.last().filter(|_| more).map(|last| next_link(uri, &place(last).encode()));
        Self { rows, total, next }
    }
}

impl<T> Listed<T> {
    /// The same page with every row changed.
    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> Listed<U> {
        Listed { rows: self.rows.into_iter().map(change).collect(), total: self.total, next: self.next }
    }
}

/// The link to the next page contains only a query: such a reference keeps the path of the request (RFC 3986, 5.2.2), which also
/// works under a proxy's path prefix that the server does not see.
fn next_link(uri: &http::Uri, cursor: &str) -> String {
    let kept =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("<?{}{separator}cursor={cursor}>; rel=\"next\"", query.join("&"))
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.rows).into_response();
        response.headers_mut().insert("x-total-count", HeaderValue::from(self.total));
        if let Some(link) = self.next.and_then(|link| HeaderValue::try_from(link).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}
