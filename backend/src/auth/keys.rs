//! The issuer's published keys.
//!
//! They are read when the server starts, and when a token names a key that is not known. The server makes one read at a time and
//! pauses for some seconds between reads, so that tokens with invented key ids cannot flood the issuer. Known keys stay usable while
//! the issuer is away. A request waits less than a second for a read. The read continues after that, and later requests use its keys.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, KeyAlgorithm, PublicKeyUse};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::ServeConfig;

const READ_EVERY_MIN: Duration = Duration::from_secs(5);
/// The shorter pause while no key is known.
const FIRST_READ_EVERY_MIN: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const CALLER_WAITS_MAX: Duration = Duration::from_millis(800);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

type ById = HashMap<String, DecodingKey>;

/// The keys of one issuer.
pub(super) struct Keys {
    source: Source,
    clock: Clock,
    known: Arc<RwLock<ById>>,
    /// When and how the last read ended. This lock is held during a read, so there is only one at a time.
    last_read: Arc<Mutex<Option<Read>>>,
}

/// A read that has ended.
#[derive(Clone, Copy)]
struct Read {
    ended: Instant,
    succeeded: bool,
}

/// The result of looking up a key id.
pub(super) enum Key {
    Known(DecodingKey),
    /// The issuer's keys were read recently and do not contain this id.
    Unknown,
    /// The keys could not be read, or not in time.
    NotRead,
}

impl Keys {
    /// A set of keys that is empty until the first read.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub(super) fn new(config: &ServeConfig, clock: Clock) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().timeout(READ_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        let source = Source { jwks_url: config.oidc_jwks_url.clone(), issuer: config.oidc_issuer_url.clone(), http };
        Ok(Self { source, clock, known: Arc::default(), last_read: Arc::default() })
    }

    /// The key with this id. If it is not known, the issuer's keys are read.
    pub(super) async fn find(&self, id: &str) -> Key {
        if let Some(key) = self.known(id) {
            return Key::Known(key);
        }
        // a request that waited for the read of another request uses its result
        let read = tokio::time::timeout(CALLER_WAITS_MAX, self.read_unless(|| self.known(id).is_some())).await;
        match self.known(id) {
            Some(key) => Key::Known(key),
            None if read.unwrap_or(false) => Key::Unknown,
            None => Key::NotRead,
        }
    }

    /// Reads the issuer's keys.
    pub(super) async fn read(&self) {
        self.read_unless(|| false).await;
    }

    /// Reads the keys, unless `found` says that this is not needed any more or they were read a moment ago. Returns whether the last
    /// read succeeded.
    async fn read_unless(&self, found: impl Fn() -> bool) -> bool {
        let mut last = Arc::clone(&self.last_read).lock_owned().await;
        let pause = if self.none_known() { FIRST_READ_EVERY_MIN } else { READ_EVERY_MIN };
        if let Some(read) = *last
            && (found() || self.clock.instant().duration_since(read.ended) < pause)
        {
            return read.succeeded;
        }
        let (source, known, clock) = (self.source.clone(), Arc::clone(&self.known), self.clock);
        // a task of its own, so that the read is completed even when its caller goes away
        let read = tokio::spawn(async move {
            let keys = source.read().await;
            let succeeded = keys.is_ok();
            match keys {
                Ok(keys) => *known.write().unwrap_or_else(PoisonError::into_inner) = keys,
                Err(error) => tracing::warn!(%error, "the issuer's keys could not be read"),
            }
            *last = Some(Read { ended: clock.instant(), succeeded });
            succeeded
        });
        read.await.unwrap_or(false)
    }

    fn known(&self, id: &str) -> Option<DecodingKey> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn none_known(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// The addresses where the keys are published.
#[derive(Clone)]
struct Source {
    /// `None` means that the issuer's discovery document names the address.
    jwks_url: Option<reqwest::Url>,
    issuer: reqwest::Url,
    http: reqwest::Client,
}

#[derive(serde::Deserialize)]
struct Discovery {
    jwks_uri: reqwest::Url,
}

impl Source {
    async fn read(&self) -> anyhow::Result<ById> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => {
                let issuer = self.issuer.as_str().trim_end_matches('/');
                let url = format!("{issuer}/.well-known/openid-configuration");
                self.ask::<Discovery>(reqwest::Url::parse(&url)?).await?.jwks_uri
            }
        };
        let set: JwkSet = self.ask(url).await?;
        let keys: ById = set.keys.iter().filter_map(signing_key).collect();
        anyhow::ensure!(!keys.is_empty(), "the issuer publishes no RS256 signing key");
        Ok(keys)
    }

    /// Reads JSON of at most [`ANSWER_BYTES_MAX`], because the issuer is another party's service.
    async fn ask<T: serde::de::DeserializeOwned>(&self, url: reqwest::Url) -> anyhow::Result<T> {
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            anyhow::ensure!(bytes.len() + chunk.len() <= ANSWER_BYTES_MAX, "the issuer's answer is too large");
            bytes.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&bytes)?)
    }
}

/// A key for RS256 signatures. Keys for other uses or algorithms are left out, since the library would accept them.
fn signing_key(jwk: &jsonwebtoken::jwk::Jwk) -> Option<(String, DecodingKey)> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let rs256 = common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    let rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    let kid = common.key_id.clone()?;
    (signs && rs256 && rsa).then(|| DecodingKey::from_jwk(jwk).ok().map(|key| (kid, key))).flatten()
}
