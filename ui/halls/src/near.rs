//! Finds the seats near a point without a search through all of them: a grid of cells, each one seat pitch wide.

use crate::hall::Place;

/// The indices of seats, sorted by cell: those of cell c are `seats[starts[c]..starts[c + 1]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Near {
    left: f32,
    top: f32,
    columns: usize,
    rows: usize,
    starts: Vec<u32>,
    seats: Vec<u32>,
}

impl Near {
    /// Sorts the places, all of which lie within `bounds` (left, top, right, bottom), into their cells.
    pub(crate) fn new(places: &[Place], bounds: [f32; 4]) -> Self {
        let [left, top, right, bottom] = bounds;
        let (columns, rows) = ((right - left).ceil() as usize + 1, (bottom - top).ceil() as usize + 1);
        let mut near =
            Self { left, top, columns, rows, starts: vec![0; columns * rows + 1], seats: vec![0; places.len()] };
        let cells: Vec<usize> = places.iter().map(|place| near.cell(place.x, place.y)).collect();
        // a counting sort: counts the seats of each cell, computes where each cell begins, then puts each seat into its
        // cell
        for cell in &cells {
            near.starts[cell + 1] += 1;
        }
        for cell in 1..near.starts.len() {
            near.starts[cell] += near.starts[cell - 1];
        }
        let mut next = near.starts.clone();
        for (seat, cell) in (0u32..).zip(&cells) {
            near.seats[next[*cell] as usize] = seat;
            next[*cell] += 1;
        }
        near
    }

    /// Puts the indices of all places into `found` that are at most `reach` to the side of a point and at most `reach`
    /// above or below it. It may add some that are farther.
    pub(crate) fn find(&self, (x, y): (f32, f32), reach: f32, found: &mut Vec<usize>) {
        found.clear();
        let (from, to) = (self.column(x - reach), self.column(x + reach));
        for row in self.row(y - reach)..=self.row(y + reach) {
            // the cells of a row are adjacent in `starts`, so their seats are one range of `seats`
            let (first, last) = (row * self.columns + from, row * self.columns + to);
            let seats = self.starts[first] as usize..self.starts[last + 1] as usize;
            found.extend(self.seats[seats].iter().map(|seat| *seat as usize));
        }
    }

    fn cell(&self, x: f32, y: f32) -> usize {
        self.row(y) * self.columns + self.column(x)
    }

    fn column(&self, x: f32) -> usize {
        ((x - self.left).max(0.0) as usize).min(self.columns - 1)
    }

    fn row(&self, y: f32) -> usize {
        ((y - self.top).max(0.0) as usize).min(self.rows - 1)
    }
}

#[cfg(test)]
mod tests {
    use happening_api::Category;
    use proptest::prelude::*;

    use crate::Hall;

    proptest! {
        #[test]
        fn all_near_seats_are_found(total in 1..500i32, x in -40.0..40.0f32, y in -10.0..60.0f32, reach in 0.1..9.0f32) {
            for category in [None, Some(Category::Concert), Some(Category::Hackathon)] {
                let hall = Hall::new(category, total);
                let mut found = Vec::new();
                hall.near((x, y), reach, &mut found);
                for (at, place) in hall.places.iter().enumerate() {
                    let far = (place.x - x).abs().max((place.y - y).abs()) > reach;
                    prop_assert!(far || found.contains(&at));
                }
                found.sort_unstable();
                let before = found.len();
                found.dedup();
                prop_assert_eq!(before, found.len());
            }
        }
    }
}
