//! The pixels of a hall as it was drawn last. Drawn again in the same view, only what changed is: a redraw for one seat must not
//! cost what a hall of 100,000 costs.

use std::rc::Rc;

use crate::hall::{Front, Hall, Place};
use crate::raster::{Brush, Colours, Glyph, Pixels, Raster, Spot};
use crate::view::View;

/// With more than one of so many seats changed, drawing all is quicker than mending: for shapes, and for dots.
const MENDED_ONE_OF: [usize; 2] = [24, 400];

/// What is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    pub hall: &'s Hall,
    /// Which part of the hall, and how large.
    pub view: View,
    /// What each seat looks like: seat n is `glyphs[n - 1]`. Shared, so that a picture can keep them without copying.
    pub glyphs: &'s Rc<Vec<Glyph>>,
    /// Of the theme that is shown.
    pub colours: Colours,
    /// Pixels of the surface per CSS pixel of the view.
    pub ratio: f32,
    /// The seat that the keyboard is at.
    pub cursor: Option<i32>,
}

/// The pixels, and what they show.
#[derive(Default)]
pub struct Picture {
    raster: Raster,
    /// Of every seat, as long as they are dots.
    spots: Vec<Spot>,
    drawn: Option<Drawn>,
}

struct Drawn {
    look: Look,
    glyphs: Rc<Vec<Glyph>>,
    cursor: Option<i32>,
}

/// What all seats share: when it changes, all are drawn.
#[derive(PartialEq)]
struct Look {
    /// Of the hall, and of the glyphs: they are read apart, and one can be newer for a moment.
    seats: (usize, usize),
    front: Front,
    view: View,
    colours: Colours,
    ratio: f32,
}

impl Picture {
    /// Brings the pixels up to date with the scene, and tells which of them may differ from before.
    #[inline(never)] // as it is compiled here: who calls it is compiled to be small
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

    /// The pixels as the canvas takes them: rows of red, green, blue, opacity.
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

    /// Draws what lies around each of these seats anew, and nothing else.
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
                continue; // out of sight
            }
            touched = Some(touched.map_or(square, |before: Pixels| before.with(square)));
            if brush.draws_dots() {
                self.raster.mark_larger(square);
            }
            self.raster.erase();
            // whole pixels reach a little farther, into a neighbour's reach
            scene.hall.near((place.x, place.y), (reach + 1.0 + brush.reach()) / brush.size, &mut near);
            near.sort_unstable(); // what is drawn over what is told by the number
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

/// From places of the hall to pixels.
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

/// Seats, by index.
struct Changed {
    glyphs: Vec<usize>,
    /// That the keyboard left or came to.
    rings: Vec<usize>,
}

impl Drawn {
    /// What looks different now; `None` when it is too much to be mended.
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

/// Whether bytes differ, found out eight at a time: `!=` of slices looks at each when it is compiled for the web.
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
        fn mended_pixels_are_those_of_a_new_picture(
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
        fn so_are_those_of_dots_and_of_many_changes(
            kind in 0..3usize,
            zoom in 1.0..2.0f32,
            // a few are mended, more are drawn over what was there
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
    fn a_hall_that_grows_after_its_seats_is_drawn_anew() {
        // more seats in the row that is there: nothing else tells of them
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
    fn a_new_view_or_hall_or_theme_is_drawn_anew() {
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
