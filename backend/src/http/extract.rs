//! The extractors of handlers: the caller, ids in the path, queries, keys and bodies.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use garde::Validate;
use happening_api::UserId;
use http::header;
use http::request::Parts;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{self, ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::decode;
use super::server::Server;
use super::strict_json;
use crate::auth::AuthError;
use crate::limits::Peer;
use crate::problem::Problem;
use crate::users;
use crate::users::known::KnownUser;

const KEY_CHARS_MAX: usize = 128;

/// The person who calls. Their first call creates their user row.
#[derive(Clone, Debug)]
pub(crate) struct CurrentUser(pub(crate) KnownUser);

impl CurrentUser {
    pub(crate) fn id(&self) -> UserId {
        self.0.id
    }
}

impl FromRequestParts<Server> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let claims = claims_of(parts, server).await?;
        let app = &server.app;
        let known = users::current(&app.pools.identity, app.clock, &app.known_users, &app.callers, &claims).await?;
        Ok(Self(known))
    }
}

fn peer(parts: &Parts, server: &Server) -> Option<Peer> {
    parts.extensions.get::<Peer>().map(|peer| peer.behind(server.proxies, &parts.headers))
}

/// The verified claims of the request's token.
pub(crate) async fn claims_of(parts: &Parts, server: &Server) -> Result<Arc<crate::auth::Claims>, Problem> {
    let token = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    let refused = || match server.app.limits.count_address(peer(parts, server)) {
        Ok(()) => Problem::unauthenticated(),
        Err(too_many) => too_many.into(),
    };
    let token = token.ok_or_else(refused)?;
    let claims = server.app.verifier.verify(token.trim()).await.map_err(|error| match error {
        AuthError::Invalid(_) => {
            tracing::debug!(%error, "a token was refused");
            refused()
        }
        AuthError::KeysUnknown => Problem::unavailable(error),
    })?;
    server.app.limits.count_person(&claims.sub)?;
    Ok(claims)
}

/// The verified claims alone, for the route that creates the user row itself.
pub(crate) struct TokenClaims(pub(crate) Arc<crate::auth::Claims>);

impl FromRequestParts<Server> for TokenClaims {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        claims_of(parts, server).await.map(Self)
    }
}

/// Any caller, with or without a token; these requests are counted by address.
pub(crate) struct Anyone;

impl FromRequestParts<Server> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        server.app.limits.count_address(peer(parts, server)).map(|()| Self).map_err(Problem::from)
    }
}

/// An id in the path (the first, unless `AT` says otherwise). A malformed id is answered 404.
pub(crate) struct PathId<T, const AT: usize = 0>(pub(crate) T);

impl<T: FromStr, const AT: usize> FromRequestParts<Server> for PathId<T, AT> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let ids: Path<Vec<(String, String)>> =
            Path::from_request_parts(parts, server).await.map_err(|_| Problem::not_found())?;
        let (_, id) = ids.0.into_iter().nth(AT).ok_or_else(Problem::not_found)?;
        id.parse().map(Self).map_err(|_| Problem::not_found())
    }
}

/// Query parameters. Unknown parameters are refused.
pub(crate) struct ValidQuery<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Server> for ValidQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, Problem> {
        decode::from_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// `Idempotency-Key`: 1 to 128 visible ASCII characters.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<Server> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Server) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().unwrap_or_default();
        if !(1..=KEY_CHARS_MAX).contains(&key.len()) || !key.chars().all(|c| c.is_ascii_graphic()) {
            let reason = format!("must have 1 to {KEY_CHARS_MAX} visible ASCII characters");
            return Err(Problem::field("Idempotency-Key", reason));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

impl PartialSchema for IdempotencyKey {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(schema::Type::String);
        text.min_length(Some(1)).max_length(Some(KEY_CHARS_MAX)).pattern(Some("^[!-~]+$")).into()
    }
}

impl ToSchema for IdempotencyKey {}

/// The `Idempotency-Key` and route of a creating call, for [`crate::idempotency`].
pub(crate) struct Repeatable {
    pub(crate) key: Option<String>,
    /// Method and path.
    pub(crate) route: String,
}

impl FromRequestParts<Server> for Repeatable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let IdempotencyKey(key) = IdempotencyKey::from_request_parts(parts, server).await?;
        Ok(Self { key, route: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

/// A JSON body that passed the validation of its type, with its SHA-256.
pub(crate) struct ValidJson<T> {
    pub(crate) body: T,
    /// The hash of the JSON value, so that white space and the order of members do not matter.
    pub(crate) hash: Vec<u8>,
}

impl<T: DeserializeOwned + Validate<Context = ()>> FromRequest<Server> for ValidJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, server: &Server) -> Result<Self, Problem> {
        let bytes = read_body(request, server).await?;
        parse(&bytes)
    }
}

/// As [`ValidJson`], for a body that may be omitted: no body, or `null`, counts as `{}`.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate<Context = ()>> FromRequest<Server> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, server: &Server) -> Result<Self, Problem> {
        let bytes = read_body(request, server).await?;
        let nothing = matches!(bytes.trim_ascii(), b"" | b"null");
        let bytes = if nothing { Bytes::from_static(b"{}") } else { bytes };
        parse(&bytes).map(|valid| Self(valid.body))
    }
}

async fn read_body(request: Request, server: &Server) -> Result<Bytes, Problem> {
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bytes = Bytes::from_request(request, server).await.map_err(|rejection| {
        if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            Problem::too_large()
        } else {
            Problem::field("", "the body could not be read")
        }
    })?;
    let json = content_type.is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    if !bytes.is_empty() && !json {
        return Err(Problem::not_json());
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned + Validate<Context = ()>>(bytes: &[u8]) -> Result<ValidJson<T>, Problem> {
    let value = strict_json::parse(bytes)?;
    // a `Value` sorts an object's members, so equal values have equal text
    let hash = Sha256::digest(value.to_string()).to_vec();
    let body: T = decode::from_json(value)?;
    body.validate().map_err(|report| {
        let fields = report.iter().map(|(path, error)| (path.to_string(), error.message().to_owned()));
        Problem::fields(fields.collect())
    })?;
    Ok(ValidJson { body, hash })
}
