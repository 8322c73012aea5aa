//! I3 and I7: at rest each loaded gate equals its event's rows.

use std::collections::BTreeMap;
use std::time::Duration;

use happening_api::EventId;
use sqlx::PgPool;

use super::Finding;
use crate::bookings::{reconcile, store};
use crate::gate::{Gate, GateImage};

const LOOKS_MAX: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) const NAME: &str = "I3 the gate equals the rows";

/// An event that differs from its gate.
struct Difference {
    /// The rows' seat version at that look.
    version: i64,
    what: String,
}

/// Compares every upcoming event with its gate. Without a gate an event is right, unless somebody waits. One that differs
/// is looked at again for a while, and one whose rows go on changing is not at rest: nothing can be said of it.
pub(super) async fn compare(pool: &PgPool, gate: &Gate) -> anyhow::Result<Vec<Finding>> {
    let events = reconcile::upcoming_event_ids(&mut *pool.acquire().await?).await?;
    let mut differing: BTreeMap<EventId, Option<Difference>> = events.into_iter().map(|event| (event, None)).collect();
    let mut findings = Vec::new();
    for look in 0..LOOKS_MAX {
        findings.clear();
        let mut still = BTreeMap::new();
        for (event, before) in differing {
            let Some(now) = compare_event(pool, gate, event).await? else { continue };
            if before.is_none_or(|before| before.version == now.version) {
                findings.push(Finding { invariant: NAME, what: format!("event {event}: {}", now.what) });
            }
            still.insert(event, Some(now));
        }
        differing = still;
        if differing.is_empty() || look + 1 == LOOKS_MAX {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(findings)
}

async fn compare_event(pool: &PgPool, gate: &Gate, event: EventId) -> anyhow::Result<Option<Difference>> {
    let Some(rows) = image_of_rows(pool, event).await? else { return Ok(None) };
    let Some(loaded) = gate.dump(event).await? else {
        let waits = rows.waiters.len();
        let what = || format!("{waits} bookings wait and no gate is loaded");
        return Ok((waits > 0).then(|| Difference { version: rows.version, what: what() }));
    };
    let waitlist: Vec<String> = rows.waiters.iter().map(|(_, booking)| booking.to_string()).collect();
    let what = if !loaded.pending.is_empty() {
        Some(format!("{} entries are pending", loaded.pending.len()))
    } else if (loaded.generation, loaded.version) != (rows.generation, rows.version) {
        let gate_numbers = (loaded.generation, loaded.version);
        Some(format!("generation and version {gate_numbers:?}, rows say {:?}", (rows.generation, rows.version)))
    } else if loaded.slots != rows.free_seats() {
        Some(format!("{} slots, rows say {}", loaded.slots, rows.free_seats()))
    } else if loaded.bitmap != rows.bitmap() {
        Some("the bitmap differs from the booked seats".to_owned())
    } else if loaded.waitlist != waitlist {
        Some(format!("waitlist {:?}, rows say {waitlist:?}", loaded.waitlist))
    } else {
        None
    };
    Ok(what.map(|what| Difference { version: rows.version, what }))
}

async fn image_of_rows(pool: &PgPool, event: EventId) -> anyhow::Result<Option<GateImage>> {
    let mut tx = pool.begin().await?;
    sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let Some(numbers) = reconcile::gate_numbers(&mut tx, &[event]).await?.remove(&event) else { return Ok(None) };
    let total: i32 =
        sqlx::query_scalar("select total_slots from events where id = $1").bind(event.0).fetch_one(&mut *tx).await?;
    Ok(Some(GateImage {
        generation: numbers.gate_generation,
        version: numbers.seat_version,
        total,
        booked: store::booked_seats(&mut tx, event).await?,
        waiters: store::waiting_orders(&mut tx, event).await?,
    }))
}
