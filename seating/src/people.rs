//! How many seats each person holds and waits for, which the limit per person needs; and an index of rows by id that takes little
//! memory.

use happening_api::{BookingId, UserId};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Rows that are found by their id. The index holds positions instead of ids: at 100,000 bookings, a map with ids as keys would take
/// more than half of the memory of an event's state.
#[derive(Clone, Debug)]
pub(crate) struct Indexed<T> {
    rows: Vec<T>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// A row with an id.
pub(crate) trait Row {
    type Id: Copy + Eq + std::hash::Hash;
    fn id(&self) -> Self::Id;
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), index: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<T: Row> Indexed<T> {
    pub(crate) fn position(&self, id: T::Id) -> Option<u32> {
        self.index.find(self.hasher.hash_one(id), |at| self.rows[*at as usize].id() == id).copied()
    }

    pub(crate) fn at(&self, position: u32) -> &T {
        &self.rows[position as usize]
    }

    pub(crate) fn at_mut(&mut self, position: u32) -> &mut T {
        &mut self.rows[position as usize]
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.rows.iter()
    }

    /// Adds a row with a new id. Returns its position, which does not change.
    pub(crate) fn push(&mut self, row: T) -> u32 {
        let position = self.rows.len() as u32;
        let hash = self.hasher.hash_one(row.id());
        if self.rows.len() == self.rows.capacity() {
            // doubling the capacity would leave up to half of a large event's memory unused
            self.rows.reserve_exact(self.rows.len() / 8 + 16);
        }
        self.rows.push(row);
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.index.insert_unique(hash, position, |at| hasher.hash_one(rows[*at as usize].id()));
        position
    }

    /// Removes the row that was added last.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let row = self.rows.pop()?;
        let position = self.rows.len() as u32;
        if let Ok(entry) = self.index.find_entry(self.hasher.hash_one(row.id()), |at| *at == position) {
            entry.remove();
        }
        Some(row)
    }

    /// How many bytes the rows take on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<T>() + self.index.allocation_size()
    }
}

/// A person who has or had an active booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    /// How many seats the person holds and waits for.
    pub(crate) seats: u32,
}

impl Row for Person {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }
}

/// A booking in the state. An ended booking stays until the state is rebuilt, so that the slots of the others do not change.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: BookingId,
    /// Its order on the waitlist, even after it has left; 0 if it never waited.
    pub(crate) order: u64,
    pub(crate) person: u32,
    /// The first seat in the booking's linked list of seats, which continues in `EventSeats::next`; 0 when it holds none.
    pub(crate) first_seat: u32,
    pub(crate) held: u16,
    pub(crate) wanted: u16,
    pub(crate) ended: bool,
}

impl Row for Kept {
    type Id = BookingId;

    fn id(&self) -> BookingId {
        self.id
    }
}
