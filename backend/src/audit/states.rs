//! Invariant I3: for each event that is not over, the state that results from its log equals the state of its rows, the counts in its
//! row match, and what Redis shows equals the state with the version that Redis names.

use std::panic::{AssertUnwindSafe, catch_unwind};

use happening_api::EventId;
use happening_seating::EventSeats;
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use super::Finding;
use crate::seats::log::{self, Entry};
use crate::seats::states::{self, Known};
use crate::shown::{Picture, Shown};

const LOG: &str = "I3 the fold of the log equals the rows";
const COUNTS: &str = "I3 the counts of an event equal its rows";
const SHOWN: &str = "I3 what Redis shows equals the rows";

pub(super) const NAMES: [&str; 3] = [LOG, COUNTS, SHOWN];

/// Compares, for each event that is not over, the log, the counts and what Redis shows with the rows. Returns the differences.
pub(super) async fn compare(pool: &PgPool, shown: &Shown) -> anyhow::Result<Vec<Finding>> {
    let mut conn = pool.acquire().await?;
    let events = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events
        where deleted_at is null and event_status(status, event_date, ends_at, now()) in ('upcoming', 'ongoing')"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let (mut findings, mut redis_answers) = (Vec::new(), true);
    for event in events {
        let mut found =
            |invariant, what: String| findings.push(Finding { invariant, what: format!("event {event}: {what}") });
        let mut tx = conn.begin_with("begin isolation level repeatable read read only").await?;
        let known = match states::read(&mut tx, event).await {
            Ok(Some(known)) => known,
            Ok(None) => continue,
            Err(error @ sqlx::Error::Protocol(_)) => {
                found(LOG, error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(what) = compare_counts(&mut tx, event, &known.seats).await? {
            found(COUNTS, what);
        }
        if let Some(what) = compare_log(&mut tx, event, &known).await? {
            found(LOG, what);
        }
        tx.commit().await?;
        // nothing depends on Redis, so while it is away, the rest is still checked
        let picture = if redis_answers { shown.picture(event).await } else { Ok(None) };
        if let Err(error) = &picture {
            tracing::warn!(%error, "what Redis shows is not audited");
            redis_answers = false;
        }
        if let Some(what) = picture.ok().flatten().and_then(|picture| compare_shown(&picture, &known)) {
            found(SHOWN, what);
        }
    }
    Ok(findings)
}

async fn compare_counts(conn: &mut PgConnection, event: EventId, seats: &EventSeats) -> sqlx::Result<Option<String>> {
    let row =
        sqlx::query!("select available_slots, waiting_bookings, waiting_seats from events where id = $1", event.0)
            .fetch_one(conn)
            .await?;
    let counted = (i64::from(row.available_slots), row.waiting_bookings, row.waiting_seats);
    let waiting = seats.waiting();
    let rows = (i64::from(seats.free()), i64::from(waiting.bookings), i64::from(waiting.seats));
    let what = || format!("free, waiting bookings and waiting seats {counted:?}, rows say {rows:?}");
    Ok((counted != rows).then(what))
}

/// The state that results from an event's log.
pub(crate) struct Folded {
    /// The version and head of the last entry.
    pub(crate) name: (i64, Uuid),
    /// How many entries the log has.
    pub(crate) entries: usize,
    /// `None` when the beginning of the log was pruned.
    pub(crate) state: Option<EventSeats>,
}

/// Applies all entries of an event's log. `None` when the log is empty, as for an event whose seats never changed. The inner error
/// says which entries contradict each other.
///
/// # Errors
/// When the database fails.
pub(crate) async fn fold(conn: &mut PgConnection, event: EventId) -> sqlx::Result<Option<Result<Folded, String>>> {
    let rows = sqlx::query_as!(
        Row,
        "select version, head, changes from seat_log where event_id = $1 order by version",
        event.0
    )
    .fetch_all(conn)
    .await?;
    // applying panics when changes do not fit the state
    let folded = catch_unwind(AssertUnwindSafe(|| fold_rows(&rows)));
    Ok(folded.unwrap_or_else(|_| Some(Err("an entry of the log does not fit the state before".to_owned()))))
}

struct Row {
    version: i64,
    head: Uuid,
    changes: Vec<u8>,
}

fn fold_rows(rows: &[Row]) -> Option<Result<Folded, String>> {
    let last = rows.last()?;
    let mut folded: Option<(i64, EventSeats)> = None;
    for row in rows {
        folded = match (Entry::decode(&row.changes), folded) {
            (Ok(Entry::Base(image)), _) => match log::state_of(&image) {
                Ok(state) => Some((row.version, state)),
                Err(what) => return Some(Err(what)),
            },
            (Ok(Entry::Changes(changes)), Some((version, mut seats))) if version + 1 == row.version => {
                seats.apply(&changes);
                Some((row.version, seats))
            }
            (Ok(Entry::Changes(_)), None) => None,
            (Ok(Entry::Changes(_)), Some((version, _))) => {
                return Some(Err(format!("version {} of the log follows {version}", row.version)));
            }
            (Err(error), _) => return Some(Err(format!("version {} of the log cannot be read: {error}", row.version))),
        };
    }
    let state = folded.map(|(_, state)| state);
    Some(Ok(Folded { name: (last.version, last.head), entries: rows.len(), state }))
}

async fn compare_log(conn: &mut PgConnection, event: EventId, known: &Known) -> sqlx::Result<Option<String>> {
    let Folded { name: (version, head), state, .. } = match fold(conn, event).await? {
        Some(Ok(folded)) => folded,
        Some(Err(what)) => return Ok(Some(what)),
        None => return Ok(None),
    };
    if (version, head) != (known.version, known.head) {
        let (row_version, row_head) = (known.version, known.head);
        return Ok(Some(format!("the log ends at {version} {head}, the row is at {row_version} {row_head}")));
    }
    Ok(state.filter(|state| *state != known.seats).map(|_| "the log adds up to another state".to_owned()))
}

/// Compares what Redis shows with the rows. When Redis shows nothing, or another version, there is nothing to compare.
fn compare_shown(picture: &Picture, known: &Known) -> Option<String> {
    if (picture.version, picture.head) != (known.version, known.head) {
        return None;
    }
    let mut waiting: Vec<_> = known.seats.active().filter(|booking| booking.wanted > 0).collect();
    waiting.sort_unstable_by_key(|booking| booking.order);
    let waitlist: Vec<String> = waiting.iter().map(|booking| booking.id.to_string()).collect();
    let what = || format!("shows {} free seats and {} waiting bookings", picture.free, picture.waitlist.len());
    ((picture.free, &picture.waitlist) != (known.seats.free(), &waitlist)).then(what)
}
