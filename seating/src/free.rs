//! The free seats of an event: a bitmap, and a second bitmap of its words that are not 0, so that the lowest free seat is found in a
//! few steps.

use crate::Seat;

const BITS: usize = u64::BITS as usize;

/// A set of seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FreeSeats {
    /// Bit `n % 64` of word `n / 64` says whether seat `n + 1` is free.
    words: Vec<u64>,
    /// Bit `n % 64` of word `n / 64` says whether `words[n]` is not 0.
    used: Vec<u64>,
    count: u32,
}

impl FreeSeats {
    /// A set that has room for `total` seats, none of which is free.
    #[cfg(test)]
    pub(crate) fn none_of(total: u32) -> Self {
        let mut free = Self::default();
        free.grow(total);
        free
    }

    /// Makes room for more seats, which are not free yet.
    pub(crate) fn grow(&mut self, total: u32) {
        self.words.resize((total as usize).div_ceil(BITS), 0);
        self.used.resize(self.words.len().div_ceil(BITS), 0);
    }

    /// How many seats are free.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// How many bytes the set takes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        (self.words.capacity() + self.used.capacity()) * size_of::<u64>()
    }

    pub(crate) fn contains(&self, seat: Seat) -> bool {
        let (word, bit) = place(seat);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds a seat that is not in the set.
    pub(crate) fn insert(&mut self, seat: Seat) {
        let (word, bit) = place(seat);
        debug_assert!(self.words[word] & bit == 0, "seat {seat} was free already");
        self.words[word] |= bit;
        self.used[word / BITS] |= 1 << (word % BITS);
        self.count += 1;
    }

    /// Removes a seat that is in the set.
    pub(crate) fn remove(&mut self, seat: Seat) {
        let (word, bit) = place(seat);
        debug_assert!(self.words[word] & bit != 0, "seat {seat} was not free");
        self.words[word] &= !bit;
        if self.words[word] == 0 {
            self.used[word / BITS] &= !(1 << (word % BITS));
        }
        self.count -= 1;
    }

    /// The lowest free seats, at most `count`.
    pub(crate) fn lowest(&self, count: u32) -> Vec<Seat> {
        let words = ones(&self.used);
        words
            .flat_map(|word| bits(self.words[word]).map(move |bit| seat(word * BITS + bit)))
            .take(count as usize)
            .collect()
    }
}

/// The positions of the bits that are set, in ascending order.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(at, word)| bits(*word).map(move |bit| at * BITS + bit))
}

fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < BITS).then_some(bit)
    })
}

fn place(seat: Seat) -> (usize, u64) {
    let at = seat as usize - 1;
    (at / BITS, 1 << (at % BITS))
}

fn seat(at: usize) -> Seat {
    at as Seat + 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn free_seats_are_a_sorted_set(flips in prop::collection::vec(1..=9_000_u32, 0..300), wanted in 0..20_u32) {
            let (mut free, mut model) = (FreeSeats::none_of(9_000), BTreeSet::new());
            for seat in flips {
                if model.insert(seat) {
                    free.insert(seat);
                } else {
                    model.remove(&seat);
                    free.remove(seat);
                }
                prop_assert_eq!(free.contains(seat), model.contains(&seat));
            }
            prop_assert_eq!(free.count() as usize, model.len());
            prop_assert_eq!(free.lowest(wanted), model.into_iter().take(wanted as usize).collect::<Vec<_>>());
        }
    }
}
