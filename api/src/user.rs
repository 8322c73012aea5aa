//! People.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::event::{clearable, present};
#[cfg(feature = "server")]
use crate::organization::NameText;
use crate::organization::name_in_bounds;
use crate::{NotificationType, UserId};

/// A person. The first authenticated call makes one from the token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct User {
    pub id: UserId,
    /// The `sub` of the person's tokens.
    pub keycloak_id: String,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    /// Language tag, such as `en` or `de-CH`.
    pub locale: Option<String>,
    /// IANA name of a time zone.
    pub time_zone: Option<String>,
    /// Which types of notifications are mailed. The feed has all of them.
    #[cfg_attr(feature = "server", schema(value_type = BTreeMap<NotificationType, Channel>))]
    pub channels: Channels,
    pub created_at: DateTime<Utc>,
}

/// Whether each type of notification is mailed; a type that is missing here is mailed.
pub type Channels = BTreeMap<NotificationType, Channel>;

/// How a type of notification reaches a person beside the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub email: bool,
}

/// `PATCH /users/me`: only the fields that change. `null` clears an optional one; of `channels` only the named types change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(inner(custom(name_in_bounds)))]
    #[cfg_attr(feature = "server", schema(inline, value_type = NameText, required = false))]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(inner(inner(custom(language_tag))))]
    #[cfg_attr(
        feature = "server",
        schema(min_length = 2, max_length = 35, pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$")
    )]
    pub locale: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "clearable")]
    #[garde(inner(inner(length(chars, min = 1, max = 64))))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 64))]
    pub time_zone: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[garde(skip)]
    #[cfg_attr(feature = "server", schema(nullable = false, value_type = Option<BTreeMap<NotificationType, Channel>>))]
    pub channels: Option<Channels>,
}

/// The shape of a language tag (RFC 5646), not whether the language exists.
fn language_tag(tag: &str, _: &()) -> garde::Result {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !(2..=35).contains(&tag.len()) || !tag.split('-').all(part) {
        return Err(garde::Error::new("must be a language tag such as en or de-CH"));
    }
    Ok(())
}
