//! Draws a hall on two canvases: all seats as one pixel buffer, and the words over them.

use std::rc::Rc;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use happening_halls::{Colour, Colours, Front, Glyph, Hall, Picture, Pixels, Scene, View};

/// CSS pixels per seat from which on seats show their numbers.
const NUMBERS_FROM_PX: f32 = 22.0;

/// Largest height of the word at the front, in CSS pixels.
const WORD_PX_MAX: f64 = 30.0;

struct Theme {
    colours: Colours,
    ink: String,
    stage: String,
    glyph: String,
    font: String,
}

/// The canvases of a hall. The words have a canvas over that of the seats, so that a changed seat does not require
/// drawing the words again.
#[derive(Clone)]
pub(crate) struct Canvases {
    pub(crate) seats: HtmlCanvasElement,
    pub(crate) words: HtmlCanvasElement,
}

/// The results of a drawing that the next one can use.
#[derive(Default)]
pub(crate) struct Drawn {
    picture: Picture,
    /// The theme, with the value of `looks` at which it was read. It is kept because reading the colours of a style
    /// sheet takes longer than drawing with them.
    theme: Option<(u32, Theme)>,
    words: Option<Words>,
}

/// The inputs of the drawn words, and the lowest CSS pixel that they reach.
#[derive(PartialEq)]
struct Words {
    looks: u32,
    front: Front,
    view: View,
    ratio: f32,
    end: f64,
}

/// The inputs of a drawing.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'s> {
    pub(crate) hall: &'s Hall,
    pub(crate) view: &'s View,
    /// Seat n is `glyphs[n - 1]`.
    pub(crate) glyphs: &'s Rc<Vec<Glyph>>,
    /// The seat with the keyboard's cursor.
    pub(crate) cursor: Option<i32>,
    /// A number that changes whenever the theme or the resolution does.
    pub(crate) looks: u32,
}

/// Draws the hall, except for the parts that `drawn` shows to be unchanged. Does nothing while the canvas has no size.
pub(crate) fn draw(canvases: &Canvases, drawn: &mut Drawn, shown: Shown<'_>) {
    let Shown { hall, view, glyphs, cursor, looks } = shown;
    let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()) as f32;
    let (width, height) = ((view.width * ratio) as u32, (view.height * ratio) as u32);
    if width == 0 || height == 0 {
        return;
    }
    let (_, theme) = match drawn.theme.take().filter(|(known, _)| *known == looks) {
        Some(known) => drawn.theme.insert(known),
        None => drawn.theme.insert((looks, theme(&canvases.seats))),
    };
    let scene = Scene { hall, view: *view, glyphs, colours: theme.colours, ratio, cursor };
    let Some(touched) = drawn.picture.draw(&scene) else { return };
    put(&canvases.seats, &drawn.picture, touched);

    let numbered = view.scale() >= NUMBERS_FROM_PX;
    let end = if numbered { f64::from(view.height) } else { front_ends(hall.front, view) };
    let words = Words { looks, front: hall.front, view: *view, ratio, end };
    if numbered || drawn.words.as_ref() != Some(&words) {
        let Some(context) = context(&canvases.words, width, height) else { return };
        let before = drawn.words.replace(words).map_or(0.0, |words| words.end);
        drop(context.set_transform(f64::from(ratio), 0.0, 0.0, f64::from(ratio), 0.0, 0.0));
        context.clear_rect(0.0, 0.0, f64::from(view.width), before.max(end));
        front(&context, hall.front, view, theme);
        if numbered {
            numbers(&context, hall, view, glyphs, theme);
        }
    }
}

/// Copies pixels of the picture to the canvas.
fn put(canvas: &HtmlCanvasElement, picture: &Picture, pixels: Pixels) {
    let (width, height) = picture.size();
    let (width, height) = (width as u32, height as u32);
    let Some(context) = context(canvas, width, height) else { return };
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(picture.bytes()), width, height);
    if let Ok(image) = image {
        let [left, top, right, bottom] = [pixels.left, pixels.top, pixels.right, pixels.bottom].map(|edge| edge as f64);
        let (wide, high) = (right - left, bottom - top);
        drop(context.put_image_data_with_dirty_x_and_dirty_y_and_dirty_width_and_dirty_height(
            &image, 0.0, 0.0, left, top, wide, high,
        ));
    }
}

/// The lowest CSS pixel that the front of the hall and its word may reach.
fn front_ends(front: Front, view: &View) -> f64 {
    let (Front::Arc { radius: y, .. } | Front::Line { y, .. }) = front;
    f64::from(view.to_surface(0.0, y).1) + f64::from(view.scale()) + WORD_PX_MAX
}

/// The drawing context of a canvas, which is given this size in pixels.
fn context(canvas: &HtmlCanvasElement, width: u32, height: u32) -> Option<CanvasRenderingContext2d> {
    if (canvas.width(), canvas.height()) != (width, height) {
        canvas.set_width(width);
        canvas.set_height(height);
    }
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

fn theme(canvas: &HtmlCanvasElement) -> Theme {
    let style = web_sys::window().and_then(|window| window.get_computed_style(canvas).ok().flatten());
    let text = |name: &str| {
        style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default().trim().to_owned()
    };
    let colour = |name: &str| parse(&text(name));
    Theme {
        colours: Colours {
            free: colour("--seat-free"),
            free_fill: colour("--seat-free-fill"),
            mine: colour("--seat-mine"),
            mine_glyph: colour("--seat-mine-glyph"),
            taken: colour("--seat-taken"),
            lost: colour("--seat-lost"),
            cursor: colour("--ink"),
        },
        ink: text("--ink-2"),
        stage: text("--poster-line"),
        glyph: text("--seat-mine-glyph"),
        font: text("font-family"),
    }
}

/// "#0b6353"
fn parse(text: &str) -> Colour {
    let channel =
        |from: usize| text.get(from..from + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(128);
    [channel(1), channel(3), channel(5)]
}

fn front(context: &CanvasRenderingContext2d, front: Front, view: &View, theme: &Theme) {
    let scale = f64::from(view.scale());
    context.set_stroke_style_str(&theme.stage);
    context.set_line_width(scale * 1.5);
    context.set_line_cap("butt");
    context.begin_path();
    let (x, y) = match front {
        Front::Arc { radius, half_angle } => {
            let (x, y) = view.to_surface(0.0, 0.0);
            let (down, half) = (std::f64::consts::FRAC_PI_2, f64::from(half_angle));
            drop(context.arc(f64::from(x), f64::from(y), f64::from(radius) * scale, down - half, down + half));
            view.to_surface(0.0, radius)
        }
        Front::Line { y, half_width } => {
            let (left, at) = view.to_surface(-half_width, y);
            let (right, _) = view.to_surface(half_width, y);
            context.move_to(f64::from(left), f64::from(at));
            context.line_to(f64::from(right), f64::from(at));
            view.to_surface(0.0, y)
        }
    };
    context.stroke();
    context.set_fill_style_str(&theme.ink);
    context.set_text_align("center");
    context.set_text_baseline("middle");
    context.set_font(&format!("600 {}px {}", (scale * 0.8).clamp(11.0, WORD_PX_MAX), theme.font));
    drop(context.fill_text("Stage", f64::from(x), f64::from(y)));
}

fn numbers(context: &CanvasRenderingContext2d, hall: &Hall, view: &View, glyphs: &[Glyph], theme: &Theme) {
    let scale = view.scale();
    context.set_font(&format!("600 {}px {}", (scale * 0.3).min(15.0), theme.font));
    for ((seat, place), glyph) in (1i32..).zip(&hall.places).zip(glyphs) {
        let (x, y) = view.to_surface(place.x, place.y);
        if x < -scale || y < -scale || x > view.width + scale || y > view.height + scale {
            continue;
        }
        let drop_by = match *glyph {
            Glyph::Free => {
                context.set_fill_style_str(&theme.ink);
                0.0
            }
            Glyph::Chosen if scale >= 26.0 => {
                context.set_fill_style_str(&theme.glyph);
                scale * 0.2
            }
            _ => continue,
        };
        drop(context.fill_text(&seat.to_string(), f64::from(x), f64::from(y + drop_by)));
    }
}
