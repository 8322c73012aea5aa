//! Delivers a message through each channel once: the message's id is recorded in the transaction of the effect.

use anyhow::Context;
use happening_api::{EventId, Message, MessageId, NotificationType, UserId};
use sqlx::{PgConnection, PgPool};
use tracing::Instrument;
use uuid::Uuid;

use super::subject::{self, Person, Subject};
use super::{Mailer, feed, templates};
use crate::broker::{Fate, Handler, NOTIFICATIONS};
use crate::database;
use crate::links::Links;
use crate::outbox;
use crate::telemetry::{self, SPANS};

/// How many messages are written in one statement.
const PEOPLE_AT_ONCE: i64 = 1_000;

/// Delivers messages to people.
pub(crate) struct Deliver {
    pub(crate) pool: PgPool,
    pub(crate) mailer: Mailer,
    pub(crate) links: Links,
}

impl Handler for Deliver {
    async fn handle(&self, payload: &[u8], last: bool) -> Fate {
        let message: Message = match serde_json::from_slice(payload) {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(%error, "a message that cannot be read is set aside");
                return Fate::Dead;
            }
        };
        let span = tracing::info_span!(
            target: SPANS,
            "process",
            otel.name = format!("process {NOTIFICATIONS}"),
            otel.kind = "consumer",
            messaging.system = "rabbitmq",
            messaging.destination.name = NOTIFICATIONS,
            messaging.message.id = %message.id,
        );
        telemetry::belong_to(&span, &message.request_id);
        match self.deliver(&message).instrument(span).await {
            Ok(()) => {
                let (id, request_id) = (message.id, &message.request_id);
                tracing::debug!(message_id = %id, request_id, "a message has its effect");
                Fate::Done
            }
            Err(error) => {
                let (id, request_id) = (message.id, &message.request_id);
                tracing::warn!(message_id = %id, request_id, last, error = format!("{error:#}"), "a delivery failed");
                if error.chain().filter_map(|cause| cause.downcast_ref()).any(database::is_away) {
                    return Fate::Wait;
                }
                if last && let Err(error) = feed::mark_failed(&self.pool, &message).await {
                    tracing::warn!(message_id = %id, %error, "the failure could not be noted");
                    return Fate::Wait;
                }
                Fate::Retry
            }
        }
    }
}

impl Deliver {
    async fn deliver(&self, message: &Message) -> anyhow::Result<()> {
        let mut conn = self.pool.acquire().await?;
        let Some(subject) = subject::of(&mut conn, message, &self.links).await? else {
            drop(conn);
            return self.nothing_to_tell(message).await;
        };
        if let Subject::Invite(invite) = &subject {
            // the address may belong to a person with an account; otherwise only the mail reaches them
            let known = person_with_address(&mut conn, &invite.email).await?;
            let person = match known {
                Some(user) => person(&mut conn, user, message.kind).await?,
                None => None,
            };
            drop(conn);
            match known {
                Some(user) => self.feed(message, user, &subject).await?,
                None => self.nothing_to_tell(message).await?,
            }
            if person.is_some_and(|person| !person.wants_mail) {
                return Ok(());
            }
            return self.mail(message, None, &invite.email, "", &subject).await;
        }
        let Some(user) = message.user_id else {
            drop(conn);
            return self.pass_to_everyone(message).await;
        };
        let Some(person) = person(&mut conn, user, message.kind).await? else {
            drop(conn);
            return self.nothing_to_tell(message).await;
        };
        drop(conn);
        self.feed(message, user, &subject).await?;
        if person.email_verified && person.wants_mail {
            self.mail(message, Some(user), &person.email, &person.name, &subject).await?;
        }
        Ok(())
    }

    /// Passes a message on to everyone with a booking: writes one message for each person. Their ids are the same on every attempt,
    /// so a repetition adds nothing.
    async fn pass_to_everyone(&self, message: &Message) -> anyhow::Result<()> {
        let event = message.event_id.context("a message to no one")?;
        let mut after = UserId(Uuid::nil());
        loop {
            let mut conn = self.pool.acquire().await?;
            let people = people_after(&mut conn, message, event, after).await?;
            let Some(last) = people.last() else { break };
            after = *last;
            let theirs = |person: &UserId| Message {
                id: id_for(message.id, *person),
                user_id: Some(*person),
                ..message.clone()
            };
            outbox::enqueue(&mut conn, &people.iter().map(theirs).collect::<Vec<_>>()).await?;
        }
        self.nothing_to_tell(message).await
    }

    /// Records a message as delivered when its subject or its person no longer exists.
    async fn nothing_to_tell(&self, message: &Message) -> anyhow::Result<()> {
        claim(&mut *self.pool.acquire().await?, message, "feed").await?;
        Ok(())
    }

    async fn feed(&self, message: &Message, user: UserId, subject: &Subject) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        if claim(&mut tx, message, "feed").await? {
            feed::add(&mut tx, message, user, &templates::sentence(message, subject)).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn mail(
        &self,
        message: &Message,
        user: Option<UserId>,
        address: &str,
        name: &str,
        subject: &Subject,
    ) -> anyhow::Result<()> {
        let mut tx = self.pool.begin().await?;
        if !claim(&mut tx, message, "mail").await? {
            return Ok(());
        }
        if still_true(&mut tx, message, user).await? {
            let mail = templates::mail(message, subject, name, &self.links);
            self.mailer.send(message.id, address, &mail).await?;
            feed::mark_delivered(&mut tx, message).await?;
        }
        // the mail is sent before this commit: if the worker dies in between, it is sent again, with the same Message-ID
        Ok(tx.commit().await?)
    }
}

/// The people with an active booking that is older than the message, ordered by id.
async fn people_after(
    conn: &mut PgConnection,
    message: &Message,
    event: EventId,
    after: UserId,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar!(
        r#"select distinct user_id as "id: UserId" from bookings where event_id = $1 and status <> 'cancelled' and user_id > $2
            and created_at <= $4
        order by user_id limit $3"#,
        event.0,
        after.0,
        PEOPLE_AT_ONCE,
        message.occurred_at
    )
    .fetch_all(conn)
    .await
}

/// The id of the message for one person. Its first half is that of the original, so it is ordered by the same time; its second half
/// is a hash of both ids.
fn id_for(message: MessageId, person: UserId) -> MessageId {
    let hash = Uuid::new_v5(&message.0, person.0.as_bytes());
    let (time, chance) = (message.0.as_u64_pair().0, hash.as_u64_pair().1);
    MessageId(Uuid::from_u64_pair(time, chance))
}

/// Records that a channel delivers a message. True for only one transaction per message and channel; a concurrent one waits for the
/// first and then gets false.
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

/// For a promotion: whether the person still holds every seat that it gave them. True for other messages.
async fn still_true(conn: &mut PgConnection, message: &Message, user: Option<UserId>) -> sqlx::Result<bool> {
    if message.kind != NotificationType::WaitlistPromoted {
        return Ok(true);
    }
    let seats = message.seat_numbers.clone().unwrap_or_default();
    let held = sqlx::query_scalar!(
        r#"select count(*) as "count!" from booking_seats
        where booking_id = $1 and user_id = $2 and seat_no = any($3) and status = 'booked'"#,
        message.booking_id.map(|id| id.0),
        user.map(|id| id.0),
        &seats
    )
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(held) == Ok(seats.len()))
}

async fn person(conn: &mut PgConnection, user: UserId, kind: NotificationType) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        r#"select name, email, email_verified, coalesce((channels -> $2 ->> 'email')::boolean, true) as "wants_mail!"
        from users where id = $1 and deleted_at is null"#,
        user.0,
        kind as NotificationType
    )
    .fetch_optional(conn)
    .await
}

async fn person_with_address(conn: &mut PgConnection, email: &str) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"select id as "id: UserId" from users where lower(email) = lower($1::text collate happening) and email_verified and deleted_at is null
        order by created_at limit 1"#,
        email
    )
    .fetch_optional(conn)
    .await
}
