//! The map's drawing alone, for `cargo xtask bench seat-map`.

use happening_api::Category;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

use super::draw;
use happening_halls::{Glyph, Hall, View};

/// A hall that a script draws and changes.
#[wasm_bindgen]
pub struct SeatMapBench {
    hall: Hall,
    view: View,
    glyphs: Vec<Glyph>,
    drawn: draw::Drawn,
    changes: usize,
}

#[wasm_bindgen]
impl SeatMapBench {
    /// A concert hall of so many seats, two thirds of them taken, on a surface of so many CSS pixels.
    #[wasm_bindgen(constructor)]
    pub fn new(seats: i32, width: f32, height: f32) -> Self {
        let hall = Hall::new(Some(Category::Concert), seats);
        let view = View::whole(&hall, width, height);
        let glyphs = (0..seats).map(|seat| if seat % 3 == 0 { Glyph::Free } else { Glyph::Taken }).collect();
        Self { hall, view, glyphs, drawn: draw::Drawn::default(), changes: 0 }
    }

    /// Brings the canvas up to date, as the app does.
    pub fn draw(&mut self, canvas: &HtmlCanvasElement) {
        draw::draw(canvas, &mut self.drawn, &self.hall, &self.view, &self.glyphs, None);
    }

    /// Changes one seat out of so many; beginning at the back, where no word is.
    pub fn change(&mut self, one_of: usize) {
        self.changes += 1;
        let to = if self.changes.is_multiple_of(2) { Glyph::Free } else { Glyph::Taken };
        self.glyphs.iter_mut().rev().step_by(one_of).for_each(|glyph| *glyph = to);
    }

    /// Shows a little more or less of the hall.
    pub fn turn(&mut self) {
        self.changes += 1;
        let zoom = if self.changes.is_multiple_of(2) { 1.001 } else { 1.0 };
        self.view = View::whole(&self.hall, self.view.width, self.view.height).zoomed(zoom, 0.0, 0.0);
    }
}
