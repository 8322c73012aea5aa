//! Organizations, their members and roles.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::event::{clearable, present};
use crate::{AuditId, OrgId, UserId};

/// Longest name of an organization or event, in characters.
pub const NAME_CHARS_MAX: usize = 200;

/// What a member may do in one organization. A person can have another role elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "server",
    derive(utoipa::ToSchema, sqlx::Type),
    sqlx(type_name = "text", rename_all = "camelCase")
)]
pub enum Role {
    #[serde(rename = "orgAdmin")]
    OrgAdmin,
    #[serde(rename = "organizer")]
    Organizer,
    #[serde(rename = "user")]
    User,
}

impl Role {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrgAdmin => "orgAdmin",
            Self::Organizer => "organizer",
            Self::User => "user",
        }
    }

    /// The role of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::OrgAdmin, Self::Organizer, Self::User].into_iter().find(|role| role.as_str() == name)
    }
}

/// An organization as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Organization {
    pub id: OrgId,
    pub name: String,
    /// The caller's role.
    pub role: Role,
    pub member_count: i64,
    /// Days after an event's end when who came to it is removed; null keeps it.
    pub retention_days: Option<i32>,
    pub created_at: DateTime<Utc>,
}

/// `POST /organizations`: the caller becomes its orgAdmin.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateOrganization {
    #[garde(custom(name_in_bounds))]
    #[cfg_attr(feature = "server", schema(inline, value_type = NameText))]
    pub name: String,
}

/// `PUT /organizations/:id`: only the fields that change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateOrganization {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(custom(name_in_bounds)))]
    #[cfg_attr(feature = "server", schema(inline, value_type = NameText, required = false))]
    pub name: Option<String>,
    /// 30 to 3650 days after an event's end who came to it is removed; null keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(inner(inner(range(min = 30, max = 3650))))]
    #[cfg_attr(feature = "server", schema(minimum = 30, maximum = 3650))]
    pub retention_days: Option<Option<i32>>,
}

/// `PATCH /organizations/:id/members/:userId`.
#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    #[garde(skip)]
    pub role: Role,
}

/// A row of an organization's audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub id: AuditId,
    /// Who did it; null when the worker did.
    pub actor_id: Option<UserId>,
    /// What was done, such as `role_changed`.
    pub action: String,
    /// What it was done to: `organization`, `member`, `invite`, `event` or `booking`.
    pub subject_type: String,
    pub subject_id: uuid::Uuid,
    /// What a reader wants to know of it; its members follow from the action.
    pub details: serde_json::Value,
    pub created_at: DateTime<Utc>,
}

/// A membership, by the person's name. The e-mail is there for orgAdmins only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Member {
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub joined_at: DateTime<Utc>,
}

/// The rule of [`name_in_bounds`] for the OpenAPI document: a name is one line, and not only blanks.
#[cfg(feature = "server")]
pub(crate) struct NameText;

#[cfg(feature = "server")]
impl utoipa::PartialSchema for NameText {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        const ON_ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        text.min_length(Some(1)).max_length(Some(NAME_CHARS_MAX)).pattern(Some(ON_ONE_LINE)).into()
    }
}

#[cfg(feature = "server")]
impl utoipa::ToSchema for NameText {}

pub(crate) fn name_in_bounds(name: &str, _: &()) -> garde::Result {
    let chars = name.trim().chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&chars) || name.chars().any(char::is_control) {
        return Err(garde::Error::new(format!("must have 1 to {NAME_CHARS_MAX} characters on one line")));
    }
    Ok(())
}
