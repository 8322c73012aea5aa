//! Calls of the server: adds the token, maps what goes wrong to what a screen decides by. Repeats only what is safe.

use std::time::Duration;

use happening_api::{ApiFailure, Call, Download, ErrorBody, ErrorCode, HttpRequest, Method, Outcome, ServerCheck};
use reqwest::StatusCode;
use reqwest::header::{LINK, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_AFTER_S_DEFAULT: u64 = 2;
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Pages of a list that are read one after the other.
const PAGES_MAX: usize = 5;

/// The server.
#[derive(Clone)]
pub(crate) struct Backend {
    url: Url,
    http: reqwest::Client,
}

/// What the server says about signing in.
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
    /// Where the list goes on.
    next: Option<Url>,
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

    /// Its address.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The client, for the sign-in service.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Where to sign in.
    ///
    /// # Errors
    /// When the server is away or is not ours.
    pub(crate) async fn sign_in(&self) -> Result<SignIn, ApiFailure> {
        let answer = self.http.get(self.url.clone()).send().await.map_err(|error| failure(&error))?;
        let about: About = answer.json().await.map_err(|error| unexpected(&error))?;
        Ok(about.sign_in)
    }

    /// What stands at the address.
    pub(crate) async fn check(&self) -> ServerCheck {
        let Ok(answer) = self.http.get(self.url.clone()).send().await else { return ServerCheck::Away };
        match answer.json::<About>().await {
            Ok(about) if about.name.eq_ignore_ascii_case("happening") => ServerCheck::Server { version: about.version },
            _ => ServerCheck::Stranger,
        }
    }

    /// Makes a call. A read is tried a second time when the connection broke; a write never: the person decides, with the
    /// same key. A list is read to its end, or [`PAGES_MAX`] pages.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn call(&self, token: &str, call: &Call) -> Result<Value, ApiFailure> {
        let request = call.request();
        let address = format!("{}{}", self.url.as_str().trim_end_matches('/'), request.path);
        let mut answer = self.ask(token, &request, &address).await?;
        let mut value = parsed(&answer.bytes)?;
        for _ in 1..PAGES_MAX {
            let (Some(next), Value::Array(list)) = (answer.next.take(), &mut value) else { break };
            answer = self.ask(token, &request, next.as_str()).await?;
            if let Value::Array(more) = parsed(&answer.bytes)? {
                list.extend(more);
            }
        }
        Ok(value)
    }

    /// A file as the server makes it.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn download(&self, token: &str, file: &Download) -> Result<Vec<u8>, ApiFailure> {
        let request =
            HttpRequest { method: Method::Get, path: file.path(), body: None, idempotency_key: None, if_match: None };
        let address = format!("{}{}", self.url.as_str().trim_end_matches('/'), request.path);
        Ok(self.ask(token, &request, &address).await?.bytes)
    }

    async fn ask(&self, token: &str, request: &HttpRequest, address: &str) -> Result<Answer, ApiFailure> {
        match (self.send(token, request, address).await, request.method) {
            (Err(ApiFailure::NoAnswer), Method::Get) => self.send(token, request, address).await,
            (result, _) => result,
        }
    }

    async fn send(&self, token: &str, request: &HttpRequest, address: &str) -> Result<Answer, ApiFailure> {
        let mut outgoing = match request.method {
            Method::Get => self.http.get(address),
            Method::Post => self.http.post(address),
            Method::Put => self.http.put(address),
            Method::Patch => self.http.patch(address),
            Method::Delete => self.http.delete(address),
        };
        outgoing = outgoing.bearer_auth(token);
        if let Some(version) = request.if_match {
            outgoing = outgoing.header("if-match", format!("\"{version}\""));
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
        let next = answer.headers().get(LINK).and_then(|link| next_page(link.to_str().ok()?, &self.url));
        let bytes = answer.bytes().await.map_err(|_| ApiFailure::NoAnswer)?;
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(ApiFailure::Unexpected { message: "The answer is too large.".to_owned() });
        }
        if status.is_success() {
            return Ok(Answer { bytes: bytes.to_vec(), next });
        }
        Err(refusal(status, retry_after_s, &bytes))
    }
}

/// An answer without a body is nothing.
fn parsed(bytes: &[u8]) -> Result<Value, ApiFailure> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| unexpected(&error))
}

/// The address of the next page; one of another server is not followed, since it would be sent the token.
fn next_page(link: &str, server: &Url) -> Option<Url> {
    let (address, _) = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?;
    let next = server.join(address).ok()?;
    (next.origin() == server.origin()).then_some(next)
}

fn refusal(status: StatusCode, retry_after_s: u64, bytes: &[u8]) -> ApiFailure {
    match serde_json::from_slice::<ErrorBody>(bytes) {
        Ok(body) if body.code == ErrorCode::Unauthenticated => ApiFailure::SessionEnded,
        Ok(body) if body.code == ErrorCode::Unavailable => {
            ApiFailure::Busy { retry_after_s, outcome: body.details.outcome }
        }
        // who came too often was not let in
        Ok(body) if body.code == ErrorCode::RateLimited => {
            ApiFailure::Busy { retry_after_s, outcome: Some(Outcome::Nothing) }
        }
        Ok(body) => ApiFailure::Refused { status: status.as_u16(), body: Box::new(body) },
        // something between us and the server answered
        Err(_) if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::BAD_GATEWAY => {
            ApiFailure::Busy { retry_after_s, outcome: None }
        }
        Err(_) => ApiFailure::Unexpected { message: format!("The server answered {status}.") },
    }
}

/// A connection that was never made has sent nothing; after that, nobody knows.
fn failure(error: &reqwest::Error) -> ApiFailure {
    if error.is_connect() { ApiFailure::Offline } else { ApiFailure::NoAnswer }
}

fn unexpected(error: &dyn std::error::Error) -> ApiFailure {
    ApiFailure::Unexpected { message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_servers_next_page_is_followed() {
        let server = Url::parse("https://happening.example/base").expect("a URL");
        let next = |link: &str| next_page(link, &server).map(String::from);
        assert_eq!(
            next("</events?cursor=a>; rel=\"next\"").as_deref(),
            Some("https://happening.example/events?cursor=a")
        );
        assert_eq!(next("<https://other.example/events>; rel=\"next\""), None);
        assert_eq!(next("</events>; rel=\"prev\""), None);
    }
}
