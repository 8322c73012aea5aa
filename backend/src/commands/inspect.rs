//! `inspect`: prints one event side by side, as its columns, its rows, its log and Redis have it.

use happening_api::EventId;
use happening_seating::EventSeats;
use sqlx::Connection;
use uuid::Uuid;

use crate::config::Config;
use crate::seats::states;
use crate::shown::Shown;
use crate::{audit, database};

/// A line of the table.
struct Line {
    source: &'static str,
    free: i64,
    waiting_bookings: i64,
    /// `None` for Redis, which does not show this.
    waiting_seats: Option<i64>,
    version: i64,
    head: Uuid,
}

impl Line {
    fn of(source: &'static str, seats: &EventSeats, (version, head): (i64, Uuid)) -> Self {
        let waiting = seats.waiting();
        let waiting_seats = Some(i64::from(waiting.seats));
        Self {
            source,
            free: seats.free().into(),
            waiting_bookings: waiting.bookings.into(),
            waiting_seats,
            version,
            head,
        }
    }

    fn print(&self) {
        let Self { source, free, waiting_bookings, waiting_seats, version, head } = self;
        let waiting_seats = waiting_seats.map_or_else(|| "-".to_owned(), |seats| seats.to_string());
        println!("{source:<8} {free:>6} {waiting_bookings:>9} {waiting_seats:>14} {version:>8}  {head}");
    }
}

/// Prints the event.
///
/// # Errors
/// When Postgres is away, the event does not exist, or its rows contradict each other.
pub(crate) async fn run(config: &Config, event: EventId) -> anyhow::Result<()> {
    let pool = database::operator_pool(&config.database_url)?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin_with("begin isolation level repeatable read read only").await?;
    let row = sqlx::query!(
        r#"select name, status, event_date, total_slots, raising_to, available_slots, waiting_bookings, waiting_seats, seat_version,
            seat_head, exists (select from event_endings n where n.event_id = e.id) as "ends_bookings!"
        from events e where id = $1"#,
        event.0
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| anyhow::anyhow!("there is no event {event}"))?;
    let known = states::read(&mut tx, event).await?;
    let folded = audit::fold(&mut tx, event).await?;
    tx.commit().await?;
    println!("{}: {}, {} seats, {}", row.name, row.status, row.total_slots, row.event_date);
    if let Some(goal) = row.raising_to {
        println!("its seats are being raised to {goal}, in portions");
    }
    if row.ends_bookings {
        println!("its bookings are being ended, in portions");
    }
    println!();
    println!("{:<8} {:>6} {:>9} {:>14} {:>8}  head", "", "free", "waiting", "waiting seats", "version");
    let columns = Line {
        source: "columns",
        free: row.available_slots.into(),
        waiting_bookings: row.waiting_bookings,
        waiting_seats: Some(row.waiting_seats),
        version: row.seat_version,
        head: row.seat_head,
    };
    columns.print();
    if let Some(known) = &known {
        Line::of("rows", &known.seats, (known.version, known.head)).print();
    }
    match &folded {
        Some(Ok(audit::Folded { name, state: Some(state), .. })) => Line::of("log", state, *name).print(),
        Some(Ok(audit::Folded { name: (version, _), .. })) => {
            println!("log      its beginning was pruned; it ends at {version}");
        }
        Some(Err(what)) => println!("log      {what}"),
        None => println!("log      empty"),
    }
    match Shown::reader(config.redis_url.as_str())?.picture(event).await {
        Ok(Some(picture)) => {
            let waiting_bookings = picture.waitlist.len() as i64;
            let (free, version, head) = (picture.free.into(), picture.version, picture.head);
            Line { source: "Redis", free, waiting_bookings, waiting_seats: None, version, head }.print();
        }
        Ok(None) => println!("Redis    shows nothing"),
        Err(error) => println!("Redis    {error}"),
    }
    println!("\n{} entries of the log", folded.and_then(Result::ok).map_or(0, |folded| folded.entries));
    Ok(())
}
