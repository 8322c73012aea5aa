//! An event's seat map. The taken seats are cached with the head of the state they belong to. Each read asks Postgres whether that
//! head is still current, together with the viewer's own seats.

use std::sync::Arc;
use std::time::Duration;

use happening_api::{EventId, UserId};
use moka::sync::Cache;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Seats};
use crate::problem::Problem;

const MAPS_MAX: u64 = 256;
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// The taken seats of events, each with the head of its state.
pub(crate) struct Maps(Cache<EventId, Arc<(Uuid, Vec<i32>)>>);

impl Default for Maps {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAPS_MAX).time_to_live(REMEMBERED_FOR).build())
    }
}

impl Maps {
    /// The seats as they are now.
    ///
    /// # Errors
    /// 404, 503.
    pub(super) async fn read(&self, conn: &mut PgConnection, event: EventId, viewer: UserId) -> Result<Seats, Problem> {
        let known = self.0.get(&event);
        let head = known.as_ref().map(|map| map.0);
        let mut seats = store::seats(conn, event, viewer, head).await?.ok_or_else(Problem::not_found)?;
        match known.filter(|map| map.0 == seats.head) {
            Some(map) => seats.taken.clone_from(&map.1),
            None => self.0.insert(event, Arc::new((seats.head, seats.taken.clone()))),
        }
        Ok(seats)
    }
}

/// The bitmap of taken seats: seat n is bit n-1, the most significant bit first; 1 means taken. It has ceil(total / 8) bytes. Seats
/// outside of 1..=total are ignored.
pub(super) fn bitmap(total: i32, taken: &[i32]) -> Vec<u8> {
    let total = usize::try_from(total).unwrap_or_default();
    let mut bytes = vec![0u8; total.div_ceil(8)];
    let places = taken.iter().filter_map(|seat| usize::try_from(seat - 1).ok()).filter(|bit| *bit < total);
    for bit in places {
        bytes[bit / 8] |= 0x80 >> (bit % 8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::bitmap;

    #[test]
    fn bitmap_begins_with_seat_one_and_ends_padded() {
        assert_eq!(bitmap(10, &[1, 8, 9, 10]), [0b1000_0001, 0b1100_0000]);
        assert_eq!(bitmap(8, &[9, 0]), [0]);
    }
}
