//! What a transaction reads: the locked rows of its events, and facts about its commands that only the rows have, not the states.
//!
//! These are two statements, because a statement sees other rows as of its own start, but a locked row as of the moment it was
//! locked. So the statement that locks joins no other table, and everything else, the time included, is read by a second statement.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use happening_api::{BookingId, BookingStatus, EventId, EventStatus, OrgId, Role, UserId, Visibility};
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::Answer;
use super::command::{Command, Kind};
use super::protection::{Protection, out};
use super::states::Known;
use crate::access::{self, Access, EventAction, EventStanding};

/// An event's row. It stays locked until the transaction ends.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) id: EventId,
    pub(crate) org: OrgId,
    pub(super) status: EventStatus,
    pub(super) event_date: DateTime<Utc>,
    /// When the event is over: at its end or, if it has none, 24 hours after its start.
    pub(super) over_at: DateTime<Utc>,
    pub(super) seats_per_person_max: Option<i32>,
    pub(super) total: i32,
    /// The capacity to which seats are still being added in portions.
    pub(super) raising_to: Option<i32>,
    pub(super) free: i32,
    pub(super) waiting_bookings: i64,
    pub(super) waiting_seats: i64,
    pub(super) version: i64,
    pub(super) head: Uuid,
    pub(super) deleted: bool,
}

impl EventRow {
    /// Whether the event takes bookings at this moment. The start is compared with the time, too, since the worker may set the status
    /// late.
    pub(crate) fn is_upcoming(&self, now: DateTime<Utc>) -> bool {
        !self.deleted && self.status == EventStatus::Upcoming && now < self.event_date
    }

    /// Whether the event's staff may give out seats: it is not over, not cancelled and not deleted.
    pub(crate) fn is_on(&self, now: DateTime<Utc>) -> bool {
        let may_begin = matches!(self.status, EventStatus::Upcoming | EventStatus::Ongoing);
        !self.deleted && may_begin && now < self.over_at
    }

    /// About how many rows must be read to load the event's state.
    pub(super) fn rows(&self) -> u32 {
        let taken = self.total.saturating_sub(self.free);
        u32::try_from(i64::from(taken) + self.waiting_bookings).unwrap_or(u32::MAX)
    }

    /// Whether the state is the current one: it has the row's version and head, and the same counts.
    pub(super) fn is_of(&self, known: &Known) -> bool {
        let named_so = (self.version, self.head) == (known.version, known.head);
        named_so && (self.counts_as(known) || out(Protection::CountsCompared))
    }

    /// Whether the row and the state have the same counts.
    pub(super) fn counts_as(&self, known: &Known) -> bool {
        let waiting = known.seats.waiting();
        self.total.cast_unsigned() == known.seats.total()
            && self.free.cast_unsigned() == known.seats.free()
            && self.waiting_bookings == i64::from(waiting.bookings)
            && self.waiting_seats == i64::from(waiting.seats)
    }
}

/// Locks the rows of events in the order of their ids. Without `wait`, rows that another transaction has locked are left out.
///
/// # Errors
/// When the database fails; with `wait` also when a row could not be locked within the lock timeout.
pub(super) async fn lock(
    conn: &mut PgConnection,
    events: &[EventId],
    wait: bool,
) -> sqlx::Result<HashMap<EventId, EventRow>> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows = if wait {
        sqlx::query_as!(
            EventRow,
            r#"select id as "id: EventId", org_id as "org: OrgId", status as "status: EventStatus", event_date,
                coalesce(ends_at, event_date + interval '24 hours') as "over_at!",
                max_seats_per_user as seats_per_person_max, total_slots as total, raising_to, available_slots as free, waiting_bookings,
                waiting_seats, seat_version as version, seat_head as head, deleted_at is not null as "deleted!"
            from events where id = any($1) order by id for no key update"#,
            &ids
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            EventRow,
            r#"select id as "id: EventId", org_id as "org: OrgId", status as "status: EventStatus", event_date,
                coalesce(ends_at, event_date + interval '24 hours') as "over_at!",
                max_seats_per_user as seats_per_person_max, total_slots as total, raising_to, available_slots as free, waiting_bookings,
                waiting_seats, seat_version as version, seat_head as head, deleted_at is not null as "deleted!"
            from events where id = any($1) order by id for no key update skip locked"#,
            &ids
        )
        .fetch_all(conn)
        .await?
    };
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// The row of the booking that a command is about.
#[derive(Clone, Debug)]
pub(super) struct BookingFacts {
    pub(super) person: UserId,
    pub(super) seats: i32,
    pub(super) status: BookingStatus,
    pub(super) waiting_number: Option<i32>,
    pub(super) reassigned: bool,
    pub(super) created_at: DateTime<Utc>,
}

/// What an earlier copy of the same command wrote.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// The kept first answer, and whether it belongs to the same request.
    Answer { answer: Answer, same_request: bool },
    /// The command was done, but its answer was deleted with the personal data of a past event.
    Forgotten,
    /// The command was done and has no kept answer: the booking is shown as it is now.
    Done,
}

/// Facts about a command that are only in the rows, not in the state.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) found: Option<Found>,
    /// Whether the caller has a user row that is not marked as deleted.
    pub(super) known: bool,
    /// Whether the command is about the caller's own booking.
    pub(super) is_own: bool,
    /// Whether a timer asks for the command, not a caller.
    pub(super) is_due: bool,
    pub(super) visibility: Visibility,
    pub(super) role: Option<Role>,
    pub(super) owner: bool,
    /// Whether the caller has an active booking at the event. Looked up only when nothing else lets the caller see the event.
    pub(super) has_booking: bool,
    pub(super) booking: Option<BookingFacts>,
}

impl Facts {
    /// Whether the caller may do this with the event.
    pub(super) fn access(&self, action: EventAction) -> Access {
        let Self { visibility, role, owner, has_booking, .. } = *self;
        if self.known {
            access::event(action, EventStanding { visibility, role, owner, has_booking })
        } else {
            Access::Hidden
        }
    }

    /// Whether the event's state is needed to answer: a timer asks, the command is about the caller's own booking, it was done
    /// before, or the caller may see the event.
    pub(super) fn matters(&self) -> bool {
        self.is_due || self.is_own || self.found.is_some() || self.access(EventAction::See) != Access::Hidden
    }
}

const CREATE: i16 = 0;
const CLAIM: i16 = 1;
const GIVE_BACK: i16 = 2;
const DUE: i16 = 3;

/// Looks up the facts of commands, in their order, and the time. Commands may be decided by them only while the events' rows are locked.
///
/// Each `limit 1` keeps the planner from joining that table in another way: whatever the planner's statistics say, a row is looked up
/// by its whole key. Without it, a plan that was cached when an organization was small read all of its 10,000 members for each
/// booking.
///
/// # Errors
/// When the database fails.
#[expect(clippy::too_many_lines, reason = "one statement, and a line for each of its columns")]
pub(super) async fn look(
    conn: &mut PgConnection,
    commands: &[&Command],
) -> sqlx::Result<(DateTime<Utc>, Vec<Option<Facts>>)> {
    let ids: Vec<Uuid> = commands.iter().map(|one| one.id).collect();
    let events: Vec<Uuid> = commands.iter().map(|one| one.event.0).collect();
    let callers: Vec<Uuid> = commands.iter().map(|one| one.caller.0).collect();
    let bookings: Vec<Option<Uuid>> = commands.iter().map(|one| one.kind.booking().map(|id| id.0)).collect();
    let kinds: Vec<i16> = commands.iter().map(|one| kind(&one.kind)).collect();
    let rows = sqlx::query!(
        r#"select i.n as "n!", (select clock_timestamp()) as "now!",
            case when o.deleted_at is null then e.visibility else 'members' end as "visibility!: Visibility",
            m.role as "role?: Role", (case when m.role is not null or (e.visibility = 'public' and o.deleted_at is null) then false else (select count(*) from bookings hb
                where hb.event_id = i.event_id and hb.user_id = i.caller and hb.status <> 'cancelled') > 0 end) as "has_booking!", e.owner_id = i.caller as "owner!", (u.id is not null and u.deleted_at is null) as "known!",
            c.request_hash as "hash?", ch.answer::text as "first_answer?",
            cl.booking_id as "claimed?: BookingId", cl.asked as "asked?", cl.answer::text as "claim_answer?",
            (g.id is not null) as "given_back!",
            b.user_id as "person?: UserId", b.seats as "seats?", b.status as "status?: BookingStatus", b.waiting_number as "waiting_number?",
            b.reassigned as "reassigned?", b.created_at as "created_at?"
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[]) with ordinality
            as i (id, event_id, caller, booking_id, kind, n)
        join events e on e.id = i.event_id
        join organizations o on o.id = e.org_id
        left join lateral (select id, deleted_at from users where id = i.caller limit 1) u on true
        left join lateral (select role from organization_users m where m.org_id = e.org_id and m.user_id = i.caller limit 1) m on true
        left join lateral (select id, request_hash from bookings c where c.id = i.id and i.kind = 0 limit 1) c on true
        left join lateral (select answer from booking_history h where h.booking_id = c.id and h.action = 'created' limit 1) ch on true
        left join lateral (select booking_id, asked, answer from booking_history h
            where h.id = i.id and h.action = 'claimed' and i.kind = 1 limit 1) cl on true
        left join lateral (select id from booking_history h where h.booking_id = i.booking_id and h.id = i.id and i.kind = 2 limit 1) g on true
        left join lateral (select * from bookings b where b.id = i.booking_id and b.event_id = i.event_id limit 1) b on true"#,
        &ids,
        &events,
        &callers,
        &bookings as &[Option<Uuid>],
        &kinds
    )
    .fetch_all(conn)
    .await?;
    let mut facts: Vec<Option<Facts>> = vec![None; commands.len()];
    let mut now = DateTime::UNIX_EPOCH;
    for row in rows {
        now = row.now;
        let Some(command) = usize::try_from(row.n - 1).ok().and_then(|n| commands.get(n)) else { continue };
        let booking = row.person.map(|person| BookingFacts {
            person,
            seats: row.seats.unwrap_or_default(),
            status: row.status.unwrap_or(BookingStatus::Cancelled),
            waiting_number: row.waiting_number,
            reassigned: row.reassigned.unwrap_or_default(),
            created_at: row.created_at.unwrap_or_default(),
        });
        let found = match &command.kind {
            Kind::Create { request_hash, .. } => row.hash.map(|hash| match row.first_answer {
                Some(answer) => Found::Answer { answer: Answer::kept(answer), same_request: hash == *request_hash },
                None => Found::Forgotten,
            }),
            Kind::Claim { booking, seats } => row.claimed.map(|claimed| {
                let same_request = claimed == *booking && row.asked.map(i32::cast_unsigned) == *seats;
                match row.claim_answer {
                    Some(answer) => Found::Answer { answer: Answer::kept(answer), same_request },
                    None => Found::Forgotten,
                }
            }),
            Kind::GiveBack { .. } => row.given_back.then_some(Found::Done),
            Kind::Due(_) => None,
        };
        let (known, visibility, role, owner) = (row.known, row.visibility, row.role, row.owner);
        facts[row.n as usize - 1] = Some(Facts {
            is_due: matches!(command.kind, Kind::Due(_)),
            is_own: booking.as_ref().is_some_and(|booking| booking.person == command.caller),
            found,
            known,
            visibility,
            role,
            owner,
            has_booking: row.has_booking,
            booking,
        });
    }
    Ok((now, facts))
}

fn kind(kind: &Kind) -> i16 {
    match kind {
        Kind::Create { .. } => CREATE,
        Kind::Claim { .. } => CLAIM,
        Kind::GiveBack { .. } => GIVE_BACK,
        Kind::Due(_) => DUE,
    }
}
