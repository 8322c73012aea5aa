//! Calls of the server: adds the token, maps what goes wrong to what a screen decides by. Repeats only what is safe.

use std::time::Duration;

use happening_api::{ApiFailure, Call, ErrorBody, ErrorCode, HttpRequest, Method};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_AFTER_S_DEFAULT: u64 = 2;
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

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
    sign_in: SignIn,
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

    /// Makes a call. A read is tried a second time when the connection broke; a write never: the person decides, with the
    /// same key.
    ///
    /// # Errors
    /// [`ApiFailure`].
    pub(crate) async fn call(&self, token: &str, call: &Call) -> Result<Value, ApiFailure> {
        let request = call.request();
        match (self.send(token, &request).await, request.method) {
            (Err(ApiFailure::NoAnswer), Method::Get) => self.send(token, &request).await,
            (result, _) => result,
        }
    }

    async fn send(&self, token: &str, request: &HttpRequest) -> Result<Value, ApiFailure> {
        let base = self.url.as_str().trim_end_matches('/');
        let url = format!("{base}{}", request.path);
        let mut outgoing = match request.method {
            Method::Get => self.http.get(url),
            Method::Post => self.http.post(url),
        };
        outgoing = outgoing.bearer_auth(token);
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
        let bytes = answer.bytes().await.map_err(|_| ApiFailure::NoAnswer)?;
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(ApiFailure::Unexpected { message: "The answer is too large.".to_owned() });
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| unexpected(&error));
        }
        Err(refusal(status, retry_after_s, &bytes))
    }
}

fn refusal(status: StatusCode, retry_after_s: u64, bytes: &[u8]) -> ApiFailure {
    match serde_json::from_slice::<ErrorBody>(bytes) {
        Ok(body) if body.code == ErrorCode::Unauthenticated => ApiFailure::SessionEnded,
        Ok(body) if matches!(body.code, ErrorCode::Unavailable | ErrorCode::RateLimited) => {
            ApiFailure::Busy { retry_after_s, outcome: body.details.outcome }
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
