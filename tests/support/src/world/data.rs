//! Creates the data of a test's world: events, organizations, members.

use anyhow::Result;
use chrono::Utc;
use happening_api::{CreateEvent, Event, EventId, OrgId, Organization, Role, Visibility};
use serde_json::json;

use super::World;
use crate::Client;

impl World {
    /// Creates an organization for `owner`, and in it a public event.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn event(&self, owner: &Client, total_slots: i32) -> Result<Event> {
        let organization = self.organization(owner).await?;
        self.event_in(owner, organization.id, total_slots, None).await
    }

    /// Creates an organization.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn organization(&self, owner: &Client) -> Result<Organization> {
        Ok(owner.post("/organizations", json!({ "name": "Test hall" })).await?.expect(201).json())
    }

    /// Creates a public event that starts in a week.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn event_in(&self, owner: &Client, org: OrgId, total_slots: i32, limit: Option<i32>) -> Result<Event> {
        let event = CreateEvent {
            org_id: org,
            name: "Test evening".to_owned(),
            description: String::new(),
            category: None,
            place: None,
            time_zone: "UTC".to_owned(),
            event_date: Utc::now() + chrono::Duration::days(7),
            ends_at: None,
            total_slots,
            visibility: Visibility::Public,
            max_seats_per_user: limit,
        };
        Ok(owner.post("/events", serde_json::to_value(event)?).await?.expect(201).json())
    }

    /// Gives a person a role in an organization. Writes to the database directly, so no rule of the server applies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_role(&self, org: OrgId, person: &Client, role: Role) -> Result<()> {
        sqlx::query(
            "insert into organization_users (org_id, user_id, role) values ($1, $2, $3)
            on conflict (org_id, user_id) do update set role = excluded.role",
        )
        .bind(org.0)
        .bind(person.user.id.0)
        .bind(role.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Creates `count` members who never sign in: Member 0001 and so on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_many_members(&self, org: OrgId, count: i32) -> Result<()> {
        sqlx::query(
            "with made as (insert into users (id, keycloak_id, name, email)
                select gen_random_uuid(), 'member' || n, 'Member ' || lpad(n::text, 4, '0'), 'member' || n || '@happening.invalid'
                from generate_series(1, $2) n returning id)
            insert into organization_users (org_id, user_id, role) select $1, id, 'user' from made",
        )
        .bind(org.0)
        .bind(count)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Moves an event's start. Writes to the database directly, so no rule of the server applies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn move_event(&self, event: EventId, minutes_from_now: i32) -> Result<()> {
        sqlx::query("update events set event_date = now() + make_interval(mins => $2), ends_at = null where id = $1")
            .bind(event.0)
            .bind(minutes_from_now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
