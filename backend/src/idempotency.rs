//! Creating calls with an `Idempotency-Key`. Bookings are not among them: their ids follow from the key.
//!
//! The key's row is written first, in the transaction of the call. A concurrent copy of the call waits until that transaction ends,
//! and then finds either the answer or an unused key. A refused call leaves no row, so it can be repeated with the same key.

use happening_api::UserId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::problem::Problem;

/// A creating call of a person.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    caller: UserId,
    key: Option<String>,
    hash: Vec<u8>,
}

impl Call {
    /// A call of `route` (method and path), with the hash of its body's JSON value.
    pub(crate) fn new(caller: UserId, key: Option<String>, route: &str, body_hash: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(route);
        hash.update(body_hash);
        Self { caller, key, hash: hash.finalize().to_vec() }
    }

    /// Reserves the key. Returns the earlier answer when this call was made before.
    ///
    /// # Errors
    /// `key_reused` when the key was used for another request; 503.
    pub(crate) async fn begin(&self, conn: &mut PgConnection) -> Result<Option<Made>, Problem> {
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
            return Err(Problem::key_reused());
        }
        let Some((body, location)) = row.answer.zip(row.location) else {
            return Err(Problem::internal(anyhow::anyhow!("a key was committed without its answer")));
        };
        Ok(Some(Made { body, location, replayed: true }))
    }

    /// Stores the answer, commits, and returns the answer.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn finish<T: Serialize>(
        &self,
        tx: Transaction<'_, Postgres>,
        thing: &T,
        location: &str,
    ) -> Result<Made, Problem> {
        self.finish_keeping(tx, thing, thing, location).await
    }

    /// As [`Self::finish`], for an answer with a secret: `kept` is stored instead of `thing`.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn finish_keeping<T: Serialize, K: Serialize>(
        &self,
        mut tx: Transaction<'_, Postgres>,
        kept: &K,
        thing: &T,
        location: &str,
    ) -> Result<Made, Problem> {
        if let Some(key) = &self.key {
            let answer = serde_json::to_string(kept).map_err(Problem::internal)?;
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
        let body = serde_json::to_string(thing).map_err(Problem::internal)?;
        Ok(Made { body, location: location.to_owned(), replayed: false })
    }
}

/// The answer to a creating call.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The created thing as JSON.
    pub(crate) body: String,
    /// The path of the created thing.
    pub(crate) location: String,
    /// Whether this is the stored answer of an earlier call.
    pub(crate) replayed: bool,
}

/// Commits. When the reply is lost, it is unknown whether the transaction was committed.
///
/// # Errors
/// 503 that says whether the outcome is known.
pub(crate) async fn commit(tx: Transaction<'_, Postgres>) -> Result<(), Problem> {
    tx.commit().await.map_err(|error| match error {
        sqlx::Error::Database(_) => error.into(),
        lost => Problem::outcome_unknown(lost),
    })
}
