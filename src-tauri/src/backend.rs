//! Calls the server: adds the token, turns failures into those that a screen can handle, and repeats only what is safe
//! to repeat.

use std::time::Duration;

use happening_api::{
    ApiFailure, Call, Download, ErrorBody, ErrorCode, HttpRequest, Method, Outcome, ServerCheck, Wanted,
};
use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_NONE_MATCH, LINK, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::net::{self, ReadError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_AFTER_S_DEFAULT: u64 = 2;
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest answer of `GET /`, in which a server describes itself.
const ABOUT_BYTES_MAX: usize = 64 * 1024;
/// Most pages that are read of one list.
const PAGES_MAX: usize = 5;

/// The server.
#[derive(Clone)]
pub(crate) struct Backend {
    url: Url,
    http: reqwest::Client,
}

/// How to sign in, as the server's `GET /` tells it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
}

#[derive(Deserialize)]
struct About {
    name: String,
    version: String,
    sign_in: SignIn,
}

/// An answer, read to its end.
struct Answer {
    bytes: Vec<u8>,
    /// The address of the list's next page.
    next: Option<Url>,
    /// The answer's `ETag`.
    etag: Option<String>,
    /// The server answered 304, because the caller already has the answer; `bytes` is empty.
    unchanged: bool,
    /// The number of unread notifications.
    unread: Option<u64>,
}

/// The answer to a call.
pub(crate) enum Called {
    New {
        value: Value,
        /// The answer's `ETag`, if the server can tell by it that the answer is unchanged.
        etag: Option<String>,
    },
    /// The answer is the same that the caller already has.
    Unchanged,
}

impl Backend {
    /// The server at an address.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(url: Url) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("happening/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { url, http })
    }

    /// The server's address.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The HTTP client, for requests to the sign-in service.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Asks the server where to sign in.
    ///
    /// # Errors
    /// When the server cannot be reached or is not a Happening server.
    pub(crate) async fn sign_in(&self) -> Result<SignIn, ApiFailure> {
        let answer = self.http.get(self.url.clone()).send().await.map_err(|error| failure(&error))?;
        Ok(about(answer).await?.sign_in)
    }

    /// Checks whether a Happening server answers at the address.
    pub(crate) async fn check(&self) -> ServerCheck {
        let Ok(answer) = self.http.get(self.url.clone()).send().await else { return ServerCheck::Away };
        match about(answer).await {
            Ok(about) if about.name.eq_ignore_ascii_case("happening") => ServerCheck::Server { version: about.version },
            _ => ServerCheck::Stranger,
        }
    }

    /// Makes a call. A read is repeated once when its connection broke. A write is not repeated, because the person
    /// decides that; the screen keeps its idempotency key. A list is read to its end, or [`PAGES_MAX`] pages, unless
    /// the caller wants only the first page. `known` is the `ETag` of the answer that the caller already has.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn call(&self, token: &str, call: &Call, known: Option<String>) -> Result<Called, ApiFailure> {
        let request = HttpRequest { if_none_match: known, ..call.request() };
        let address = self.address(&request.path)?;
        let mut answer = self.ask(token, &request, &address).await?;
        if answer.unchanged {
            return Ok(Called::Unchanged);
        }
        let etag = answer.etag.take().filter(|_| request.is_named);
        let value = match request.wanted {
            Wanted::UnreadCount => answer.unread.map(Value::from).ok_or_else(|| unexpected(&"the count is missing"))?,
            Wanted::FirstPage => parsed(&answer.bytes)?,
            Wanted::Whole => self.whole(token, &request, answer).await?,
        };
        Ok(Called::New { value, etag })
    }

    /// The value of an answer, joined with the list's following pages.
    async fn whole(&self, token: &str, request: &HttpRequest, mut answer: Answer) -> Result<Value, ApiFailure> {
        let mut value = parsed(&answer.bytes)?;
        for _ in 1..PAGES_MAX {
            let (Some(next), Value::Array(list)) = (answer.next.take(), &mut value) else { break };
            answer = self.ask(token, request, &next).await?;
            if let Value::Array(more) = parsed(&answer.bytes)? {
                list.extend(more);
            }
        }
        Ok(value)
    }

    /// Downloads a file.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn download(&self, token: &str, file: &Download) -> Result<Vec<u8>, ApiFailure> {
        let request = happening_api::read(file.path());
        let address = self.address(&request.path)?;
        Ok(self.ask(token, &request, &address).await?.bytes)
    }

    /// The URL of a path of the API, below the server's own address. A path that the URL parser changes, such as one
    /// with `..`, is refused, because it would lead to another endpoint.
    fn address(&self, path: &str) -> Result<Url, ApiFailure> {
        let base = self.url.as_str().trim_end_matches('/');
        let address = Url::parse(&format!("{base}{path}")).map_err(|error| unexpected(&error))?;
        let written = path.split('?').next().unwrap_or_default();
        if address.path() != format!("{}{written}", self.url.path().trim_end_matches('/')) {
            return Err(ApiFailure::Unexpected { message: "This address is not one of the server's.".to_owned() });
        }
        Ok(address)
    }

    async fn ask(&self, token: &str, request: &HttpRequest, address: &Url) -> Result<Answer, ApiFailure> {
        match (self.send(token, request, address).await, request.method) {
            (Err(ApiFailure::NoAnswer), Method::Get) => self.send(token, request, address).await,
            (result, _) => result,
        }
    }

    async fn send(&self, token: &str, request: &HttpRequest, address: &Url) -> Result<Answer, ApiFailure> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut outgoing = self.http.request(method, address.clone()).bearer_auth(token);
        if let Some(version) = request.if_match {
            outgoing = outgoing.header("if-match", format!("\"{version}\""));
        }
        if let Some(known) = &request.if_none_match {
            outgoing = outgoing.header(IF_NONE_MATCH, known);
        }
        if let Some(body) = &request.body {
            outgoing = outgoing.json(body);
        }
        if let Some(key) = &request.idempotency_key {
            outgoing = outgoing.header("idempotency-key", key);
        }
        let answer = outgoing.send().await.map_err(|error| failure(&error))?;
        let status = answer.status();
        let retry_after_s = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(RETRY_AFTER_S_DEFAULT);
        let next = answer.headers().get(LINK).and_then(|link| next_page(link.to_str().ok()?, address));
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, unread_count) = (text(ETAG.as_str()), text("x-unread-count").and_then(|count| count.parse().ok()));
        let bytes = net::read(answer, ANSWER_BYTES_MAX).await.map_err(unread)?;
        let unchanged = status == StatusCode::NOT_MODIFIED && request.if_none_match.is_some();
        if status.is_success() || unchanged {
            return Ok(Answer { bytes, next, etag, unchanged, unread: unread_count });
        }
        Err(refusal(status, retry_after_s, &bytes))
    }
}

/// Parses the body of an answer; an empty body is `null`.
fn parsed(bytes: &[u8]) -> Result<Value, ApiFailure> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| unexpected(&error))
}

async fn about(answer: reqwest::Response) -> Result<About, ApiFailure> {
    let bytes = net::read(answer, ABOUT_BYTES_MAX).await.map_err(unread)?;
    serde_json::from_slice(&bytes).map_err(|error| unexpected(&error))
}

/// The address of the next page of the list that was asked for. It may differ from that list's address only in its
/// query: the token would otherwise be sent to another address, perhaps of another application on the same host.
fn next_page(link: &str, asked: &Url) -> Option<Url> {
    let (address, _) = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?;
    let next = asked.join(address).ok()?;
    (next.origin() == asked.origin() && next.path() == asked.path()).then_some(next)
}

fn refusal(status: StatusCode, retry_after_s: u64, bytes: &[u8]) -> ApiFailure {
    match serde_json::from_slice::<ErrorBody>(bytes) {
        Ok(body) if body.code == ErrorCode::Unauthenticated => ApiFailure::SessionEnded,
        Ok(body) if body.code == ErrorCode::Unavailable => {
            ApiFailure::Busy { retry_after_s, outcome: body.details.outcome }
        }
        // a request over the rate limit is refused before the server does anything
        Ok(body) if body.code == ErrorCode::RateLimited => {
            ApiFailure::Busy { retry_after_s, outcome: Some(Outcome::Nothing) }
        }
        Ok(body) => ApiFailure::Refused { status: status.as_u16(), body: Box::new(body) },
        // a proxy between the app and the server answered
        Err(_) if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::BAD_GATEWAY => {
            ApiFailure::Busy { retry_after_s, outcome: None }
        }
        Err(_) => ApiFailure::Unexpected { message: format!("The server answered {status}.") },
    }
}

/// Without a connection, nothing was sent. After that, the server may have received the request.
fn failure(error: &reqwest::Error) -> ApiFailure {
    if error.is_connect() { ApiFailure::Offline } else { ApiFailure::NoAnswer }
}

/// The failure of reading an answer; the server may have carried out the request.
fn unread(error: ReadError) -> ApiFailure {
    match error {
        ReadError::Broken(_) => ApiFailure::NoAnswer,
        ReadError::TooLarge(_) => ApiFailure::Unexpected { message: "The answer is too large.".to_owned() },
    }
}

fn unexpected(error: &dyn std::fmt::Display) -> ApiFailure {
    ApiFailure::Unexpected { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_the_same_list_are_followed() {
        let asked = Url::parse("https://host.example/happening/events?limit=2").expect("a URL");
        let next = |link: &str| next_page(link, &asked).map(String::from);
        let page_two = Some("https://host.example/happening/events?limit=2&cursor=a".to_owned());
        assert_eq!(next("<?limit=2&cursor=a>; rel=\"next\""), page_two);
        assert_eq!(next("</happening/events?limit=2&cursor=a>; rel=\"next\""), page_two);
        for other in [
            "</events?cursor=a>; rel=\"next\"", // another application
            "</happening/users>; rel=\"next\"",
            "<../../events?cursor=a>; rel=\"next\"",
            "<https://other.example/happening/events>; rel=\"next\"",
            "<http://host.example/happening/events>; rel=\"next\"",
            "<?cursor=a>; rel=\"prev\"",
        ] {
            assert_eq!(next(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_that_parsing_changes_is_refused() -> anyhow::Result<()> {
        for base in ["https://host.example", "https://host.example/", "https://host.example/happening"] {
            let backend = Backend::new(Url::parse(base)?)?;
            let address = backend.address("/events?q=a%20b").map(String::from);
            assert_eq!(address.ok(), Some(format!("{}/events?q=a%20b", base.trim_end_matches('/'))));
            for bad in ["/org-invites/../users/me", "/org-invites/%2e%2E/users/me", "/a/./b", "/org-invites/a\\b"] {
                assert!(backend.address(bad).is_err(), "{bad}");
            }
        }
        Ok(())
    }
}
