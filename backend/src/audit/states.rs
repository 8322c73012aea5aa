//! I3: of each event that is not over, the fold of its log equals the state that its rows hold, and so do the counts on its row; and what
//! Redis shows equals the state of the version that it names.

use happening_api::EventId;
use happening_seating::EventSeats;
use sqlx::{Connection, PgConnection, PgPool};

use super::Finding;
use crate::seats::log::{self, Entry};
use crate::seats::states::{self, Known};
use crate::shown::Shown;

const LOG: &str = "I3 the fold of the log equals the rows";
const COUNTS: &str = "I3 the counts of an event equal its rows";
const SHOWN: &str = "I3 what Redis shows equals the rows";

pub(super) const NAMES: [&str; 3] = [LOG, COUNTS, SHOWN];

/// Compares every event that is not over.
pub(super) async fn compare(pool: &PgPool, shown: &Shown) -> anyhow::Result<Vec<Finding>> {
    let mut conn = pool.acquire().await?;
    let events = sqlx::query_scalar!(
        r#"select id as "id: EventId" from events
        where deleted_at is null and event_status(status, event_date, ends_at, now()) in ('upcoming', 'ongoing')"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut findings = Vec::new();
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
        if let Some(what) = compare_shown(shown, event, &known).await? {
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

/// An event that never sold has no log; one whose log begins later is compared from there.
async fn compare_log(conn: &mut PgConnection, event: EventId, known: &Known) -> anyhow::Result<Option<String>> {
    let rows =
        sqlx::query!("select version, head, changes from seat_log where event_id = $1 order by version", event.0)
            .fetch_all(conn)
            .await?;
    let Some(last) = rows.last() else { return Ok(None) };
    if (last.version, last.head) != (known.version, known.head) {
        let (version, head) = (last.version, last.head);
        return Ok(Some(format!("the log ends at {version} {head}, the row is at {} {}", known.version, known.head)));
    }
    let mut folded: Option<(i64, EventSeats)> = None;
    for row in &rows {
        folded = match (Entry::decode(&row.changes)?, folded) {
            (Entry::Base(image), _) => Some((row.version, log::state_of(&image).map_err(anyhow::Error::msg)?)),
            (Entry::Changes(changes), Some((version, mut seats))) if version + 1 == row.version => {
                seats.apply(&changes);
                Some((row.version, seats))
            }
            // its beginning was pruned
            (Entry::Changes(_), None) => None,
            (Entry::Changes(_), Some((version, _))) => {
                return Ok(Some(format!("version {} follows {version}", row.version)));
            }
        };
    }
    Ok(folded.filter(|(_, seats)| *seats != known.seats).map(|_| "the log adds up to another state".to_owned()))
}

/// Nothing, or an older version, may be shown: it says so itself.
async fn compare_shown(shown: &Shown, event: EventId, known: &Known) -> anyhow::Result<Option<String>> {
    let Some(picture) = shown.picture(event).await? else { return Ok(None) };
    if (picture.version, picture.head) != (known.version, known.head) {
        return Ok(None);
    }
    let mut waiting: Vec<_> = known.seats.active().filter(|booking| booking.wanted > 0).collect();
    waiting.sort_unstable_by_key(|booking| booking.order);
    let waitlist: Vec<String> = waiting.iter().map(|booking| booking.id.to_string()).collect();
    let what = || format!("shows {} free seats and {} waiting bookings", picture.free, picture.waitlist.len());
    Ok(((picture.free, &picture.waitlist) != (known.seats.free(), &waitlist)).then(what))
}
