//! Draws seats that are too small for shapes, as squares of a few pixels, most of them one pixel. It is fast enough to
//! draw 100,000 with every change.

use super::{Brush, Glyph, Pixels, Raster, SHAPES_FROM};

/// With more rectangles than this, clearing the whole surface is faster than clearing the rectangles.
const LARGER_MAX: usize = 4096;

/// A square. Its size tells states apart better than its colour.
#[derive(Clone, Copy)]
pub(super) struct Dot {
    pub(super) pixel: u32,
    pub(super) side: usize,
}

impl Dot {
    /// The square's pixels to the left of the pixel of the seat's middle, and above it.
    fn before(self) -> usize {
        (self.side - 1) / 2
    }
}

/// The index of the pixel at a seat's middle; [`EDGE`] if a dot there may reach beyond the surface.
pub(crate) type Spot = u32;

const EDGE: Spot = Spot::MAX;

impl Raster {
    /// Prepares the surface for [`Raster::dots`] with the same spots as last time. Each new dot covers the single pixel
    /// that was at its spot, so only larger dots have to be cleared.
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

    /// Notes a rectangle in which more than single-pixel dots are drawn.
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

    /// Computes the spots of dots for seats around these points.
    #[inline(never)] // inlined, it would be compiled for size as its callers are
    pub(crate) fn spots(&self, points: impl Iterator<Item = (f32, f32)>, spots: &mut Vec<Spot>) {
        const EDGE_PIXELS: Spot = SHAPES_FROM as Spot; // no dot is larger than this
        let (width, height) = (self.width as Spot, self.height as Spot);
        let within = |at: Spot, end: Spot| at.wrapping_sub(EDGE_PIXELS) < end.saturating_sub(2 * EDGE_PIXELS);
        spots.clear();
        spots.extend(points.map(|(x, y)| {
            let (x, y) = (down(x) as Spot, down(y) as Spot);
            if within(x, width) & within(y, height) { y * width + x } else { EDGE }
        }));
    }

    /// Draws seats that are too small for shapes, with the same result as [`Raster::seat`] for each; `point` returns
    /// the places of seats at the edge. The clip must be the whole surface. The spots are computed beforehand: a loop
    /// that did both would take three times as long, because the processor cannot read ahead of writes whose address it
    /// does not know yet.
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

/// Draws dots until one is larger than a pixel or at the edge, and returns how many it drew. In a hall of 100,000
/// seats, nearly all dots are single pixels.
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

/// Rounds down a number below four million; faster than `floor`. A float near 1.5 * 2^23 has no bits for a fraction, so
/// adding that number rounds to the nearest integer, which is then in the lowest bits.
fn down(at: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23
    let nearest = (at + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    nearest - i32::from(nearest as f32 > at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_rounds_down_on_both_sides_of_zero() {
        for n in -5_000..5_000i32 {
            for part in [0.0, 0.01, 0.3, 0.5, 0.7, 0.99f32] {
                assert_eq!(down(n as f32 + part), n, "{n} {part}");
            }
        }
    }
}
