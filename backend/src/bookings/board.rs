//! Reads an event's bookings as its staff see them: confirmed by lowest seat, then waiting by position, then cancelled with the
//! newest first. The order of the first two comes from the event's state in memory, so the cost of a page does not grow with the
//! number of bookings.

use chrono::{DateTime, Utc};
use happening_api::{Booking, BookingId, BookingStatus, BookingUser, EventId, UserId};
use happening_seating::{Ahead, EventSeats, Order, Seat};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::lists::{COUNTED_MAX, place};
use crate::page::Page;
use crate::seats::{Name, Reader};

/// A booking of an event as its staff see it.
#[derive(Clone, Debug)]
pub(crate) struct BoardRow {
    pub(crate) booking: Booking,
    pub(crate) place: Place,
}

/// The position of a booking in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A booking that holds seats: its lowest seat.
    Holds(Seat),
    /// A booking that only waits: its order on the waitlist.
    Waits(Order),
    /// A cancelled booking: when it was cancelled, and its id.
    Cancelled(DateTime<Utc>, BookingId),
}

impl Place {
    /// The text of the position in a cursor.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Holds(seat) => format!("holds {seat}"),
            Self::Waits(order) => format!("waits {order}"),
            Self::Cancelled(at, id) => format!("cancelled {} {id}", at.timestamp_micros()),
        }
    }

    /// Parses the text of a cursor.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (kind, number, id) = (words.next()?, words.next()?, words.next());
        match kind {
            "holds" => Some(Self::Holds(number.parse().ok().filter(|seat| *seat < Seat::MAX)?)),
            "waits" => Some(Self::Waits(number.parse().ok()?)),
            "cancelled" => {
                let at = DateTime::from_timestamp_micros(number.parse().ok()?)?;
                let id = Uuid::parse_str(id?).ok()?;
                happening_api::time_in_bounds(at).then_some(Self::Cancelled(at, BookingId(id)))
            }
            _ => None,
        }
    }
}

/// A booking in the list, its position, and what is ahead of it if it waits.
type Listed = (BookingId, Place, Option<Ahead>);

/// A page of an event's bookings after a position. With `only_waiting`, only bookings that still want seats, ordered by position on
/// the waitlist.
pub(crate) async fn page(
    pool: &PgPool,
    reader: &Reader,
    event: EventId,
    only_waiting: bool,
    (after, page): (Option<Place>, &Page),
) -> sqlx::Result<Vec<BoardRow>> {
    let wanted = usize::try_from(page.rows_wanted()).unwrap_or_default();
    let name = name_of(pool, event).await?;
    let active = match after {
        Some(Place::Cancelled(..)) => None,
        _ => reader.ask(event, name, |seats| active(seats, only_waiting, after, wanted)).await?,
    };
    let mut listed = active.unwrap_or_default();
    if listed.len() < wanted && !only_waiting {
        let rest = page.rows_wanted() - listed.len() as i64;
        listed.extend(cancelled(pool, event, after, rest).await?);
    }
    rows_of(pool, event, listed).await
}

async fn name_of(pool: &PgPool, event: EventId) -> sqlx::Result<Name> {
    let row = sqlx::query!("select seat_version, seat_head from events where id = $1", event.0).fetch_one(pool).await?;
    Ok((row.seat_version, row.seat_head))
}

/// At most `wanted` active bookings after a position.
fn active(seats: &EventSeats, only_waiting: bool, after: Option<Place>, wanted: usize) -> Vec<Listed> {
    let (seat, order) = match after {
        Some(Place::Holds(seat)) => (seat, 0),
        Some(Place::Waits(order)) => (seats.total(), order),
        _ if only_waiting => (seats.total(), 0),
        _ => (0, 0),
    };
    let holding = seats.holding(seat).map(|(seat, booking)| (booking.id, Place::Holds(seat), booking.ahead));
    let waiting = seats
        .waiting_after(order)
        .filter(|booking| only_waiting || booking.seats.is_empty())
        .map(|booking| (booking.id, Place::Waits(booking.order), booking.ahead));
    holding.chain(waiting).take(wanted).collect()
}

/// At most `wanted` cancelled bookings after a position.
async fn cancelled(
    pool: impl PgExecutor<'_>,
    event: EventId,
    after: Option<Place>,
    wanted: i64,
) -> sqlx::Result<Vec<Listed>> {
    let (at, id) = match after {
        Some(Place::Cancelled(at, id)) => (Some(at), Some(id.0)),
        _ => (None, None),
    };
    let rows = sqlx::query!(
        r#"select id as "id: BookingId", updated_at from bookings where event_id = $1 and status = 'cancelled'
            and updated_at <= coalesce($2::timestamptz, 'infinity'::timestamptz) and ($2::timestamptz is null or updated_at < $2 or id > $3)
        order by updated_at desc, id limit $4"#,
        event.0,
        at,
        id,
        wanted
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Place::Cancelled(row.updated_at, row.id), None)).collect())
}

/// Reads the rows of the listed bookings, in the order of the list.
async fn rows_of(pool: impl PgExecutor<'_>, event: EventId, listed: Vec<Listed>) -> sqlx::Result<Vec<BoardRow>> {
    let ids: Vec<Uuid> = listed.iter().map(|(id, ..)| id.0).collect();
    let rows = sqlx::query_as!(
        BookingRow,
        r#"select b.id as "id: BookingId", b.user_id as "user_id: UserId", b.seats, b.waiting_seats,
            b.status as "status: BookingStatus", b.waiting_number, b.reassigned, b.created_at, b.updated_at,
            array(select seat_no from booking_seats s where s.booking_id = b.id and s.status = 'booked' order by seat_no) as "seat_numbers!",
            u.name as user_name, u.email as user_email
        from unnest($1::uuid[]) with ordinality as l (id, n) join bookings b on b.id = l.id join users u on u.id = b.user_id
        order by l.n"#,
        &ids
    )
    .fetch_all(pool)
    .await?;
    let places: std::collections::HashMap<BookingId, (Place, Option<Ahead>)> =
        listed.into_iter().map(|(id, place, ahead)| (id, (place, ahead))).collect();
    let row = |row: BookingRow| {
        let (at, ahead) = places.get(&row.id).copied()?;
        let (position, bookings_ahead, seats_ahead) =
            ahead.filter(|_| row.waiting_seats > 0).map_or((None, None, None), place);
        let user = Some(BookingUser { name: row.user_name, email: row.user_email });
        let booking = Booking {
            id: row.id,
            event_id: event,
            user_id: row.user_id,
            seats: row.seats,
            seat_numbers: row.seat_numbers,
            waiting_seats: row.waiting_seats,
            status: row.status,
            waiting_number: row.waiting_number,
            position,
            bookings_ahead,
            seats_ahead,
            reassigned: row.reassigned,
            created_at: row.created_at,
            updated_at: row.updated_at,
            user,
            event: None,
        };
        Some(BoardRow { booking, place: at })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

struct BookingRow {
    id: BookingId,
    user_id: UserId,
    seats: i32,
    waiting_seats: i32,
    status: BookingStatus,
    waiting_number: Option<i32>,
    reassigned: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    seat_numbers: Vec<i32>,
    user_name: String,
    user_email: String,
}

/// All bookings of an event, for an export.
pub(crate) async fn all(pool: &PgPool, reader: &Reader, event: EventId) -> sqlx::Result<Vec<Booking>> {
    let name = name_of(pool, event).await?;
    let active = reader.ask(event, name, |seats| active(seats, false, None, usize::MAX)).await?;
    let mut listed = active.unwrap_or_default();
    let mut tx = pool.begin().await?;
    sqlx::query!("set local statement_timeout = '60s'").execute(&mut *tx).await?;
    listed.extend(cancelled(&mut *tx, event, None, i64::MAX).await?);
    Ok(rows_of(&mut *tx, event, listed).await?.into_iter().map(|row| row.booking).collect())
}

/// How many bookings an event has, or with `only_waiting` how many of them still want seats; at most 1,000 are counted.
pub(crate) async fn count(pool: &PgPool, event: EventId, only_waiting: bool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select least($3, case when $2 then waiting_bookings
            else (select count(*) from (select from bookings b where b.event_id = e.id limit $3) as x) end) as "count!"
        from events e where id = $1"#,
        event.0,
        only_waiting,
        COUNTED_MAX
    )
    .fetch_one(pool)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsed_cursor_gives_the_same_position() {
        let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap_or_default();
        for place in [Place::Holds(7), Place::Waits(u64::MAX), Place::Cancelled(at, BookingId(Uuid::from_u128(9)))] {
            assert_eq!(Place::parse(&place.text()), Some(place));
        }
        for text in [
            "",
            "holds",
            "holds -1",
            "holds 4294967295",
            "waits x",
            "cancelled 1",
            "cancelled 1 2",
            "cancelled 999999999999999999 00000000-0000-0000-0000-000000000001",
            "else 1",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
