//! The pixels of a hall at the last drawing. If the view is unchanged, the next drawing redraws only the changed seats:
//! a redraw for one seat must not cost as much as drawing a hall of 100,000.

use std::rc::Rc;

use crate::hall::{Front, Hall, Place};
use crate::raster::{Brush, Colours, Glyph, Pixels, Raster, Spot};
use crate::view::View;

/// If more than one in this many seats has changed, drawing all of them is faster than redrawing the changed ones: the
/// limit for shapes, and for dots.
const MENDED_ONE_OF: [usize; 2] = [24, 400];

/// What a drawing shows.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    pub hall: &'s Hall,
    /// The visible part of the hall, and its scale.
    pub view: View,
    /// The shape of each seat: seat n is `glyphs[n - 1]`. Shared, so that a picture can keep the glyphs without copying
    /// them.
    pub glyphs: &'s Rc<Vec<Glyph>>,
    /// The colours of the current theme.
    pub colours: Colours,
    /// Pixels of the surface per CSS pixel of the view.
    pub ratio: f32,
    /// The seat with the keyboard's cursor.
    pub cursor: Option<i32>,
}

/// The pixels, and the scene that they show.
#[derive(Default)]
pub struct Picture {
    raster: Raster,
    /// The position of every seat, while seats are drawn as dots.
    spots: Vec<Spot>,
    drawn: Option<Drawn>,
}

struct Drawn {
    look: Look,
    glyphs: Rc<Vec<Glyph>>,
    cursor: Option<i32>,
}

/// The inputs that all seats share: when one changes, all seats are drawn again.
#[derive(PartialEq)]
struct Look {
    /// The number of seats in the hall, and of glyphs. The two are read separately, so for a moment they can differ.
    seats: (usize, usize),
    front: Front,
    view: View,
    colours: Colours,
    ratio: f32,
}

impl Picture {
    /// Updates the pixels to the scene, and returns the rectangle of those that may have changed.
    #[inline(never)] // inlined, it would be compiled for size as its callers are, not for speed
    pub fn draw(&mut self, scene: &Scene<'_>) -> Option<Pixels> {
        let look = scene.look();
        if let Some(mut drawn) = self.drawn.take().filter(|drawn| drawn.look == look) {
            let touched = match drawn.changed(scene) {
                Some(changed) => self.mend(scene, &changed),
                None => Some(self.draw_all(scene, false)),
            };
            drawn.glyphs = Rc::clone(scene.glyphs);
            drawn.cursor = scene.cursor;
            self.drawn = Some(drawn);
            return touched;
        }
        self.drawn = Some(Drawn { look, glyphs: Rc::clone(scene.glyphs), cursor: scene.cursor });
        Some(self.draw_all(scene, true))
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.raster.width, self.raster.height)
    }

    /// The pixels in the canvas's format: rows of red, green, blue, opacity.
    pub fn bytes(&self) -> &[u8] {
        self.raster.bytes()
    }

    fn draw_all(&mut self, scene: &Scene<'_>, new_look: bool) -> Pixels {
        let (width, height) = scene.size();
        let (brush, surface) = (scene.brush(), scene.surface());
        let points = scene.hall.places.iter().map(|place| surface.at(place.x, place.y));
        if new_look || !brush.draws_dots() {
            self.raster.clear(width, height);
        } else {
            self.raster.clear_larger();
        }
        if brush.draws_dots() {
            if new_look {
                self.raster.spots(points.clone(), &mut self.spots);
            }
            let point = |at: usize| scene.hall.places.get(at).map_or((0.0, 0.0), |place| surface.at(place.x, place.y));
            self.raster.dots(&brush, scene.glyphs, &self.spots, point);
        } else {
            let reach = brush.reach();
            let (right, bottom) = (width as f32 + reach, height as f32 + reach);
            for ((place, glyph), (x, y)) in scene.hall.places.iter().zip(scene.glyphs.iter()).zip(points) {
                if x > -reach && y > -reach && x < right && y < bottom {
                    self.raster.seat(&brush, *glyph, x, y, place.angle);
                }
            }
        }
        self.draw_cursor(scene, &brush);
        self.mark_cursor(scene, &brush);
        if new_look {
            return Pixels { left: 0, top: 0, right: width, bottom: height };
        }
        let [left, top, right, bottom] = scene.hall.bounds;
        self.raster.around(surface.at(left, top), surface.at(right, bottom), brush.ring_reach())
    }

    /// Redraws the squares around the changed seats, and nothing else.
    fn mend(&mut self, scene: &Scene<'_>, changed: &Changed) -> Option<Pixels> {
        let (brush, surface) = (scene.brush(), scene.surface());
        let (mut near, mut touched) = (Vec::new(), None);
        let glyphs = changed.glyphs.iter().map(|at| (*at, brush.reach()));
        let rings = changed.rings.iter().map(|at| (*at, brush.ring_reach()));
        for (at, reach) in glyphs.chain(rings) {
            let Some(place) = scene.hall.places.get(at) else { continue };
            let (x, y) = surface.at(place.x, place.y);
            let square = self.raster.clip_to(x, y, reach);
            if square.left >= square.right || square.top >= square.bottom {
                continue; // the seat is outside the view
            }
            touched = Some(touched.map_or(square, |before: Pixels| before.with(square)));
            if brush.draws_dots() {
                self.raster.mark_larger(square);
            }
            self.raster.erase();
            // the square is rounded up to whole pixels, so neighbours that are slightly farther away can reach into it
            scene.hall.near((place.x, place.y), (reach + 1.0 + brush.reach()) / brush.size, &mut near);
            near.sort_unstable(); // seats are drawn in the order of their numbers, as in a new picture
            for at in &near {
                if let (Some(place), Some(glyph)) = (scene.hall.places.get(*at), scene.glyphs.get(*at)) {
                    let (x, y) = surface.at(place.x, place.y);
                    self.raster.seat(&brush, *glyph, x, y, place.angle);
                }
            }
            self.draw_cursor(scene, &brush);
        }
        self.raster.clip_to_nothing();
        touched
    }

    fn mark_cursor(&mut self, scene: &Scene<'_>, brush: &Brush) {
        if let Some(place) = scene.cursor_place() {
            let (x, y) = scene.surface().at(place.x, place.y);
            let square = self.raster.around((x, y), (x, y), brush.ring_reach());
            self.raster.mark_larger(square);
        }
    }

    fn draw_cursor(&mut self, scene: &Scene<'_>, brush: &Brush) {
        if let Some(place) = scene.cursor_place() {
            let (x, y) = scene.surface().at(place.x, place.y);
            self.raster.cursor(brush, x, y, place.angle);
        }
    }
}

impl Scene<'_> {
    fn look(&self) -> Look {
        Look {
            seats: (self.hall.places.len(), self.glyphs.len()),
            front: self.hall.front,
            view: self.view,
            colours: self.colours,
            ratio: self.ratio,
        }
    }

    fn cursor_place(&self) -> Option<&Place> {
        self.hall.places.get(usize::try_from(self.cursor? - 1).ok()?)
    }

    fn size(&self) -> (usize, usize) {
        ((self.view.width * self.ratio) as usize, (self.view.height * self.ratio) as usize)
    }

    fn brush(&self) -> Brush {
        Brush::new(self.colours, self.view.scale() * self.ratio)
    }

    fn surface(&self) -> Surface {
        let (left, top) = self.view.to_surface(0.0, 0.0);
        Surface { scale: self.view.scale() * self.ratio, left: left * self.ratio, top: top * self.ratio }
    }
}

/// Converts places in the hall to pixels.
#[derive(Clone, Copy)]
struct Surface {
    scale: f32,
    left: f32,
    top: f32,
}

impl Surface {
    fn at(self, x: f32, y: f32) -> (f32, f32) {
        (self.left + x * self.scale, self.top + y * self.scale)
    }
}

/// The changed seats, by index.
struct Changed {
    glyphs: Vec<usize>,
    /// The seats that the keyboard's cursor left or reached.
    rings: Vec<usize>,
}

impl Drawn {
    /// The seats that look different now; `None` when there are so many that drawing all seats is faster.
    fn changed(&self, scene: &Scene<'_>) -> Option<Changed> {
        const AT_ONCE: usize = 64;
        let mended_max = scene.glyphs.len() / MENDED_ONE_OF[usize::from(scene.brush().draws_dots())];
        let mut glyphs = Vec::new();
        for (n, (before, now)) in self.glyphs.chunks(AT_ONCE).zip(scene.glyphs.chunks(AT_ONCE)).enumerate() {
            if differ(bytemuck::cast_slice(before), bytemuck::cast_slice(now)) {
                let differing = before.iter().zip(now).enumerate().filter(|(_, (before, now))| before != now);
                glyphs.extend(differing.map(|(at, _)| n * AT_ONCE + at));
                if glyphs.len() > mended_max {
                    return None;
                }
            }
        }
        let moved = [self.cursor, scene.cursor].into_iter().filter(|_| self.cursor != scene.cursor);
        let rings = moved.flatten().filter_map(|seat| usize::try_from(seat - 1).ok()).collect();
        Some(Changed { glyphs, rings })
    }
}

/// Whether bytes differ. It compares eight bytes at a time, because `!=` on slices compares single bytes when it is
/// compiled for the web.
fn differ(one: &[u8], other: &[u8]) -> bool {
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let words = one.iter().zip(other).map(|(one, other)| u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other));
    words.fold(0, |differing, word| differing | word) != 0 || one_rest != other_rest
}

#[cfg(test)]
mod tests {
    use happening_api::Category;
    use proptest::prelude::*;

    use super::*;
    use crate::raster::tests::{ALL, COLOURS};

    const KINDS: [Option<Category>; 3] = [None, Some(Category::Concert), Some(Category::Hackathon)];

    fn scene<'s>(hall: &'s Hall, view: View, glyphs: &'s Rc<Vec<Glyph>>, ratio: f32, cursor: Option<i32>) -> Scene<'s> {
        Scene { hall, view, glyphs, colours: COLOURS, ratio, cursor }
    }

    fn only_touched_differ(before: &[u8], picture: &Picture, touched: Pixels) -> bool {
        let width = picture.size().0;
        before.chunks(4).zip(picture.bytes().chunks(4)).enumerate().all(|(at, (before, now))| {
            let told = (touched.left..touched.right).contains(&(at % width))
                && (touched.top..touched.bottom).contains(&(at / width));
            told || before == now
        })
    }

    proptest! {
        #[test]
        fn redrawing_equals_a_new_picture(
            kind in 0..3usize,
            zoom in 1.0..12.0f32,
            ratio in 1.0..2.0f32,
            changes in proptest::collection::vec((0..400usize, 0..7usize), 1..16),
            cursors in (proptest::option::of(1..400i32), proptest::option::of(1..400i32)),
        ) {
            let hall = Hall::new(KINDS[kind], 400);
            let view = View::whole(&hall, 160.0, 120.0).zoomed(zoom, 50.0, 60.0);
            let mut glyphs: Rc<Vec<Glyph>> = Rc::new((0..400).map(|at| ALL[at * 5 % 7]).collect());
            let mut mended = Picture::default();
            mended.draw(&scene(&hall, view, &glyphs, ratio, cursors.0));
            for (at, to) in changes {
                Rc::make_mut(&mut glyphs)[at] = ALL[to];
            }
            let before = mended.bytes().to_vec();
            let touched = mended.draw(&scene(&hall, view, &glyphs, ratio, cursors.1)).unwrap_or_default();
            prop_assert!(only_touched_differ(&before, &mended, touched));
            let mut new = Picture::default();
            new.draw(&scene(&hall, view, &glyphs, ratio, cursors.1));
            prop_assert!(mended.bytes() == new.bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn redrawing_dots_equals_a_new_picture(
            kind in 0..3usize,
            zoom in 1.0..2.0f32,
            // a few changed seats are redrawn, more cause all dots to be drawn
            rounds in proptest::collection::vec(
                (
                    proptest::collection::vec((0..5_000usize, 0..7usize), 1..24),
                    proptest::option::of(0..7usize),
                    proptest::option::of(1..5_000i32),
                ),
                1..5,
            ),
        ) {
            let hall = Hall::new(KINDS[kind], 5_000);
            let view = View::whole(&hall, 160.0, 120.0).zoomed(zoom, 50.0, 60.0);
            let mut glyphs: Rc<Vec<Glyph>> = Rc::new((0..5_000).map(|at| ALL[at * 5 % 7]).collect());
            let mut mended = Picture::default();
            mended.draw(&scene(&hall, view, &glyphs, 1.0, None));
            for (changes, all, cursor) in rounds {
                let changed = Rc::make_mut(&mut glyphs);
                if let Some(all) = all {
                    changed.fill(ALL[all]);
                }
                for (at, to) in changes {
                    changed[at] = ALL[to];
                }
                let before = mended.bytes().to_vec();
                let touched = mended.draw(&scene(&hall, view, &glyphs, 1.0, cursor)).unwrap_or_default();
                prop_assert!(only_touched_differ(&before, &mended, touched));
                let mut new = Picture::default();
                new.draw(&scene(&hall, view, &glyphs, 1.0, cursor));
                prop_assert!(mended.bytes() == new.bytes());
            }
        }
    }

    #[test]
    fn a_hall_that_grows_after_its_glyphs_is_redrawn() {
        // the larger hall only has more seats in the same row, so only their number shows that it has grown
        let (small, large) = (Hall::new(None, 12), Hall::new(None, 20));
        for ratio in [1.0, 0.1] {
            let glyphs = Rc::new(vec![Glyph::Taken; 20]);
            let view = View::whole(&large, 400.0, 80.0);
            let (mut picture, mut new) = (Picture::default(), Picture::default());
            picture.draw(&scene(&small, view, &glyphs, ratio, None));
            picture.draw(&scene(&large, view, &glyphs, ratio, None));
            new.draw(&scene(&large, view, &glyphs, ratio, None));
            assert!(picture.bytes() == new.bytes());
        }
    }

    #[test]
    fn a_new_view_hall_or_theme_is_redrawn() {
        let (small, large) = (Hall::new(None, 50), Hall::new(None, 60));
        let view = View::whole(&small, 100.0, 80.0);
        let glyphs = [50, 60].map(|seats| Rc::new(vec![Glyph::Taken; seats]));
        let first = scene(&small, view, &glyphs[0], 1.0, None);
        let mut colours = COLOURS;
        colours.taken = [9, 9, 9];
        let others = [
            Scene { view: view.zoomed(2.0, 3.0, 3.0), ..first },
            Scene { ratio: 2.0, ..first },
            Scene { colours, ..first },
            Scene { hall: &large, view: View::whole(&large, 100.0, 80.0), glyphs: &glyphs[1], ..first },
        ];
        for other in others {
            let (mut picture, mut new) = (Picture::default(), Picture::default());
            picture.draw(&first);
            let before = picture.bytes().to_vec();
            picture.draw(&other);
            new.draw(&other);
            assert!(picture.bytes() == new.bytes() && picture.bytes() != before);
        }
    }
}
