//! An HTTP client of the API that acts as one person.

use std::time::Duration;

use anyhow::{Context, Result};
use happening_api::{Booking, CreateBooking, Event, EventId, OnConflict, User};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Calls one server with the token of one person.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub token: String,
    pub user: User,
    http: reqwest::Client,
}

/// An HTTP answer with its whole body.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The URL that was requested.
    pub url: Url,
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    /// Deserializes the body.
    ///
    /// # Panics
    /// When the body is no `T`; the message has the whole answer.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.body.clone()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Path and query of the list's next page, resolved as a client does; `None` on the last page.
    pub fn next_page(&self) -> Option<String> {
        let link = self.headers.get("link")?.to_str().ok()?;
        self.resolved(link.split(['<', '>']).nth(1)?)
    }

    /// Path in the header `Location`, resolved as a client does.
    pub fn location(&self) -> Option<String> {
        self.resolved(self.headers.get("location")?.to_str().ok()?)
    }

    fn resolved(&self, reference: &str) -> Option<String> {
        let url = self.url.join(reference).ok()?;
        (url.origin() == self.url.origin()).then(|| url[url::Position::BeforePath..].to_owned())
    }

    /// The body's error code, or an empty text when the answer is no error.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Asserts the status and returns the answer.
    ///
    /// # Panics
    /// When the status differs.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        self
    }

    /// Asserts status and error code, and returns the answer.
    ///
    /// # Panics
    /// When the status or the code differs.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{:?}", self.body);
        self
    }
}

impl Client {
    /// A client that sends this token. `POST /users` tells whose token it is; the request is retried while a server
    /// that is busy or has just started answers 503, as the app does.
    ///
    /// # Errors
    /// When the server does not answer, or answers 503 for 10 s.
    pub async fn new(base: &str, token: &str) -> Result<Self> {
        let http = reqwest::Client::builder().pool_max_idle_per_host(512).build()?;
        let user = crate::world::wait_for("POST /users", Duration::from_secs(10), || async {
            let answer = http.post(format!("{base}/users")).bearer_auth(token).send().await?;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                eprintln!("POST /users: {}", answer.text().await?);
                return Ok(None);
            }
            Ok(Some(answer.error_for_status()?.json().await.context("POST /users")?))
        })
        .await?;
        Ok(Self { base: base.to_owned(), token: token.to_owned(), user, http })
    }

    /// A client of the same person that calls another server.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same client, sending another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Sends any request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Reply> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        let (url, status, headers) = (answer.url().clone(), answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await?;
        Ok(Reply { url, status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.call(Method::GET, path, None, &[]).await
    }

    /// Sends a POST request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(&self, path: &str, body: Value) -> Result<Reply> {
        self.call(Method::POST, path, Some(&body), &[]).await
    }

    /// Sends a PATCH request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Reply> {
        self.call(Method::PATCH, path, Some(&body), &[]).await
    }

    /// Sends a DELETE request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn delete(&self, path: &str) -> Result<Reply> {
        self.call(Method::DELETE, path, None, &[]).await
    }

    /// Sends a PUT request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn put(&self, path: &str, body: Value) -> Result<Reply> {
        self.call(Method::PUT, path, Some(&body), &[]).await
    }

    /// Books the lowest free seats.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn book(&self, event: EventId, seats: i32) -> Result<Reply> {
        self.post("/bookings", json!({ "event_id": event, "seats": seats })).await
    }

    /// Books exactly these seats, or nothing.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn book_exactly(&self, event: EventId, seat_numbers: &[i32]) -> Result<Reply> {
        let body = CreateBooking {
            event_id: event,
            seats: seat_numbers.len() as i32,
            seat_numbers: Some(seat_numbers.to_vec()),
            on_conflict: OnConflict::Reject,
            waitlist: true,
            user_id: None,
            reason: None,
        };
        self.post("/bookings", serde_json::to_value(body)?).await
    }

    /// Books the lowest free seats, with an Idempotency-Key.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn book_with_key(&self, event: EventId, seats: i32, key: &str) -> Result<Reply> {
        let body = json!({ "event_id": event, "seats": seats });
        self.call(Method::POST, "/bookings", Some(&body), &[("Idempotency-Key", key)]).await
    }

    /// Reads a booking.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn booking(&self, id: happening_api::BookingId) -> Result<Booking> {
        Ok(self.get(&format!("/bookings/{id}")).await?.expect(200).json())
    }

    /// Reads an event.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn event(&self, id: EventId) -> Result<Event> {
        Ok(self.get(&format!("/events/{id}")).await?.expect(200).json())
    }
}
