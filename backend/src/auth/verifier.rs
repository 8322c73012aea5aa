//! Verifies access tokens: only RS256 signatures, by the keys that the issuer publishes.
//!
//! A verified token is cached for up to a minute by its SHA-256, because verifying RS256 takes 20 µs or more.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, Validation};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::keys::{Key, Keys};
use super::{AuthError, Claims};
use crate::clock::Clock;
use crate::config::ServeConfig;

const LEEWAY_S: u64 = 10;
const VERIFIED_TOKENS_MAX: u64 = 100_000;
const VERIFIED_FOR: Duration = Duration::from_secs(60);
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Verifies tokens of one issuer for one audience.
pub(crate) struct Verifier {
    client: String,
    validation: Validation,
    clock: Clock,
    keys: Keys,
    verified: Cache<[u8; 32], Arc<Claims>>,
}

impl Verifier {
    /// A verifier that has no keys yet; see [`Verifier::prepare`].
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(crate) fn new(config: &ServeConfig, clock: Clock) -> anyhow::Result<Self> {
        let mut validation = Validation::new(Algorithm::RS256);
        // without this, a token that has no `aud` or `iss` at all would be accepted
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&[&config.oidc_audience]);
        validation.set_issuer(&[config.oidc_issuer_url.as_str().trim_end_matches('/')]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        Ok(Self {
            client: config.oidc_client.clone(),
            validation,
            clock,
            keys: Keys::new(config, clock)?,
            verified: Cache::builder().max_capacity(VERIFIED_TOKENS_MAX).time_to_live(VERIFIED_FOR).build(),
        })
    }

    /// Reads the issuer's keys, so that the first callers of a new server do not wait for them. If the issuer is away, the keys are
    /// read again when a token arrives.
    pub(crate) async fn prepare(&self) {
        self.keys.read().await;
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
        let key = match self.keys.find(&kid).await {
            Key::Known(key) => key,
            Key::Unknown => return Err(AuthError::Invalid("unknown key id".to_owned())),
            Key::NotRead => return Err(AuthError::KeysUnknown),
        };
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
}
