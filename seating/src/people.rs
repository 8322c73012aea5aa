//! How many seats each person holds and waits for, for the limit of one person; and ids in little room.

use happening_api::{BookingId, UserId};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Rows that are found by their id. The index holds positions only: at 100,000 bookings a map of ids would be the larger part of
/// an event's state.
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

    /// Adds a row whose id is not there yet. Answers its position, which it keeps.
    pub(crate) fn push(&mut self, row: T) -> u32 {
        let position = self.rows.len() as u32;
        let hash = self.hasher.hash_one(row.id());
        if self.rows.len() == self.rows.capacity() {
            // doubling would leave half of the largest events' room unused
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

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<T>() + self.index.allocation_size()
    }
}

/// A person with an active booking, or who had one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    /// Seats held and waited for.
    pub(crate) seats: u32,
}

impl Row for Person {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }
}

/// A booking as the state keeps it. An ended one stays until the state is loaded again, so that positions last.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: BookingId,
    /// Where it is on the waitlist, or was; 0: it never waited.
    pub(crate) order: u64,
    pub(crate) person: u32,
    /// Its lowest-listed seat; the others follow in the state's list. 0: none.
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
