//! Draws seats into a pixel buffer: each shape is a distance function, so its edges are smooth at every size and angle.

use crate::hall::Hall;
use crate::view::View;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Seats of fewer pixels are dots: their shapes could not be told apart, and 100,000 of them are on the surface at once.
const SHAPES_FROM: f32 = 5.0;

/// Pixels, four bytes each: red, green, blue, opacity.
#[derive(Default)]
pub struct Raster {
    pub width: usize,
    pub height: usize,
    pixels: Vec<u32>,
}

/// One shape per state, so that the map reads without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A hollow box.
    Free,
    /// A filled box with a tick and a ring.
    Chosen,
    /// A filled box with a dot.
    Own,
    /// A disc.
    Taken,
    /// A dashed box with a cross.
    Lost,
}

/// Colours of the shapes, from the style sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colours {
    pub free: Colour,
    pub free_fill: Colour,
    pub mine: Colour,
    pub mine_glyph: Colour,
    pub taken: Colour,
    pub lost: Colour,
    pub cursor: Colour,
}

impl Raster {
    /// A transparent surface, in the memory of the last one when it fits.
    pub fn clear(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.pixels.clear();
        self.pixels.resize(width * height, 0);
    }

    /// Draws every seat that is in sight. `ratio` is pixels of the surface per CSS pixel of the view; `cursor` is the seat that
    /// the keyboard is at.
    pub fn hall(
        &mut self,
        hall: &Hall,
        view: &View,
        glyphs: &[Glyph],
        colours: &Colours,
        ratio: f32,
        cursor: Option<i32>,
    ) {
        let size = view.scale() * ratio;
        let (right, bottom) = (self.width as f32 + size, self.height as f32 + size);
        for (place, glyph) in hall.places.iter().zip(glyphs) {
            let (x, y) = view.to_surface(place.x, place.y);
            let (x, y) = (x * ratio, y * ratio);
            if x > -size && y > -size && x < right && y < bottom {
                self.glyph(*glyph, colours, x, y, place.angle, size);
            }
        }
        if let Some(place) = cursor.and_then(|seat| hall.places.get(usize::try_from(seat - 1).ok()?)) {
            let (x, y) = view.to_surface(place.x, place.y);
            self.cursor(colours.cursor, x * ratio, y * ratio, place.angle, size);
        }
    }

    /// The pixels as the canvas takes them.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.pixels)
    }

    /// A seat that is too small for a shape: a square whose size says more than its colour.
    fn dot(&mut self, glyph: Glyph, colours: &Colours, x: f32, y: f32, size: f32) {
        let (colour, part) = match glyph {
            Glyph::Free => (colours.free, 0.62),
            Glyph::Chosen | Glyph::Own => (colours.mine, 0.95),
            Glyph::Taken => (colours.taken, 0.5),
            Glyph::Lost => (colours.lost, 0.95),
        };
        let side = ((size * part + 0.5) as usize).max(1);
        let half = side as f32 / 2.0;
        if x < half || y < half {
            return; // cut off at the edge; a cast would move it inside
        }
        let (left, top) = ((x - half + 0.5) as usize, (y - half + 0.5) as usize);
        let right = (left + side).min(self.width);
        if left >= right {
            return;
        }
        let pixel = u32::from_le_bytes([colour[0], colour[1], colour[2], 255]);
        for row in top..(top + side).min(self.height) {
            if let Some(line) = self.pixels.get_mut(row * self.width + left..row * self.width + right) {
                line.fill(pixel);
            }
        }
    }

    /// Draws a shape of `size` pixels around a point.
    pub fn glyph(&mut self, glyph: Glyph, colours: &Colours, x: f32, y: f32, angle: f32, size: f32) {
        if size < SHAPES_FROM {
            return self.dot(glyph, colours, x, y, size);
        }
        let line = (size * 0.075).clamp(0.6, 2.2);
        match glyph {
            Glyph::Taken => self.paint(x, y, 0.0, size * 0.5, colours.taken, |u, v| u.hypot(v) - size * 0.32),
            Glyph::Free => {
                let half = size * 0.36;
                self.paint(x, y, angle, size * 0.6, colours.free, |u, v| boxed(u, v, half, size * 0.12) - line / 2.0);
                self.paint(x, y, angle, size * 0.6, colours.free_fill, |u, v| {
                    boxed(u, v, half, size * 0.12) + line / 2.0
                });
            }
            Glyph::Own => {
                self.paint(x, y, angle, size * 0.6, colours.mine, |u, v| boxed(u, v, size * 0.39, size * 0.12));
                self.paint(x, y, angle, size * 0.3, colours.mine_glyph, |u, v| u.hypot(v) - size * 0.13);
            }
            Glyph::Chosen => {
                self.paint(x, y, angle, size * 0.7, colours.mine, |u, v| {
                    (boxed(u, v, size * 0.49, size * 0.15)).abs() - line / 2.0
                });
                self.paint(x, y, angle, size * 0.6, colours.mine, |u, v| boxed(u, v, size * 0.39, size * 0.12));
                let thick = (size * 0.06).max(0.7);
                let lift = if size >= 26.0 { size * 0.12 } else { 0.0 };
                self.paint(x, y, angle, size * 0.5, colours.mine_glyph, |u, v| {
                    let v = v + lift;
                    let short = segment(u, v, (-size * 0.2, size * 0.02), (-size * 0.06, size * 0.16));
                    short.min(segment(u, v, (-size * 0.06, size * 0.16), (size * 0.21, -size * 0.14))) - thick
                });
            }
            Glyph::Lost => {
                let dash = size * 0.17;
                self.paint(x, y, angle, size * 0.65, colours.lost, |u, v| {
                    let edge = boxed(u, v, size * 0.4, size * 0.1).abs() - line * 0.6;
                    let gap = ((u + v) / dash).rem_euclid(2.0) - 1.0;
                    edge.max(gap * dash * 0.7)
                });
                let k = size * 0.17;
                self.paint(x, y, angle, size * 0.5, colours.lost, |u, v| {
                    segment(u, v, (-k, -k), (k, k)).min(segment(u, v, (k, -k), (-k, k))) - line * 0.8
                });
            }
        }
    }

    /// A ring around the seat that the keyboard is at.
    pub fn cursor(&mut self, colour: Colour, x: f32, y: f32, angle: f32, size: f32) {
        self.paint(x, y, angle, size * 0.85, colour, |u, v| boxed(u, v, size * 0.62, size * 0.18).abs() - 1.1);
    }

    /// Fills where `distance` is negative; the last half pixel on either side of its zero is smoothed.
    fn paint(&mut self, x: f32, y: f32, angle: f32, reach: f32, colour: Colour, distance: impl Fn(f32, f32) -> f32) {
        let (sin, cos) = angle.sin_cos();
        let first = |at: f32| (at - reach - 1.0).floor().max(0.0) as usize;
        let last = |at: f32, limit: usize| ((at + reach + 1.0).ceil().max(0.0) as usize).min(limit);
        for row in first(y)..last(y, self.height) {
            for column in first(x)..last(x, self.width) {
                let (dx, dy) = (column as f32 + 0.5 - x, row as f32 + 0.5 - y);
                let cover = (0.5 - distance(dx * cos + dy * sin, dy * cos - dx * sin)).clamp(0.0, 1.0);
                if cover > 0.0 {
                    self.blend(row * self.width + column, colour, cover);
                }
            }
        }
    }

    fn blend(&mut self, at: usize, colour: Colour, cover: f32) {
        let Some(stored) = self.pixels.get_mut(at) else { return };
        let mut pixel = stored.to_le_bytes();
        let below = f32::from(pixel[3]) / 255.0;
        let opacity = cover + below * (1.0 - cover);
        for (channel, value) in pixel.iter_mut().zip(colour) {
            *channel = ((f32::from(value) * cover + f32::from(*channel) * below * (1.0 - cover)) / opacity) as u8;
        }
        pixel[3] = (opacity * 255.0) as u8;
        *stored = u32::from_le_bytes(pixel);
    }
}

/// Distance to a box of half width `half` whose corners are rounded by `round`.
fn boxed(u: f32, v: f32, half: f32, round: f32) -> f32 {
    let (a, b) = (u.abs() - half + round, v.abs() - half + round);
    a.max(0.0).hypot(b.max(0.0)) + a.max(b).min(0.0) - round
}

/// Distance to a line between two points.
fn segment(u: f32, v: f32, from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along_u, along_v) = (to.0 - from.0, to.1 - from.1);
    let t =
        (((u - from.0) * along_u + (v - from.1) * along_v) / (along_u * along_u + along_v * along_v)).clamp(0.0, 1.0);
    (u - from.0 - t * along_u).hypot(v - from.1 - t * along_v)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: Colours = Colours {
        free: [1, 1, 1],
        free_fill: [255, 255, 255],
        mine: [2, 2, 2],
        mine_glyph: [250, 250, 250],
        taken: [3, 3, 3],
        lost: [4, 4, 4],
        cursor: [5, 5, 5],
    };

    fn covered(glyph: Glyph) -> Vec<bool> {
        let mut raster = Raster::default();
        raster.clear(40, 40);
        raster.glyph(glyph, &COLOURS, 20.0, 20.0, 0.0, 24.0);
        raster.bytes().chunks(4).map(|pixel| pixel[3] > 127 && pixel[0] < 128).collect()
    }

    #[test]
    fn every_state_has_an_outline_of_its_own() {
        let all = [Glyph::Free, Glyph::Chosen, Glyph::Own, Glyph::Taken, Glyph::Lost];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                let (one_dark, other_dark) = (covered(*one), covered(*other));
                let differing = one_dark.iter().zip(&other_dark).filter(|(a, b)| a != b).count();
                assert!(differing > 40, "{one:?} and {other:?} differ in {differing} pixels");
            }
        }
    }

    #[test]
    fn a_shape_at_the_edge_or_outside_stays_inside_the_buffer() {
        let mut raster = Raster::default();
        raster.clear(10, 10);
        for (x, y) in [(0.0, 0.0), (10.0, 10.0), (-50.0, 3.0), (5.0, 500.0)] {
            raster.glyph(Glyph::Chosen, &COLOURS, x, y, 0.7, 30.0);
            raster.glyph(Glyph::Taken, &COLOURS, x, y, 0.0, 3.0);
        }
        assert_eq!(raster.bytes().len(), 400);
    }
}
