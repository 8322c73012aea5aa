//! Creating calls with an `Idempotency-Key`, other than bookings, which have a way of their own.
//!
//! The key's row is written first, in the transaction of the call: a copy that comes meanwhile waits for its end, and finds
//! the answer or a free key. A refused call leaves nothing, so it may be repeated with the same key.

use axum::Json;
use axum::response::{IntoResponse, Response};
use happening_api::UserId;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};

use super::extract::Repeatable;
use super::{ApiError, ApiResult};

/// Set on an answer that had been given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A creating call of a person.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    caller: UserId,
    key: Option<String>,
    hash: Vec<u8>,
}

impl Call {
    /// The call with that body, given as the hash of its JSON value.
    pub(crate) fn new(caller: UserId, repeatable: Repeatable, body_hash: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(repeatable.route);
        hash.update(body_hash);
        Self { caller, key: repeatable.key, hash: hash.finalize().to_vec() }
    }

    /// Takes the key; answers what was answered before, if it was.
    ///
    /// # Errors
    /// `key_reused` for another request with the same key; 503.
    pub(crate) async fn begin(&self, conn: &mut PgConnection) -> ApiResult<Option<Kept>> {
        let Some(key) = &self.key else { return Ok(None) };
        let taken = sqlx::query!(
            "insert into idempotency_keys (user_id, key, request_hash) values ($1, $2, $3) on conflict do nothing",
            self.caller.0,
            key,
            self.hash
        )
        .execute(&mut *conn)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(None);
        }
        let row = sqlx::query!(
            "select request_hash, answer, location from idempotency_keys where user_id = $1 and key = $2",
            self.caller.0,
            key
        )
        .fetch_one(conn)
        .await?;
        if row.request_hash != self.hash {
            return Err(ApiError::key_reused());
        }
        let Some((answer, location)) = row.answer.zip(row.location) else {
            return Err(ApiError::internal(anyhow::anyhow!("a key was committed without its answer")));
        };
        Ok(Some(Kept { answer, location }))
    }

    /// Keeps the answer, commits, and gives it: 201 with the thing and where it is.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn finish<T: Serialize>(
        &self,
        tx: Transaction<'_, Postgres>,
        thing: &T,
        location: &str,
    ) -> ApiResult<Response> {
        self.finish_keeping(tx, thing, thing, location).await
    }

    /// As [`Self::finish`], for an answer that holds what must not be kept.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn finish_keeping<T: Serialize, K: Serialize>(
        &self,
        mut tx: Transaction<'_, Postgres>,
        kept: &K,
        thing: &T,
        location: &str,
    ) -> ApiResult<Response> {
        if let Some(key) = &self.key {
            let answer = serde_json::to_string(kept).map_err(ApiError::internal)?;
            sqlx::query!(
                "update idempotency_keys set answer = $3, location = $4 where user_id = $1 and key = $2",
                self.caller.0,
                key,
                answer,
                location
            )
            .execute(&mut *tx)
            .await?;
        }
        commit(tx).await?;
        let location = HeaderValue::try_from(location).map_err(ApiError::internal)?;
        Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(thing)).into_response())
    }
}

/// What the call was answered the first time.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) answer: String,
    pub(crate) location: String,
}

impl IntoResponse for Kept {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/json".to_owned()),
            (header::LOCATION, self.location),
            (REPLAYED, "true".to_owned()),
        ];
        (StatusCode::CREATED, headers, self.answer).into_response()
    }
}

/// Commits; a lost reply means that nobody knows.
///
/// # Errors
/// 503 with the outcome.
pub(crate) async fn commit(tx: Transaction<'_, Postgres>) -> ApiResult<()> {
    tx.commit().await.map_err(|error| match error {
        sqlx::Error::Database(_) => error.into(),
        lost => ApiError::outcome_unknown(lost),
    })
}
