//! Generates a hall from the event's category and its number of seats alone.
//!
//! A seat's place depends only on its number, so a hall that grows keeps the places of all seats that it had. Concerts
//! sit in arcs around a stage, hackathons at tables, all other events in straight rows. The unit of length is the
//! distance between neighbouring seats (the seat pitch).

use happening_api::Category;

use crate::near::Near;

/// Where a seat is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub x: f32,
    pub y: f32,
    /// The angle by which the seat is turned, in radians.
    pub angle: f32,
    pub row: u32,
    /// Seats of a row with the same block stand side by side.
    pub block: u8,
}

/// The front of the hall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Front {
    /// An arc around the origin.
    Arc { radius: f32, half_angle: f32 },
    /// A straight line.
    Line { y: f32, half_width: f32 },
}

/// A hall. Seat n is `places[n - 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hall {
    pub places: Vec<Place>,
    pub front: Front,
    /// The left, top, right and bottom edges of the hall, with a margin.
    pub bounds: [f32; 4],
    near: Near,
}

const ARC_RADIUS: f32 = 9.0;
const ARC_ROW_DEPTH: f32 = 1.18;
const AISLE: f32 = 1.1;
const TABLE_SEATS: u32 = 6;

impl Hall {
    /// The hall of an event.
    pub fn new(category: Option<Category>, total: i32) -> Self {
        let total = usize::try_from(total).unwrap_or_default();
        let (places, front) = match category {
            Some(Category::Concert) => (arcs(total), Front::Arc { radius: ARC_RADIUS - 2.6, half_angle: 0.5 }),
            Some(Category::Hackathon) => (tables(total), Front::Line { y: -2.4, half_width: 3.5 }),
            Some(Category::Webinar) | None => (rows(total), Front::Line { y: -2.2, half_width: 4.0 }),
        };
        let bounds = bounds(&places, front);
        let near = Near::new(&places, bounds);
        Self { places, front, bounds, near }
    }

    /// Puts the indices of all places into `found` that are at most `reach` to the side of a point and at most `reach`
    /// above or below it. It may add some that are farther, and the order is arbitrary.
    pub(crate) fn near(&self, point: (f32, f32), reach: f32, found: &mut Vec<usize>) {
        self.near.find(point, reach, found);
    }

    /// Numbers of the first and last seat of each row, front to back.
    pub fn rows(&self) -> Vec<(i32, i32)> {
        let mut rows: Vec<(i32, i32)> = Vec::new();
        let mut last = None;
        for (seat, place) in (1..).zip(&self.places) {
            match rows.last_mut().filter(|_| last == Some(place.row)) {
                Some(row) => row.1 = seat,
                None => rows.push((seat, seat)),
            }
            last = Some(place.row);
        }
        rows
    }

    /// The free run of `count` seats in one block of one row that is nearest to the front and the middle; empty when there
    /// is none. `free` says whether a seat can be chosen.
    pub fn best_together(&self, count: usize, free: impl Fn(i32) -> bool) -> Vec<i32> {
        let mut best: Option<(f32, usize)> = None;
        let mut run = 0;
        for at in 0..self.places.len() {
            let place = self.places[at];
            let joined = at > 0 && {
                let before = self.places[at - 1];
                before.row == place.row && before.block == place.block
            };
            let can = free(at as i32 + 1);
            run = if !can {
                0
            } else if joined {
                run + 1
            } else {
                1
            };
            if count > 0 && run >= count {
                let from = at + 1 - count;
                let middle = (self.places[from].x + place.x) / 2.0;
                let cost = middle.abs() * 0.55 + place.row as f32;
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, from));
                }
            }
        }
        best.map(|(_, from)| (0..count).map(|offset| (from + offset) as i32 + 1).collect()).unwrap_or_default()
    }

    /// The `count` free seats whose numbers are closest to each other, nearest to the front; used when no row has as
    /// many side by side. Empty when there are fewer.
    pub fn closest(&self, count: usize, free: impl Fn(i32) -> bool) -> Vec<i32> {
        let seats: Vec<i32> = (1..=self.places.len() as i32).filter(|seat| free(*seat)).collect();
        let spread = |window: &&[i32]| window.last().copied().unwrap_or(0) - window[0];
        if count == 0 {
            return Vec::new();
        }
        seats.windows(count).min_by_key(spread).map(<[i32]>::to_vec).unwrap_or_default()
    }

    /// The `count` free seats that are nearest to any of the seats in `to`, in the order of their numbers; empty when there are
    /// fewer.
    pub fn nearest(&self, to: &[i32], count: usize, free: impl Fn(i32) -> bool) -> Vec<i32> {
        let place = |seat: &i32| self.places.get(usize::try_from(*seat - 1).ok()?);
        let to: Vec<&Place> = to.iter().filter_map(place).collect();
        let distance = |one: &Place| {
            to.iter().map(|other| (one.x - other.x).hypot(one.y - other.y)).min_by(f32::total_cmp).unwrap_or(0.0)
        };
        let seats = (1..).zip(&self.places).filter(|(seat, _)| free(*seat));
        let mut seats: Vec<(f32, i32)> = seats.map(|(seat, place)| (distance(place), seat)).collect();
        if count == 0 || seats.len() < count {
            return Vec::new();
        }
        seats.select_nth_unstable_by(count - 1, |one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let mut nearest: Vec<i32> = seats[..count].iter().map(|(_, seat)| *seat).collect();
        nearest.sort_unstable();
        nearest
    }

    /// Numbers of the first and last seat of a seat's row.
    pub fn row_of(&self, seat: i32) -> Option<(i32, i32)> {
        let at = usize::try_from(seat - 1).ok()?;
        let row = self.places.get(at)?.row;
        let before = self.places[..at].iter().rev().take_while(|place| place.row == row).count() as i32;
        let after = self.places[at + 1..].iter().take_while(|place| place.row == row).count() as i32;
        Some((seat - before, seat + after))
    }

    /// The closest seat in the next row to the front (`forward`) or to the back, for the arrow keys.
    pub fn neighbour_row(&self, seat: i32, forward: bool) -> Option<i32> {
        let own = self.places.get(usize::try_from(seat - 1).ok()?)?;
        let row = if forward { own.row.checked_sub(1)? } else { own.row + 1 };
        let distance = |place: &Place| (place.x - own.x).abs();
        (1..)
            .zip(&self.places)
            .filter(|(_, place)| place.row == row)
            .min_by(|one, other| distance(one.1).total_cmp(&distance(other.1)))
            .map(|(seat, _)| seat)
    }
}

/// Curved rows of 8, 10, 12, … seats around the stage, with two aisles from the fourth row on.
fn arcs(total: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(total);
    for row in 0u32.. {
        let count = 8 + 2 * row;
        let radius = ARC_RADIUS + row as f32 * ARC_ROW_DEPTH;
        let side = if count > 12 { (count as f32 * 0.28).round() as u32 } else { 0 };
        let aisles = if side > 0 { 2.0 * AISLE } else { 0.0 };
        let span = (count - 1) as f32 + aisles;
        for seat in 0..count {
            if places.len() == total {
                return places;
            }
            let block = u8::from(side > 0 && seat >= side) + u8::from(side > 0 && seat >= count - side);
            let angle = (seat as f32 + f32::from(block) * AISLE - span / 2.0) / radius;
            places.push(Place { x: radius * angle.sin(), y: radius * angle.cos(), angle: -angle, row, block });
        }
    }
    places
}

/// Straight rows that grow by two seats every other row, with an aisle in the middle.
fn rows(total: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(total);
    for row in 0u32.. {
        let count = 10 + 2 * (row / 2);
        for seat in 0..count {
            if places.len() == total {
                return places;
            }
            let block = u8::from(seat >= count / 2);
            let x = seat as f32 + f32::from(block) * AISLE - ((count - 1) as f32 + AISLE) / 2.0;
            places.push(Place { x, y: row as f32 * 1.2, angle: 0.0, row, block });
        }
    }
    places
}

/// Tables of six, three seats on either side; every line of tables has one more than the one before.
fn tables(total: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(total);
    for line in 0u32.. {
        let count = 3 + line;
        for table in 0..count {
            for seat in 0..TABLE_SEATS {
                if places.len() == total {
                    return places;
                }
                let left = table as f32 * 4.4 - (count - 1) as f32 * 2.2 - 1.0;
                let (column, side) = (seat % 3, seat / 3);
                places.push(Place {
                    x: left + column as f32,
                    y: line as f32 * 4.2 + side as f32 * 1.9,
                    angle: 0.0,
                    row: line,
                    block: u8::try_from((table * 2 + side) % 256).unwrap_or_default(),
                });
            }
        }
    }
    places
}

fn bounds(places: &[Place], front: Front) -> [f32; 4] {
    let mut bounds = match front {
        Front::Arc { radius, half_angle } => {
            [-radius * half_angle.sin(), radius * half_angle.cos() - 1.0, radius * half_angle.sin(), radius]
        }
        Front::Line { y, half_width } => [-half_width, y - 0.6, half_width, y],
    };
    for place in places {
        bounds = [bounds[0].min(place.x), bounds[1].min(place.y), bounds[2].max(place.x), bounds[3].max(place.y)];
    }
    // symmetric, so that the front stays in the middle
    let half = bounds[0].abs().max(bounds[2]);
    [-half - 1.2, bounds[1] - 0.8, half + 1.2, bounds[3] + 1.2]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CATEGORIES: [Option<Category>; 4] =
        [None, Some(Category::Concert), Some(Category::Webinar), Some(Category::Hackathon)];

    proptest! {
        #[test]
        fn growing_at_the_end_moves_no_seat(total in 1..1500i32, more in 1..300i32, kind in 0..4usize) {
            let small = Hall::new(CATEGORIES[kind], total);
            let large = Hall::new(CATEGORIES[kind], total + more);
            prop_assert_eq!(small.places.len(), total as usize);
            prop_assert_eq!(&small.places[..], &large.places[..total as usize]);
        }

        #[test]
        fn best_seats_are_free_and_side_by_side(count in 1..6usize, taken in proptest::collection::btree_set(1..200i32, 0..150)) {
            let hall = Hall::new(Some(Category::Concert), 200);
            let best = hall.best_together(count, |seat| !taken.contains(&seat));
            for pair in best.windows(2) {
                let (one, other) = (hall.places[pair[0] as usize - 1], hall.places[pair[1] as usize - 1]);
                prop_assert_eq!((pair[0] + 1, one.row, one.block), (pair[1], other.row, other.block));
            }
            prop_assert!(best.iter().all(|seat| !taken.contains(seat)));
            prop_assert!(best.is_empty() || best.len() == count);
        }
    }

    #[test]
    fn seats_do_not_overlap() {
        for category in CATEGORIES {
            let hall = Hall::new(category, 1200);
            for (at, one) in hall.places.iter().enumerate() {
                for other in &hall.places[at + 1..] {
                    assert!((one.x - other.x).hypot(one.y - other.y) > 0.9, "{category:?}: {one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn best_seats_are_in_front_and_in_the_middle() {
        let hall = Hall::new(Some(Category::Concert), 200);
        assert_eq!(hall.best_together(2, |_| true), [4, 5]);
        assert!(hall.best_together(2, |_| false).is_empty());
    }

    #[test]
    fn the_closest_seats_need_not_be_side_by_side() {
        let hall = Hall::new(Some(Category::Concert), 30);
        assert_eq!(hall.closest(3, |seat| [1, 4, 8, 10, 11].contains(&seat)), [8, 10, 11]);
        assert!(hall.closest(3, |seat| seat < 3).is_empty());
        assert_eq!((hall.row_of(9), hall.row_of(18), hall.row_of(31)), (Some((9, 18)), Some((9, 18)), None));
    }

    #[test]
    fn the_nearest_seats_lie_around_what_was_chosen() {
        let hall = Hall::new(Some(Category::Concert), 30);
        // 12 and 15 are beside the kept seats, 4 is in front of them
        assert_eq!(hall.nearest(&[13, 14], 2, |seat| ![13, 14].contains(&seat)), [12, 15]);
        assert_eq!(hall.nearest(&[13, 14], 1, |seat| [1, 15, 30].contains(&seat)), [15]);
        assert!(hall.nearest(&[13], 3, |seat| seat < 3).is_empty());
    }

    #[test]
    fn rows_are_number_ranges_without_gaps() {
        let rows = Hall::new(Some(Category::Concert), 30).rows();
        assert_eq!(rows, [(1, 8), (9, 18), (19, 30)]);
    }
}
