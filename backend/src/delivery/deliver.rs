//! One message: dedupe by its id in the transaction of the effect, channel by channel.

use happening_api::{EventId, Message, NotificationType, UserId};
use sqlx::{PgConnection, PgPool};

use super::templates::Facts;
use super::{Mailer, feed, templates};
use crate::broker::{Fate, Handler};

/// Delivers messages to people.
pub(crate) struct Deliver {
    pub(crate) pool: PgPool,
    pub(crate) mailer: Mailer,
}

/// Whom a message goes to.
struct Person {
    name: String,
    email: String,
    email_verified: bool,
}

impl Handler for Deliver {
    async fn handle(&self, payload: &[u8], last: bool) -> Fate {
        let message: Message = match serde_json::from_slice(payload) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "a message that nobody understands is set aside");
                return Fate::Dead;
            }
        };
        match self.deliver(&message).await {
            Ok(()) => Fate::Done,
            Err(error) => {
                let (id, request_id) = (message.id, &message.request_id);
                tracing::warn!(message_id = %id, request_id, last, error = format!("{error:#}"), "a delivery failed");
                if last && let Err(error) = feed::mark_failed(&self.pool, &message).await {
                    tracing::warn!(message_id = %id, %error, "the failure could not be noted");
                    return Fate::Retry;
                }
                Fate::Retry
            }
        }
    }
}

impl Deliver {
    async fn deliver(&self, message: &Message) -> anyhow::Result<()> {
        let (Some(user), Some(event)) = (message.user_id, message.event_id) else {
            anyhow::bail!("a message without person or event");
        };
        let mut conn = self.pool.acquire().await?;
        let Some(facts) = facts(&mut conn, event).await? else { return Ok(()) }; // the event was deleted
        let Some(person) = person(&mut conn, user).await? else { return Ok(()) };
        drop(conn);
        let mut tx = self.pool.begin().await?;
        if claim(&mut tx, message, "feed").await? {
            feed::add(&mut tx, message, user, &templates::sentence(message, &facts)).await?;
        }
        tx.commit().await?;
        if person.email_verified {
            self.mail(message, user, &person, &facts).await?;
        }
        Ok(())
    }

    async fn mail(&self, message: &Message, user: UserId, person: &Person, facts: &Facts) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        if !claim(&mut tx, message, "mail").await? {
            return Ok(());
        }
        if message.kind != NotificationType::WaitlistPromoted || still_true(&mut tx, message, user).await? {
            let mail = templates::mail(message, facts, &person.name);
            self.mailer.send(message.id, &person.email, &mail).await?;
        }
        // the mail is out before this commits: dying here sends it again, under the same Message-ID
        Ok(tx.commit().await?)
    }
}

/// True for exactly one transaction per message and channel; a second one waits for the first and then gets false.
async fn claim(conn: &mut PgConnection, message: &Message, channel: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into deliveries (message_id, channel) values ($1, $2) on conflict do nothing",
        message.id.0,
        channel
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the person still holds every seat that the promotion gave.
async fn still_true(conn: &mut PgConnection, message: &Message, user: UserId) -> sqlx::Result<bool> {
    let seats = message.seat_numbers.clone().unwrap_or_default();
    let held = sqlx::query_scalar!(
        r#"select count(*) as "count!" from booking_seats
        where booking_id = $1 and user_id = $2 and seat_no = any($3) and status = 'booked'"#,
        message.booking_id.map(|id| id.0),
        user.0,
        &seats
    )
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(held) == Ok(seats.len()))
}

async fn facts(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<Facts>> {
    sqlx::query_as!(
        Facts,
        "select e.name, e.event_date, e.time_zone, e.place, o.name as org_name from events e
        join organizations o on o.id = e.org_id where e.id = $1",
        event.0
    )
    .fetch_optional(conn)
    .await
}

async fn person(conn: &mut PgConnection, user: UserId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(Person, "select name, email, email_verified from users where id = $1", user.0)
        .fetch_optional(conn)
        .await
}
