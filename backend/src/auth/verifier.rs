//! Verifies access tokens: RS256 only, by the issuer's published keys.
//!
//! Keys are read when an unknown key id shows up, one read at a time and not more often than every few seconds, so that
//! nobody can make us hammer the issuer. Known keys stay usable while the issuer is away. Verified tokens are remembered by
//! their SHA-256 for up to a minute: RS256 costs 20 µs and more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::Claims;
use crate::clock::Clock;
use crate::config::ServeConfig;

const LEEWAY_S: u64 = 10;
const REFRESH_EVERY_MIN: Duration = Duration::from_secs(5);
const FETCH_TIMEOUT: Duration = Duration::from_millis(800);
const VERIFIED_TOKENS_MAX: u64 = 100_000;
const VERIFIED_FOR: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("the token is not valid here: {0}")]
    Invalid(String),
    #[error("the issuer's keys were never read: {0}")]
    KeysUnknown(String),
}

/// Verifies tokens of one issuer for one audience.
pub(crate) struct Verifier {
    jwks_url: Option<reqwest::Url>,
    issuer: reqwest::Url,
    client: String,
    validation: Validation,
    http: reqwest::Client,
    clock: Clock,
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// When keys were last asked for; the lock is held while asking.
    refreshed: Mutex<Option<Instant>>,
    verified: Cache<[u8; 32], Arc<Claims>>,
}

#[derive(serde::Deserialize)]
struct Discovery {
    jwks_uri: reqwest::Url,
}

impl Verifier {
    /// Reads nothing yet: an issuer that is away at the start is met at the first token.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(config: &ServeConfig, clock: Clock) -> anyhow::Result<Self> {
        let mut validation = Validation::new(Algorithm::RS256);
        // without these two a token that has no `aud` or `iss` at all would pass
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&[&config.oidc_audience]);
        validation.set_issuer(&[config.oidc_issuer_url.as_str().trim_end_matches('/')]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Ok(Self {
            jwks_url: config.oidc_jwks_url.clone(),
            issuer: config.oidc_issuer_url.clone(),
            client: config.oidc_client.clone(),
            validation,
            http: reqwest::Client::builder()
                .timeout(FETCH_TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            clock,
            keys: RwLock::default(),
            refreshed: Mutex::default(),
            verified: Cache::builder().max_capacity(VERIFIED_TOKENS_MAX).time_to_live(VERIFIED_FOR).build(),
        })
    }

    /// The claims of a valid access token.
    ///
    /// # Errors
    /// [`AuthError`].
    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<Claims>, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Invalid("too long".to_owned()));
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now_s = u64::try_from(self.clock.now().timestamp()).unwrap_or_default();
        if let Some(claims) = self.verified.get(&digest).filter(|claims| claims.exp > now_s) {
            return Ok(claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| AuthError::Invalid(error.to_string()))?;
        if header.alg != Algorithm::RS256 {
            return Err(AuthError::Invalid(format!("algorithm {:?}", header.alg)));
        }
        let kid = header.kid.ok_or_else(|| AuthError::Invalid("no key id".to_owned()))?;
        let key = self.key(&kid).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| AuthError::Invalid(error.to_string()))?
            .claims;
        if claims.typ != "Bearer" || claims.azp != self.client || claims.sub.is_empty() {
            return Err(AuthError::Invalid("not an access token of our client".to_owned()));
        }
        let claims = Arc::new(claims);
        self.verified.insert(digest, Arc::clone(&claims));
        Ok(claims)
    }

    async fn key(&self, kid: &str) -> Result<DecodingKey, AuthError> {
        if let Some(key) = self.known_key(kid) {
            return Ok(key);
        }
        let mut refreshed = self.refreshed.lock().await;
        if let Some(key) = self.known_key(kid) {
            return Ok(key);
        }
        let now = self.clock.instant();
        let none_known = self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        // an unknown key id does not make us ask again at once; having no keys at all may, once a second
        let pause = if none_known { Duration::from_secs(1) } else { REFRESH_EVERY_MIN };
        let mut failure = "asked a moment ago".to_owned();
        if refreshed.is_none_or(|last| now.duration_since(last) >= pause) {
            *refreshed = Some(now);
            match self.fetch_keys().await {
                Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys,
                Err(error) => {
                    tracing::warn!(%error, "the issuer's keys could not be read");
                    failure = error.to_string();
                }
            }
        }
        match self.known_key(kid) {
            Some(key) => Ok(key),
            None if self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty() => {
                Err(AuthError::KeysUnknown(failure))
            }
            None => Err(AuthError::Invalid("unknown key id".to_owned())),
        }
    }

    fn known_key(&self, kid: &str) -> Option<DecodingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Reads JSON, but no more than [`ANSWER_BYTES_MAX`]: the issuer is not ours.
    async fn ask<T: serde::de::DeserializeOwned>(&self, url: reqwest::Url) -> anyhow::Result<T> {
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(bytes.len() + chunk.len() <= ANSWER_BYTES_MAX, "the issuer's answer is too large");
            bytes.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    async fn fetch_keys(&self) -> anyhow::Result<HashMap<String, DecodingKey>> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => {
                let issuer = self.issuer.as_str().trim_end_matches('/');
                let url = format!("{issuer}/.well-known/openid-configuration");
                self.ask::<Discovery>(reqwest::Url::parse(&url)?).await?.jwks_uri
            }
        };
        let set: JwkSet = self.ask(url).await?;
        let keys: HashMap<_, _> = set.keys.iter().filter_map(signing_key).collect();
        anyhow::ensure!(!keys.is_empty(), "the issuer publishes no RS256 signing key");
        Ok(keys)
    }
}

/// Keys for other uses or algorithms are left out: the library would take them.
fn signing_key(jwk: &jsonwebtoken::jwk::Jwk) -> Option<(String, DecodingKey)> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let rs256 = common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    let rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    let kid = common.key_id.clone()?;
    (signs && rs256 && rsa).then(|| DecodingKey::from_jwk(jwk).ok().map(|key| (kid, key))).flatten()
}
