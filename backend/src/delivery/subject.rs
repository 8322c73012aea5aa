//! What a message is about. It is read at the time of delivery, so names and dates are current.

use chrono::{DateTime, Utc};
use happening_api::{BookingId, EventId, InviteId, Message, OrgId, Role};
use sqlx::PgConnection;

use crate::invites::store as invite_store;
use crate::links::Links;

/// The facts that the texts of a message need.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Event(Box<EventFacts>),
    Organization { name: String },
    Invite(Box<InviteFacts>),
}

/// Facts about an event.
#[derive(Clone, Debug)]
pub(super) struct EventFacts {
    pub(super) id: EventId,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) event_date: DateTime<Utc>,
    pub(super) ends_at: Option<DateTime<Utc>>,
    pub(super) time_zone: String,
    pub(super) place: Option<String>,
    pub(super) version: i64,
    pub(super) cancelled: bool,
    /// How many seats the waiting booking could claim now.
    pub(super) free_to_take: i32,
    pub(super) org_name: String,
}

/// Facts about an invite that can still be accepted.
#[derive(Clone, Debug)]
pub(super) struct InviteFacts {
    pub(super) organization: String,
    pub(super) role: Role,
    pub(super) inviter: String,
    pub(super) email: String,
    pub(super) expires_at: DateTime<Utc>,
    /// The address of the page that opens the invite in the app; it contains the token.
    pub(super) url: String,
}

/// The person to whom a message goes.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) email_verified: bool,
    /// Whether the person wants mails of this type.
    pub(super) wants_mail: bool,
}

/// Reads what the message is about. `None` when it no longer exists, or when the people of the event were removed, so that there is
/// nothing to deliver.
pub(super) async fn of(conn: &mut PgConnection, message: &Message, links: &Links) -> anyhow::Result<Option<Subject>> {
    match (message.invite_id, message.event_id, message.org_id) {
        (Some(invite), ..) => invite_facts(conn, invite, links).await,
        (None, Some(event), _) => {
            Ok(event_facts(conn, event, message.booking_id).await?.map(|facts| Subject::Event(Box::new(facts))))
        }
        (None, None, Some(org)) => Ok(organization(conn, org).await?),
        (None, None, None) => anyhow::bail!("a message about nothing"),
    }
}

async fn event_facts(
    conn: &mut PgConnection,
    event: EventId,
    booking: Option<BookingId>,
) -> sqlx::Result<Option<EventFacts>> {
    sqlx::query_as!(
        EventFacts,
        r#"select e.id as "id: EventId", e.name, e.description, e.event_date, e.ends_at, e.time_zone, e.place, e.version, e.status = 'cancelled' as "cancelled!",
            case when b.waiting_seats > 0 then e.available_slots else 0 end as "free_to_take!", o.name as org_name
        from events e join organizations o on o.id = e.org_id left join bookings b on b.id = $2
        where e.id = $1 and e.people_removed_at is null"#,
        event.0,
        booking.map(|id| id.0)
    )
    .fetch_optional(conn)
    .await
}

async fn organization(conn: &mut PgConnection, org: OrgId) -> sqlx::Result<Option<Subject>> {
    let name = sqlx::query_scalar!("select name from organizations where id = $1 and deleted_at is null", org.0)
        .fetch_optional(conn)
        .await?;
    Ok(name.map(|name| Subject::Organization { name }))
}

async fn invite_facts(conn: &mut PgConnection, invite: InviteId, links: &Links) -> anyhow::Result<Option<Subject>> {
    let Some(row) = invite_store::find(conn, invite, false).await? else { return Ok(None) };
    if row.status != "pending" || row.expired {
        return Ok(None);
    }
    let url = links.invite(&links.token(row.id, &row.nonce));
    let facts = InviteFacts {
        organization: row.organization,
        role: row.role,
        inviter: row.inviter,
        email: row.email,
        expires_at: row.expires_at,
        url,
    };
    Ok(Some(Subject::Invite(Box::new(facts))))
}
