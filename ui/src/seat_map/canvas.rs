//! The map's canvas, which a person uses by pointer, wheel and keyboard.

use std::rc::Rc;

use happening_halls::{Glyph, Hall, View};
use web_sys::{HtmlCanvasElement, KeyboardEvent, PointerEvent, WheelEvent};
use yew::prelude::*;

use super::draw::{self, Canvases, Shown};
use super::surface::{use_appearance_version, use_size};
use crate::components::icon;
use crate::features::selection::SeatState;

/// Pixels that the pointer may move during a click; a longer movement is a drag.
const CLICK_SLACK: f32 = 4.0;
/// Rows that Page Up and Page Down jump over.
const PAGE_ROWS: usize = 10;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) hall: Rc<Hall>,
    /// Seat n is `states[n - 1]`.
    pub(crate) states: Rc<Vec<SeatState>>,
    /// The seat at which the keyboard's cursor starts.
    pub(crate) start: i32,
    pub(crate) on_toggle: Callback<i32>,
    /// Called with the seats of a range or a rectangle.
    pub(crate) on_add: Callback<Vec<i32>>,
    pub(crate) on_best: Callback<()>,
}

/// A movement of the pointer while its button is down.
#[derive(Clone, Copy, PartialEq)]
struct Drag {
    from: (f32, f32),
    to: (f32, f32),
    moved: bool,
    /// Shift was held: the drag selects a rectangle of seats instead of moving the hall.
    takes: bool,
}

fn glyph(state: SeatState) -> Glyph {
    match state {
        SeatState::Free => Glyph::Free,
        SeatState::Chosen => Glyph::Chosen,
        SeatState::Own => Glyph::Own,
        SeatState::Taken => Glyph::Taken,
        SeatState::Lost => Glyph::Lost,
    }
}

/// The map. The same seats are in the list beside it.
#[component]
pub(crate) fn SeatCanvas(props: &Props) -> Html {
    let (canvas, words_canvas) = (use_node_ref(), use_node_ref());
    let view = use_state(|| None::<View>);
    let cursor = use_state(|| None::<i32>);
    let hovered = use_state(|| None::<i32>);
    let last = use_mut_ref(|| None::<i32>);
    let drag = use_state(|| None::<Drag>);
    let size = use_size(canvas.clone());
    let looks = use_appearance_version();
    use_whole_view(&view, size, &props.hall);
    use_drawing([&canvas, &words_canvas], &view, props, *cursor, looks);

    let zoom = |factor: f32| {
        let view = view.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(now) = *view {
                view.set(Some(now.zoomed(factor, now.width / 2.0, now.height / 2.0)));
            }
        })
    };
    let fit = {
        let (view, hall) = (view.clone(), props.hall.clone());
        Callback::from(move |_: MouseEvent| view.set(view.map(|now| View::whole(&hall, now.width, now.height))))
    };
    let on_pointer_down = {
        let (drag, canvas) = (drag.clone(), canvas.clone());
        Callback::from(move |event: PointerEvent| {
            if event.button() != 0 {
                return; // other buttons open menus
            }
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                drop(canvas.set_pointer_capture(event.pointer_id())); // so that a drag may leave the canvas
            }
            drag.set(Some(Drag { from: at(&event), to: at(&event), moved: false, takes: event.shift_key() }));
        })
    };
    let on_pointer_move = {
        let (drag, view, hovered, hall) = (drag.clone(), view.clone(), hovered.clone(), props.hall.clone());
        Callback::from(move |event: PointerEvent| {
            let (x, y) = at(&event);
            let Some(now) = *view else { return };
            match *drag {
                Some(old) if old.moved || (x - old.from.0).hypot(y - old.from.1) > CLICK_SLACK => {
                    if !old.takes {
                        view.set(Some(now.moved(x - old.to.0, y - old.to.1)));
                    }
                    drag.set(Some(Drag { to: (x, y), moved: true, ..old }));
                }
                Some(_) => {}
                None => {
                    let seat = now.hit(&hall, x, y);
                    if *hovered != seat {
                        hovered.set(seat);
                    }
                }
            }
        })
    };
    let on_pointer_up = {
        let (drag, view, hall, last) = (drag.clone(), view.clone(), props.hall.clone(), last);
        let (on_toggle, on_add) = (props.on_toggle.clone(), props.on_add.clone());
        Callback::from(move |event: PointerEvent| {
            let (Some(done), Some(view)) = (*drag, *view) else { return };
            drag.set(None);
            if done.moved && done.takes {
                on_add.emit(view.inside(&hall, done.from, at(&event)));
            }
            let (x, y) = at(&event);
            let Some(seat) = view.hit(&hall, x, y).filter(|_| !done.moved) else { return };
            let before = last.borrow_mut().replace(seat);
            match before.filter(|_| done.takes) {
                Some(before) if before < seat => on_add.emit((before..=seat).collect()),
                Some(before) => on_add.emit((seat..=before).rev().collect()),
                None => on_toggle.emit(seat),
            }
        })
    };
    let on_pointer_cancel = {
        let drag = drag.clone();
        Callback::from(move |_: PointerEvent| drag.set(None))
    };
    let on_leave = {
        let hovered = hovered.clone();
        Callback::from(move |_: PointerEvent| hovered.set(None))
    };
    let on_wheel = {
        let view = view.clone();
        Callback::from(move |event: WheelEvent| {
            event.prevent_default();
            if let Some(now) = *view {
                let factor = (-event.delta_y() as f32 / 400.0).exp();
                view.set(Some(now.zoomed(factor, event.offset_x() as f32, event.offset_y() as f32)));
            }
        })
    };
    let on_key = key_handler(props, &view, &cursor);
    let on_blur = {
        let cursor = cursor.clone();
        Callback::from(move |_: FocusEvent| cursor.set(None))
    };

    let pointed = (*cursor).or(*hovered);
    let state = |seat: i32| props.states.get(seat as usize - 1).copied().unwrap_or(SeatState::Taken);
    let words = pointed.map(|seat| format!("Seat {}: {}", crate::format::number(i64::from(seat)), state(seat).words()));
    let label = format!("Seat map, {} seats.", crate::format::number(props.hall.places.len() as i64));
    // always a node, so that the number of children stays the same: otherwise Yew would recreate the canvases, which
    // would end the drag
    let rectangle = match *drag {
        Some(drag) if drag.moved && drag.takes => rectangle(drag.from, drag.to),
        _ => Html::default(),
    };
    html! {
        <div class="hall">
            <canvas ref={canvas} class="hall-canvas" tabindex="0" role="application" aria-roledescription="seat map"
                aria-label={label} onpointerdown={on_pointer_down} onpointermove={on_pointer_move} onpointerup={on_pointer_up} onpointercancel={on_pointer_cancel}
                onpointerleave={on_leave} onwheel={on_wheel} onkeydown={on_key} onblur={on_blur} />
            <canvas ref={words_canvas} class="hall-words" aria-hidden="true" />
            { rectangle }
            <div class="hall-zoom" role="group" aria-label="Zoom">
                <button class="button quiet square" aria-label="Zoom in" title="Zoom in (+)" onclick={zoom(1.5)}>{ icon("plus") }</button>
                <button class="button quiet square" aria-label="Zoom out" title="Zoom out (-)" onclick={zoom(1.0 / 1.5)}>{ icon("minus") }</button>
                <button class="button quiet square" aria-label="Show the whole hall" title="Show the whole hall (0)" onclick={fit}>{ icon("fit") }</button>
            </div>
            if let Some(words) = words.clone() {
                <p class="hall-tip" aria-hidden="true">{ words }</p>
            }
            <p class="hall-note">{ "Schematic: the hall may look different" }</p>
            <p class="visually-hidden" aria-live="polite">{ cursor.and(words).unwrap_or_default() }</p>
        </div>
    }
}

/// The rectangle of a drag with Shift, shown over the canvas.
fn rectangle(from: (f32, f32), to: (f32, f32)) -> Html {
    let (left, top) = (from.0.min(to.0), from.1.min(to.1));
    let (width, height) = ((from.0 - to.0).abs(), (from.1 - to.1).abs());
    html! {
        <svg class="hall-rectangle" aria-hidden="true">
            <rect x={left.to_string()} y={top.to_string()} width={width.to_string()} height={height.to_string()} />
        </svg>
    }
}

fn at(event: &PointerEvent) -> (f32, f32) {
    (event.offset_x() as f32, event.offset_y() as f32)
}

/// Shows the whole hall at first, and the same part of it after the surface's size has changed.
#[hook]
fn use_whole_view(view: &UseStateHandle<Option<View>>, size: (f32, f32), hall: &Rc<Hall>) {
    let (view, hall) = (view.clone(), hall.clone());
    use_effect_with((size, hall), move |((width, height), hall)| {
        if *width > 0.0 {
            view.set(Some(match *view {
                Some(old) => old.resized(hall, *width, *height),
                None => View::whole(hall, *width, *height),
            }));
        }
    });
}

#[hook]
fn use_drawing(
    canvases: [&NodeRef; 2],
    view: &UseStateHandle<Option<View>>,
    props: &Props,
    cursor: Option<i32>,
    looks: u32,
) {
    let kept = use_mut_ref(draw::Drawn::default);
    let glyphs = use_memo(props.states.clone(), |states| states.iter().copied().map(glyph).collect::<Vec<Glyph>>());
    let ([seats, words], hall) = (canvases.map(NodeRef::clone), props.hall.clone());
    let drawn = (**view, props.states.clone(), cursor, hall, looks);
    use_effect_with(drawn, move |(view, _, cursor, hall, looks)| {
        if let (Some(seats), Some(words), Some(view)) = (seats.cast(), words.cast(), view) {
            let shown = Shown { hall, view, glyphs: &glyphs, cursor: *cursor, looks: *looks };
            draw::draw(&Canvases { seats, words }, &mut kept.borrow_mut(), shown);
        }
    });
}

fn key_handler(
    props: &Props,
    view: &UseStateHandle<Option<View>>,
    cursor: &UseStateHandle<Option<i32>>,
) -> Callback<KeyboardEvent> {
    let (view, cursor, hall, start) = (view.clone(), cursor.clone(), props.hall.clone(), props.start);
    let (on_toggle, on_best) = (props.on_toggle.clone(), props.on_best.clone());
    Callback::from(move |event: KeyboardEvent| {
        let Some(now) = *view else { return };
        let key = event.key();
        let middle = (now.width / 2.0, now.height / 2.0);
        let looked = match key.as_str() {
            "+" | "=" => Some(now.zoomed(1.5, middle.0, middle.1)),
            "-" => Some(now.zoomed(1.0 / 1.5, middle.0, middle.1)),
            "0" => Some(View::whole(&hall, now.width, now.height)),
            _ => None,
        };
        let here = (*cursor).unwrap_or(start);
        let next = match key.as_str() {
            " " | "Enter" => {
                on_toggle.emit(here);
                Some(here)
            }
            "b" | "B" if !event.ctrl_key() && !event.meta_key() => {
                on_best.emit(());
                None
            }
            _ if looked.is_some() => None,
            other => match moved(&hall, here, other, event.ctrl_key()) {
                Some(next) => Some(next),
                None => return,
            },
        };
        event.prevent_default();
        if let Some(looked) = looked {
            view.set(Some(looked));
        }
        if let Some(place) = next.and_then(|seat| hall.places.get(seat as usize - 1)) {
            cursor.set(next);
            view.set(Some(now.showing(place.x, place.y)));
        }
    })
}

/// The seat to which a key moves the cursor; `None` for other keys.
fn moved(hall: &Hall, here: i32, key: &str, far: bool) -> Option<i32> {
    let total = hall.places.len() as i32;
    let row = hall.row_of(here);
    let rows = |count: usize, forward: bool| {
        let step = |seat: i32| hall.neighbour_row(seat, forward);
        (0..count).fold(here, |seat, _| step(seat).unwrap_or(seat))
    };
    Some(match key {
        "ArrowLeft" => (here - 1).max(1),
        "ArrowRight" => (here + 1).min(total),
        "ArrowUp" => rows(1, true),
        "ArrowDown" => rows(1, false),
        "PageUp" => rows(PAGE_ROWS, true),
        "PageDown" => rows(PAGE_ROWS, false),
        "Home" if far => 1,
        "End" if far => total,
        "Home" => row?.0,
        "End" => row?.1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use happening_api::Category;

    use super::*;

    #[test]
    fn keys_move_along_rows_and_stay_inside() {
        let hall = Hall::new(Some(Category::Concert), 200);
        assert_eq!(moved(&hall, 1, "ArrowLeft", false), Some(1));
        assert_eq!(moved(&hall, 200, "ArrowRight", false), Some(200));
        assert_eq!((moved(&hall, 12, "Home", false), moved(&hall, 12, "End", false)), (Some(9), Some(18)));
        assert_eq!((moved(&hall, 12, "Home", true), moved(&hall, 12, "End", true)), (Some(1), Some(200)));
        for key in ["ArrowUp", "ArrowDown", "PageUp", "PageDown"] {
            for seat in 1..=200 {
                let next = moved(&hall, seat, key, false).expect("a seat");
                assert!((1..=200).contains(&next), "{key} from {seat} leads to {next}");
            }
        }
        assert_eq!(moved(&hall, 1, "x", false), None);
    }
}
