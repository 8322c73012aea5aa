//! The waitlist of an event, in the order of joining. Two Fenwick trees (Fenwick, 1994) over the entries find the first waiting
//! booking, and count the bookings and seats ahead of a booking, in O(log n).

use std::cmp::Ordering;

use crate::Order;

/// A booking that waits, or that has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) order: Order,
    /// The slot of the booking in the state.
    pub(crate) slot: u32,
    /// How many seats it still wants; 0 when it has left. `pack` removes entries that have left.
    pub(crate) seats: u32,
}

/// What is ahead of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub bookings: u32,
    pub seats: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Waitlist {
    /// In ascending order.
    entries: Vec<Entry>,
    bookings: Fenwick,
    seats: Fenwick,
}

impl Waitlist {
    /// How many bookings wait.
    pub(crate) fn bookings(&self) -> u32 {
        self.bookings.sum(self.entries.len())
    }

    /// How many seats they want together.
    pub(crate) fn seats(&self) -> u32 {
        self.seats.sum(self.entries.len())
    }

    /// The waiting bookings, in the order of joining.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.seats > 0)
    }

    /// The waiting bookings that joined after `order`, in the order of joining.
    pub(crate) fn after(&self, order: Order) -> impl Iterator<Item = &Entry> {
        let from = self.entries.partition_point(|entry| entry.order <= order);
        self.entries[from..].iter().filter(|entry| entry.seats > 0)
    }

    /// The first waiting booking, other than the one in slot `except`.
    pub(crate) fn first(&self, except: Option<u32>) -> Option<Entry> {
        let nth = |nth| self.bookings.position(nth).map(|at| self.entries[at]);
        let first = nth(1)?;
        if Some(first.slot) == except { nth(2) } else { Some(first) }
    }

    /// What is ahead of the booking with this order.
    pub(crate) fn ahead(&self, order: Order) -> Ahead {
        let at = self.entries.partition_point(|entry| entry.order < order);
        Ahead { bookings: self.bookings.sum(at), seats: self.seats.sum(at) }
    }

    /// How many seats the booking with this order still wants.
    pub(crate) fn wanted(&self, order: Order) -> u32 {
        self.at(order).map_or(0, |at| self.entries[at].seats)
    }

    /// Sets how many seats the booking in `slot`, whose order is `order`, still wants; 0 removes it from the waitlist. A booking that
    /// is not on the list is inserted according to its order.
    pub(crate) fn set(&mut self, order: Order, slot: u32, seats: u32) {
        match self.at(order) {
            Some(at) => {
                // after an undo a different booking can get the same order
                self.entries[at].slot = slot;
                self.change(at, seats);
            }
            None if seats == 0 => {}
            None if self.entries.last().is_none_or(|last| last.order < order) => {
                self.entries.push(Entry { order, slot, seats });
                self.bookings.push(1);
                self.seats.push(seats);
            }
            // an undo puts a booking back whose entry `pack` has removed
            None => {
                let at = self.entries.partition_point(|entry| entry.order < order);
                self.entries.insert(at, Entry { order, slot, seats });
                self.rebuild();
            }
        }
    }

    /// Removes the entries of bookings that have left, once they are more than half of the list: so the cost per entry is bounded.
    pub(crate) fn pack(&mut self) {
        if self.entries.len() > 2 * self.bookings() as usize + 64 {
            self.entries.retain(|entry| entry.seats > 0);
            self.rebuild();
        }
    }

    /// How many bytes the waitlist takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let sums = self.bookings.0.capacity() + self.seats.0.capacity();
        self.entries.capacity() * size_of::<Entry>() + sums * size_of::<u32>()
    }

    fn at(&self, order: Order) -> Option<usize> {
        self.entries.binary_search_by_key(&order, |entry| entry.order).ok()
    }

    fn change(&mut self, at: usize, seats: u32) {
        let entry = &mut self.entries[at];
        let old = std::mem::replace(&mut entry.seats, seats);
        self.bookings.replace(at, u32::from(old > 0), u32::from(seats > 0));
        self.seats.replace(at, old, seats);
    }

    fn rebuild(&mut self) {
        (self.bookings, self.seats) = Default::default();
        for entry in &self.entries {
            self.bookings.push(u32::from(entry.seats > 0));
            self.seats.push(entry.seats);
        }
    }
}

/// Prefix sums over a list that grows at its end.
#[derive(Clone, Debug, Default)]
struct Fenwick(Vec<u32>);

impl Fenwick {
    fn push(&mut self, value: u32) {
        let n = self.0.len() + 1;
        let covered = n - lowest_bit(n);
        let sum = self.sum(n - 1) - self.sum(covered) + value;
        self.0.push(sum);
    }

    fn replace(&mut self, at: usize, old: u32, new: u32) {
        let mut n = at + 1;
        while let Some(sum) = self.0.get_mut(n - 1) {
            *sum = *sum + new - old;
            n += lowest_bit(n);
        }
    }

    /// The sum of the first `count` values.
    fn sum(&self, count: usize) -> u32 {
        let (mut n, mut sum) = (count, 0);
        while n > 0 {
            sum += self.0[n - 1];
            n -= lowest_bit(n);
        }
        sum
    }

    /// The index of the value at which the prefix sum reaches `wanted`, which must be at least 1.
    fn position(&self, wanted: u32) -> Option<usize> {
        let (mut at, mut left) = (0, wanted);
        let mut step = self.0.len().checked_next_power_of_two().unwrap_or(1);
        while step > 0 {
            if let Some(sum) = self.0.get(at + step - 1)
                && sum.cmp(&left) == Ordering::Less
            {
                at += step;
                left -= sum;
            }
            step /= 2;
        }
        (at < self.0.len()).then_some(at)
    }
}

fn lowest_bit(n: usize) -> usize {
    n & n.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waitlist_is_an_ordered_list(steps in prop::collection::vec((0..40_u64, 0..6_u32, prop::bool::weighted(0.1)), 0..200)) {
            let (mut list, mut model, mut last) = (Waitlist::default(), BTreeMap::new(), 0);
            for (order, seats, pack) in steps {
                // a new booking always joins at the end
                let order = if model.contains_key(&order) { order } else { last + 1 };
                last = last.max(order);
                list.set(order, order as u32, seats);
                model.insert(order, seats);
                if pack {
                    list.pack();
                }
                let waiting: Vec<(u64, u32)> = model.iter().map(|(o, s)| (*o, *s)).filter(|(_, s)| *s > 0).collect();
                prop_assert_eq!(list.iter().map(|one| (one.order, one.seats)).collect::<Vec<_>>(), waiting.clone());
                prop_assert_eq!((list.bookings() as usize, list.seats()), (waiting.len(), waiting.iter().map(|one| one.1).sum()));
                prop_assert_eq!(list.first(None).map(|one| one.order), waiting.first().map(|one| one.0));
                let first = waiting.first().map(|one| one.0 as u32);
                prop_assert_eq!(list.first(first).map(|one| one.order), waiting.get(1).map(|one| one.0));
                for order in 0..=last + 1 {
                    let before: Vec<_> = waiting.iter().filter(|one| one.0 < order).collect();
                    let ahead = Ahead { bookings: before.len() as u32, seats: before.iter().map(|one| one.1).sum() };
                    prop_assert_eq!(list.ahead(order), ahead);
                }
            }
        }
    }
}
