//! Writes messages into the current transaction.

use happening_api::Message;
use sqlx::PgConnection;
use uuid::Uuid;

/// Adds messages to the outbox. A message whose id is already in the outbox is skipped. The caller wakes the relay after the commit.
///
/// # Errors
/// When the database fails.
pub(crate) async fn enqueue(conn: &mut PgConnection, messages: &[Message]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id.0).collect();
    let times: Vec<_> = messages.iter().map(|message| message.occurred_at).collect();
    let payloads: Vec<_> = messages
        .iter()
        .map(|message| serde_json::to_string(message).expect("a message has string keys and finite numbers"))
        .collect();
    sqlx::query!(
        "insert into outbox (id, payload, created_at) 
        select id, payload::json, at from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as x (id, payload, at)
        on conflict (id) do nothing",
        &ids,
        &payloads,
        &times
    )
    .execute(conn)
    .await
    .map(drop)
}
