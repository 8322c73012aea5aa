//! One type per kind of id, so that a booking's id cannot be passed where an event's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "server", derive(sqlx::Type, utoipa::ToSchema), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id!(/// An organization.
    OrgId);
id!(/// A person, as this product knows them; not the `sub` of their token.
    UserId);
id!(/// An event.
    EventId);
id!(/// A booking.
    BookingId);
id!(/// A row of a booking's history; a claim's own id becomes one.
    HistoryId);
id!(/// A message in the outbox; it stays the same through broker, worker and mail.
    MessageId);
id!(/// A notification in a person's feed.
    NotificationId);
id!(/// An invite into an organization.
    InviteId);
id!(/// A row of an organization's audit log.
    AuditId);
