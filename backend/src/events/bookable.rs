//! Whether an event can be booked by a person, from short-lived caches. A cache may only say yes: before a no the rows are
//! read again. The batch writer checks once more, under the event's lock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::{CreateBooking, EventId, OrgId, UserId, Visibility};
use moka::sync::Cache;

use super::seats::Maps;
use super::store;
use crate::access::{self, Access, EventAction};
use crate::app::App;
use crate::bookings::store as booking_store;
use crate::http::{ApiError, ApiResult};

/// A changed membership or event acts within this time on every replica.
const REMEMBERED_FOR: Duration = Duration::from_secs(1);
const EVENTS_MAX: u64 = 10_000;
const MEMBERS_MAX: u64 = 200_000;

/// What a booking must know of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventFacts {
    pub(crate) org: OrgId,
    pub(crate) visibility: Visibility,
    pub(crate) total_slots: i32,
    pub(crate) max_seats_per_user: Option<i32>,
    /// By the database's clock when it was read.
    pub(crate) upcoming: bool,
    pub(crate) event_date: DateTime<Utc>,
}

/// The caches.
pub(crate) struct Bookable {
    events: Cache<EventId, EventFacts>,
    members: Cache<(OrgId, UserId), ()>,
    pub(super) maps: Maps,
}

impl Default for Bookable {
    fn default() -> Self {
        Self {
            events: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(REMEMBERED_FOR).build(),
            members: Cache::builder().max_capacity(MEMBERS_MAX).time_to_live(REMEMBERED_FOR).build(),
            maps: Maps::default(),
        }
    }
}

impl Bookable {
    /// An event's facts from its row.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn read(&self, app: &App, event: EventId) -> ApiResult<Option<EventFacts>> {
        let facts = store::facts(&mut *app.conn().await?, event).await?;
        if let Some(facts) = facts {
            self.events.insert(event, facts);
        }
        Ok(facts)
    }

    /// The next look reads the row.
    pub(crate) fn forget(&self, event: EventId) {
        self.events.invalidate(&event);
    }

    /// The next look reads whether the person is a member of the event's organization.
    pub(crate) fn forget_member(&self, event: EventId, person: UserId) {
        if let Some(facts) = self.events.get(&event) {
            self.members.invalidate(&(facts.org, person));
        }
    }

    /// Refuses what the gate and the writer need not see.
    ///
    /// # Errors
    /// 404, 403, `event_not_open`, 400 for seats that the event does not have.
    pub(crate) async fn check_bookable(&self, app: &App, caller: UserId, body: &CreateBooking) -> ApiResult<()> {
        if let Some(facts) = self.events.get(&body.event_id)
            && facts.event_date > app.clock.now()
            && (facts.visibility == Visibility::Public || self.members.contains_key(&(facts.org, caller)))
            && check_facts(&facts, body).is_ok()
        {
            return Ok(());
        }
        // both for no event, too: the time that an answer takes must not tell whether there is one
        let facts = self.read(app, body.event_id).await?;
        let standing = store::standing(&mut *app.conn().await?, body.event_id, caller).await?;
        let (Some(facts), Some((org, standing))) = (facts, standing) else { return Err(ApiError::not_found()) };
        match access::event(EventAction::Book, standing) {
            Access::Allowed => {}
            Access::Forbidden => return Err(ApiError::forbidden()),
            Access::Hidden => return Err(ApiError::not_found()),
        }
        if standing.role.is_some() {
            self.members.insert((org, caller), ());
        }
        check_facts(&facts, body)
    }

    /// The person's limit, from the rows.
    ///
    /// # Errors
    /// `limit_reached`.
    pub(crate) async fn check_limit(&self, app: &App, caller: UserId, body: &CreateBooking) -> ApiResult<()> {
        let Some(limit) = self.read(app, body.event_id).await?.and_then(|facts| facts.max_seats_per_user) else {
            return Ok(());
        };
        let have = booking_store::seats_of_person(&mut *app.conn().await?, body.event_id, caller).await?;
        if have + body.seats > limit { Err(crate::bookings::limit_reached(limit, have)) } else { Ok(()) }
    }
}

fn check_facts(facts: &EventFacts, body: &CreateBooking) -> ApiResult<()> {
    if !facts.upcoming {
        return Err(crate::bookings::event_not_open());
    }
    if body.seats > facts.total_slots {
        return Err(ApiError::field("seats", format!("must be at most {}, all seats of the event", facts.total_slots)));
    }
    let beyond = body.seat_numbers.iter().flatten().find(|seat| **seat > facts.total_slots);
    match beyond {
        Some(seat) => {
            Err(ApiError::field("seat_numbers", format!("seat {seat} does not exist: there are {}", facts.total_slots)))
        }
        None => Ok(()),
    }
}
