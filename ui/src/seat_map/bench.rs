//! Draws the map without the rest of the app, for `cargo xtask bench seat-map`.

use std::rc::Rc;

use happening_api::Category;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

use super::draw::{self, Canvases, Shown};
use happening_halls::{Glyph, Hall, View};

/// A hall that a script can draw and change.
#[wasm_bindgen]
pub struct SeatMapBench {
    hall: Hall,
    view: View,
    glyphs: Rc<Vec<Glyph>>,
    /// The glyphs after the next change, made in advance so that the benchmark does not measure that.
    others: Rc<Vec<Glyph>>,
    drawn: draw::Drawn,
    changes: usize,
}

#[wasm_bindgen]
impl SeatMapBench {
    /// A concert hall of `seats` seats, two thirds of them taken, on a surface of `width` by `height` CSS pixels.
    #[wasm_bindgen(constructor)]
    pub fn new(seats: i32, width: f32, height: f32) -> Self {
        let hall = Hall::new(Some(Category::Concert), seats);
        let view = View::whole(&hall, width, height);
        let glyph = |seat| if seat % 3 == 0 { Glyph::Free } else { Glyph::Taken };
        let glyphs = Rc::new((0..seats).map(glyph).collect::<Vec<_>>());
        let drawn = draw::Drawn::default();
        Self { hall, view, others: Rc::clone(&glyphs), glyphs, drawn, changes: 0 }
    }

    /// Brings the canvases up to date, as the app does.
    pub fn draw(&mut self, seats: &HtmlCanvasElement, words: &HtmlCanvasElement) {
        let canvases = Canvases { seats: seats.clone(), words: words.clone() };
        let (hall, view, glyphs) = (&self.hall, &self.view, &self.glyphs);
        draw::draw(&canvases, &mut self.drawn, Shown { hall, view, glyphs, cursor: None, looks: 0 });
    }

    /// Makes [`SeatMapBench::change`] change every `one_of`th seat, counted from the last one.
    pub fn will_change(&mut self, one_of: usize) {
        let mut others = self.glyphs.to_vec();
        for glyph in others.iter_mut().rev().step_by(one_of) {
            *glyph = if *glyph == Glyph::Free { Glyph::Taken } else { Glyph::Free };
        }
        self.others = Rc::new(others);
    }

    /// Changes the seats, or changes them back.
    pub fn change(&mut self) {
        std::mem::swap(&mut self.glyphs, &mut self.others);
    }

    /// Changes the view a little, by zooming in or out.
    pub fn turn(&mut self) {
        self.changes += 1;
        let zoom = if self.changes.is_multiple_of(2) { 1.001 } else { 1.0 };
        self.view = View::whole(&self.hall, self.view.width, self.view.height).zoomed(zoom, 0.0, 0.0);
    }
}
