//! Seats that are too small for shapes: squares of a few pixels, most of them one. Quick enough to draw 100,000 with every change.

use super::{Brush, Glyph, Pixels, Raster, SHAPES_FROM};

/// With more rectangles than this, making everything transparent is quicker than making these so.
const LARGER_MAX: usize = 4096;

/// A square whose size says more than its colour.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub(super) pixel: u32,
    pub(super) side: usize,
}

impl Dot {
    /// Pixels to the left of the one that a seat's middle is in, and above it.
    fn before(self) -> usize {
        (self.side - 1) / 2
    }
}

/// The pixel that a seat's middle is in, by its index; [`EDGE`] when a dot there might not be inside of the surface.
pub(crate) type Spot = u32;

const EDGE: Spot = Spot::MAX;

impl Raster {
    /// Makes ready for [`Raster::dots`] with the spots of the last time. Whatever is drawn at a spot covers the single pixel that
    /// was there, so only the rest has to be made transparent.
    pub(crate) fn clear_larger(&mut self) {
        if self.larger.len() > LARGER_MAX {
            self.clear(self.width, self.height);
        }
        for Pixels { left, top, right, bottom } in std::mem::take(&mut self.larger) {
            for row in top..bottom {
                self.fill(row, left, right, 0);
            }
        }
    }

    /// Tells that more than single pixels of dots is drawn here.
    pub(crate) fn mark_larger(&mut self, pixels: Pixels) {
        let empty = pixels.left >= pixels.right || pixels.top >= pixels.bottom;
        if !empty && self.larger.len() <= LARGER_MAX {
            self.larger.push(pixels);
        }
    }

    pub(super) fn dot(&mut self, dot: Dot, x: f32, y: f32) {
        let (left, top) = (down(x) - dot.before() as i32, down(y) - dot.before() as i32);
        let end = |start: i32, limit: usize| (start + dot.side as i32).min(limit as i32);
        let (from, to) = (left.max(self.clip.left as i32), end(left, self.clip.right));
        if from < to {
            for row in top.max(self.clip.top as i32)..end(top, self.clip.bottom) {
                self.fill(row as usize, from as usize, to as usize, dot.pixel);
            }
        }
    }

    /// Where dots are drawn for seats around these points.
    #[inline(never)] // as it is compiled here: for speed
    pub(crate) fn spots(&self, points: impl Iterator<Item = (f32, f32)>, spots: &mut Vec<Spot>) {
        const EDGE_PIXELS: Spot = SHAPES_FROM as Spot; // no dot is larger
        let (width, height) = (self.width as Spot, self.height as Spot);
        let within = |at: Spot, end: Spot| at.wrapping_sub(EDGE_PIXELS) < end.saturating_sub(2 * EDGE_PIXELS);
        spots.clear();
        spots.extend(points.map(|(x, y)| {
            let (x, y) = (down(x) as Spot, down(y) as Spot);
            if within(x, width) & within(y, height) { y * width + x } else { EDGE }
        }));
    }

    /// Draws seats that are too small for shapes, as [`Raster::seat`] does one by one; `point` tells where the ones at the edge
    /// are. Nothing may be clipped. Where seats are is found out before: a loop that does both takes three times as long,
    /// because the processor does not read ahead past writes to places that it does not know yet.
    #[inline(never)]
    pub(crate) fn dots(&mut self, brush: &Brush, seats: &[Glyph], spots: &[Spot], point: impl Fn(usize) -> (f32, f32)) {
        let single = brush.dots.map(|dot| if dot.side == 1 { dot.pixel } else { 0 });
        let mut at = 0;
        while let (Some(left), Some(left_spots)) = (seats.get(at..), spots.get(at..)) {
            at += single_dots(&mut self.pixels, &single, left, left_spots);
            let (Some(glyph), Some(spot)) = (seats.get(at), spots.get(at)) else { return };
            let dot = brush.dots[*glyph as usize];
            if *spot == EDGE {
                let (x, y) = point(at);
                self.dot(dot, x, y);
                let square = self.around((x, y), (x, y), brush.reach());
                self.mark_larger(square);
            } else {
                let first = *spot as usize - dot.before() * (self.width + 1);
                for row in 0..dot.side {
                    self.fill(row, first, first + dot.side, dot.pixel);
                }
                let (left, top) = (first % self.width, first / self.width);
                self.mark_larger(Pixels { left, top, right: left + dot.side, bottom: top + dot.side });
            }
            at += 1;
        }
    }
}

/// Draws until a dot is larger than a pixel or at the edge, and tells how many it drew. By far the most are not, when there are
/// 100,000 of them.
#[inline(never)]
fn single_dots(pixels: &mut [u32], single: &[u32; 7], seats: &[Glyph], spots: &[Spot]) -> usize {
    for (at, (glyph, spot)) in seats.iter().zip(spots).enumerate() {
        let shown = single[*glyph as usize];
        match pixels.get_mut(*spot as usize) {
            Some(pixel) if shown != 0 => *pixel = shown,
            _ => return at,
        }
    }
    seats.len().min(spots.len())
}

/// The next lower whole number, of one below four million; quicker than `floor`. A float of that size has no place for a
/// fraction, so adding one rounds to the nearest, and leaves the whole number in the lowest bits.
fn down(at: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23
    let nearest = (at + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    nearest - i32::from(nearest as f32 > at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_lower_number_is_found_on_both_sides_of_zero() {
        for n in -5_000..5_000i32 {
            for part in [0.0, 0.01, 0.3, 0.5, 0.7, 0.99f32] {
                assert_eq!(down(n as f32 + part), n, "{n} {part}");
            }
        }
    }
}
