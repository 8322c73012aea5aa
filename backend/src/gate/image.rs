//! What an event's gate must look like, computed from its rows.

use happening_api::BookingId;

/// The state that `load` puts into Redis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GateImage {
    pub(crate) generation: i64,
    /// The event's `seat_version`.
    pub(crate) version: i64,
    /// Seats in all.
    pub(crate) total: i32,
    /// Booked seats, in any order.
    pub(crate) booked: Vec<i32>,
    /// Waiting order and booking, ascending.
    pub(crate) waiters: Vec<(i64, BookingId)>,
}

impl GateImage {
    /// Seats that nobody holds.
    pub(crate) fn free_seats(&self) -> i64 {
        i64::from(self.total) - self.booked.len() as i64
    }

    /// Seat n is bit n-1, most significant bit first; 1 = taken; ceil(total / 8) bytes.
    pub(crate) fn bitmap(&self) -> Vec<u8> {
        bitmap(self.total, &self.booked)
    }
}

/// Seat n is bit n-1, most significant bit first; 1 = taken; ceil(total / 8) bytes. Seats outside 1..=total are left out.
pub(crate) fn bitmap(total: i32, taken: &[i32]) -> Vec<u8> {
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
    fn seat_one_is_the_first_bit_and_the_last_byte_is_padded_with_zeros() {
        assert_eq!(bitmap(10, &[1, 8, 9, 10]), [0b1000_0001, 0b1100_0000]);
        assert_eq!(bitmap(8, &[9, 0]), [0]);
    }
}
