//! Draws seats into a pixel buffer: each shape is a distance function, so its edges are smooth at every size and angle.

mod dots;

use dots::Dot;
pub(crate) use dots::Spot;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Pixels per seat pitch from which on seats have shapes. Smaller ones are dots, because their shapes could not be told
/// apart, and up to 100,000 of them are visible at once.
const SHAPES_FROM: f32 = 5.0;

/// Pixels, four bytes each: red, green, blue, opacity.
#[derive(Default)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pixels: Vec<u32>,
    /// Nothing is drawn outside of this rectangle.
    clip: Pixels,
    /// The rectangles with more than single-pixel dots. With more than [`dots::LARGER_MAX`] rectangles the list is
    /// incomplete.
    larger: Vec<Pixels>,
}

/// A rectangle of pixels; `right` and `bottom` are exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pixels {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Pixels {
    /// The smallest rectangle that contains both.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// One shape per state, so that a person can read the map without its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::NoUninit)]
#[repr(u8)]
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
    /// A box whose lower right half is filled: another person is choosing the seat. No server reports this state yet.
    Held,
    /// A cross without a box: the seat cannot be booked. No server reports this state yet.
    Closed,
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

/// The colours and sizes for drawing seats at one scale.
pub(crate) struct Brush {
    colours: Colours,
    /// Pixels per seat pitch.
    pub(crate) size: f32,
    /// The dot of each [`Glyph`], for seats that are too small for a shape.
    dots: [Dot; 7],
}

impl Brush {
    pub(crate) fn new(colours: Colours, size: f32) -> Self {
        let dot = |colour: Colour, part: f32| {
            let side = ((size * part + 0.5) as usize).max(1);
            let pixel = u32::from_le_bytes([colour[0], colour[1], colour[2], 255]);
            Dot { pixel, side }
        };
        let mine = dot(colours.mine, 0.95);
        let (free, taken, lost) = (dot(colours.free, 0.62), dot(colours.taken, 0.5), dot(colours.lost, 0.95));
        let dots = [free, mine, mine, taken, lost, dot(colours.taken, 0.62), dot(colours.taken, 0.3)];
        Self { colours, size, dots }
    }

    /// Whether seats are too small for shapes.
    pub(crate) fn draws_dots(&self) -> bool {
        self.size < SHAPES_FROM
    }

    /// The most pixels that a seat reaches from its middle.
    pub(crate) fn reach(&self) -> f32 {
        if self.draws_dots() { self.size * 0.5 + 1.0 } else { self.size * 0.7 + 2.0 }
    }

    /// The most pixels that the cursor's ring reaches from the seat's middle.
    pub(crate) fn ring_reach(&self) -> f32 {
        self.size * 0.85 + 2.0
    }
}

impl Raster {
    /// Makes the surface transparent and gives it a size. It reuses the memory of the last one if that is large enough.
    pub(crate) fn clear(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.pixels.clear();
        self.pixels.resize(width * height, 0);
        self.larger.clear();
        self.clip_to_nothing();
    }

    /// Limits drawing to a square around a point, and returns its pixels.
    pub(crate) fn clip_to(&mut self, x: f32, y: f32, reach: f32) -> Pixels {
        self.clip = self.around((x, y), (x, y), reach);
        self.clip
    }

    /// The pixels of a rectangle that is enlarged by `reach` on every side.
    pub(crate) fn around(&self, first: (f32, f32), last: (f32, f32), reach: f32) -> Pixels {
        let within = |at: f32, limit: usize| (at.max(0.0) as usize).min(limit);
        Pixels {
            left: within(first.0 - reach, self.width),
            top: within(first.1 - reach, self.height),
            right: within((last.0 + reach).ceil(), self.width),
            bottom: within((last.1 + reach).ceil(), self.height),
        }
    }

    /// Ends the limit, so that drawing reaches the whole surface.
    pub(crate) fn clip_to_nothing(&mut self) {
        self.clip = Pixels { left: 0, top: 0, right: self.width, bottom: self.height };
    }

    /// Makes the pixels transparent to which drawing is limited.
    pub(crate) fn erase(&mut self) {
        let Pixels { left, top, right, bottom } = self.clip;
        for row in top..bottom {
            self.fill(row, left, right, 0);
        }
    }

    /// The pixels in the canvas's format.
    pub(crate) fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.pixels)
    }

    fn fill(&mut self, row: usize, from: usize, to: usize, pixel: u32) {
        if let Some(line) = self.pixels.get_mut(row * self.width + from..row * self.width + to) {
            line.fill(pixel);
        }
    }

    /// Draws a seat around a point.
    pub(crate) fn seat(&mut self, brush: &Brush, glyph: Glyph, x: f32, y: f32, angle: f32) {
        if brush.draws_dots() {
            self.dot(brush.dots[glyph as usize], x, y);
        } else {
            self.shape(brush, glyph, x, y, angle);
        }
    }

    fn shape(&mut self, brush: &Brush, glyph: Glyph, x: f32, y: f32, angle: f32) {
        let Brush { size, colours, .. } = *brush;
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
                self.paint(x, y, angle, size * 0.5, colours.lost, |u, v| crossed(u, v, size * 0.17) - line * 0.8);
            }
            Glyph::Held => {
                let (half, round) = (size * 0.36, size * 0.12);
                self.paint(x, y, angle, size * 0.6, colours.free, |u, v| boxed(u, v, half, round).abs() - line / 2.0);
                self.paint(x, y, angle, size * 0.6, colours.taken, |u, v| {
                    boxed(u, v, half - line, round).max(-(u + v) * std::f32::consts::FRAC_1_SQRT_2)
                });
            }
            Glyph::Closed => {
                self.paint(x, y, angle, size * 0.5, colours.taken, |u, v| crossed(u, v, size * 0.26) - line);
            }
        }
    }

    /// Draws the keyboard's cursor: a ring around a seat.
    pub(crate) fn cursor(&mut self, brush: &Brush, x: f32, y: f32, angle: f32) {
        let (size, colour) = (brush.size, brush.colours.cursor);
        self.paint(x, y, angle, size * 0.85, colour, |u, v| boxed(u, v, size * 0.62, size * 0.18).abs() - 1.1);
    }

    /// Fills the pixels where `distance` is negative. Pixels within half a pixel of its zero are blended, which makes
    /// the edge smooth.
    fn paint(&mut self, x: f32, y: f32, angle: f32, reach: f32, colour: Colour, distance: impl Fn(f32, f32) -> f32) {
        let (sin, cos) = angle.sin_cos();
        let first = |at: f32, limit: usize| ((at - reach - 1.0).floor().max(0.0) as usize).max(limit);
        let last = |at: f32, limit: usize| ((at + reach + 1.0).ceil().max(0.0) as usize).min(limit);
        for row in first(y, self.clip.top)..last(y, self.clip.bottom) {
            for column in first(x, self.clip.left)..last(x, self.clip.right) {
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

/// Signed distance to a box of half width `half` whose corners are rounded by `round`.
fn boxed(u: f32, v: f32, half: f32, round: f32) -> f32 {
    let (a, b) = (u.abs() - half + round, v.abs() - half + round);
    a.max(0.0).hypot(b.max(0.0)) + a.max(b).min(0.0) - round
}

/// Distance to two lines that cross in the middle, each `2 * reach` wide and high.
fn crossed(u: f32, v: f32, reach: f32) -> f32 {
    segment(u, v, (-reach, -reach), (reach, reach)).min(segment(u, v, (reach, -reach), (-reach, reach)))
}

/// Distance to a line between two points.
fn segment(u: f32, v: f32, from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along_u, along_v) = (to.0 - from.0, to.1 - from.1);
    let t =
        (((u - from.0) * along_u + (v - from.1) * along_v) / (along_u * along_u + along_v * along_v)).clamp(0.0, 1.0);
    (u - from.0 - t * along_u).hypot(v - from.1 - t * along_v)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const COLOURS: Colours = Colours {
        free: [1, 1, 1],
        free_fill: [255, 255, 255],
        mine: [2, 2, 2],
        mine_glyph: [250, 250, 250],
        taken: [3, 3, 3],
        lost: [4, 4, 4],
        cursor: [5, 5, 5],
    };

    pub(crate) const ALL: [Glyph; 7] =
        [Glyph::Free, Glyph::Chosen, Glyph::Own, Glyph::Taken, Glyph::Lost, Glyph::Held, Glyph::Closed];

    fn covered(glyph: Glyph) -> Vec<bool> {
        let mut raster = Raster::default();
        raster.clear(40, 40);
        raster.seat(&Brush::new(COLOURS, 24.0), glyph, 20.0, 20.0, 0.0);
        raster.bytes().chunks(4).map(|pixel| pixel[3] > 127 && pixel[0] < 128).collect()
    }

    #[test]
    fn every_state_has_its_own_outline() {
        for (at, one) in ALL.iter().enumerate() {
            for other in &ALL[at + 1..] {
                let (one_dark, other_dark) = (covered(*one), covered(*other));
                let differing = one_dark.iter().zip(&other_dark).filter(|(a, b)| a != b).count();
                assert!(differing > 40, "{one:?} and {other:?} differ in {differing} pixels");
            }
        }
    }

    #[test]
    fn shapes_never_write_outside_the_buffer() {
        let mut raster = Raster::default();
        raster.clear(10, 10);
        for (x, y) in [(0.0, 0.0), (10.0, 10.0), (-50.0, 3.0), (5.0, 500.0)] {
            raster.seat(&Brush::new(COLOURS, 30.0), Glyph::Chosen, x, y, 0.7);
            raster.seat(&Brush::new(COLOURS, 3.0), Glyph::Taken, x, y, 0.0);
        }
        assert_eq!(raster.bytes().len(), 400);
    }
}
