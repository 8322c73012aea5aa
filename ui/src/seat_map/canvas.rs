//! The canvas that a person moves about in: pointer, wheel, keyboard.

use std::rc::Rc;

use web_sys::{HtmlCanvasElement, KeyboardEvent, PointerEvent, WheelEvent};
use yew::prelude::*;

use super::draw;
use super::hall::Hall;
use super::raster::Glyph;
use super::view::View;
use crate::components::Icon;
use crate::features::selection::{SeatState, Selection};

/// Pixels that the pointer may move within a click.
const CLICK_SLACK: f32 = 4.0;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) hall: Rc<Hall>,
    pub(crate) selection: UseReducerHandle<Selection>,
    pub(crate) on_toggle: Callback<i32>,
    pub(crate) on_best: Callback<()>,
}

#[derive(Clone, Copy, PartialEq)]
struct Drag {
    x: f32,
    y: f32,
    moved: bool,
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
    let canvas = use_node_ref();
    let view = use_state(|| None::<View>);
    let cursor = use_state(|| None::<i32>);
    let hovered = use_state(|| None::<i32>);
    let drag = use_mut_ref(|| None::<Drag>);
    let size = use_size(canvas.clone());

    {
        let (view, hall) = (view.clone(), props.hall.clone());
        use_effect_with((size, hall), move |((width, height), hall)| {
            if *width > 0.0 {
                view.set(Some(match *view {
                    Some(old) => old.resized(hall, *width, *height),
                    None => View::whole(hall, *width, *height),
                }));
            }
        });
    }
    {
        let (canvas, hall, selection) = (canvas.clone(), props.hall.clone(), props.selection.clone());
        use_effect_with((*view, (*selection).clone(), *cursor, hall), move |(view, selection, cursor, hall)| {
            if let (Some(element), Some(view)) = (canvas.cast::<HtmlCanvasElement>(), view) {
                draw::draw(&element, hall, view, &|seat| glyph(selection.state_of(seat)), *cursor);
            }
        });
    }

    let zoom = {
        let view = view.clone();
        move |factor: f32| {
            let view = view.clone();
            Callback::from(move |_: MouseEvent| {
                if let Some(now) = *view {
                    view.set(Some(now.zoomed(factor, now.width / 2.0, now.height / 2.0)));
                }
            })
        }
    };
    let fit = {
        let (view, hall) = (view.clone(), props.hall.clone());
        Callback::from(move |_: MouseEvent| view.set(view.map(|now| View::whole(&hall, now.width, now.height))))
    };
    let on_pointer_down = {
        let drag = drag.clone();
        Callback::from(move |event: PointerEvent| {
            let (x, y) = at(&event);
            *drag.borrow_mut() = Some(Drag { x, y, moved: false });
        })
    };
    let on_pointer_move = {
        let (drag, view, hovered, hall) = (drag.clone(), view.clone(), hovered.clone(), props.hall.clone());
        Callback::from(move |event: PointerEvent| {
            let (x, y) = at(&event);
            let Some(now) = *view else { return };
            let mut drag = drag.borrow_mut();
            match drag.as_mut() {
                Some(from) if from.moved || (x - from.x).hypot(y - from.y) > CLICK_SLACK => {
                    view.set(Some(now.moved(x - from.x, y - from.y)));
                    *from = Drag { x, y, moved: true };
                }
                _ => {
                    let seat = now.hit(&hall, x, y);
                    if *hovered != seat {
                        hovered.set(seat);
                    }
                }
            }
        })
    };
    let on_pointer_up = {
        let (drag, view, hall, on_toggle) = (drag, view.clone(), props.hall.clone(), props.on_toggle.clone());
        Callback::from(move |event: PointerEvent| {
            let clicked = drag.borrow_mut().take().is_some_and(|drag| !drag.moved);
            let (x, y) = at(&event);
            if clicked && let Some(seat) = view.and_then(|view| view.hit(&hall, x, y)) {
                on_toggle.emit(seat);
            }
        })
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
    let words = pointed.map(|seat| format!("Seat {seat}: {}", props.selection.state_of(seat).words()));
    let tip_lines = words.clone();
    let label = format!(
        "Seat map, {} seats. The same seats are in the list beside it.",
        crate::format::number(props.hall.places.len() as i64)
    );
    html! {
        <div class="hall">
            <canvas ref={canvas} class="hall-canvas" tabindex="0" role="application" aria-roledescription="seat map"
                aria-label={label} onpointerdown={on_pointer_down} onpointermove={on_pointer_move} onpointerup={on_pointer_up}
                onpointerleave={on_leave} onwheel={on_wheel} onkeydown={on_key} onblur={on_blur} />
            <div class="hall-zoom" role="group" aria-label="Zoom">
                <button class="button quiet square" aria-label="Zoom in" title="Zoom in (+)" onclick={zoom(1.5)}><Icon name="plus" /></button>
                <button class="button quiet square" aria-label="Zoom out" title="Zoom out (-)" onclick={zoom(1.0 / 1.5)}><Icon name="minus" /></button>
                <button class="button quiet square" aria-label="Show the whole hall" title="Show the whole hall (0)" onclick={fit}><Icon name="fit" /></button>
            </div>
            if let Some(words) = tip_lines {
                <p class="hall-tip">{ words }</p>
            }
            <p class="hall-note">{ "Schematic: the hall may look different" }</p>
            <p class="visually-hidden" aria-live="polite">{ cursor.and(words).unwrap_or_default() }</p>
        </div>
    }
}

fn at(event: &PointerEvent) -> (f32, f32) {
    (event.offset_x() as f32, event.offset_y() as f32)
}

fn key_handler(
    props: &Props,
    view: &UseStateHandle<Option<View>>,
    cursor: &UseStateHandle<Option<i32>>,
) -> Callback<KeyboardEvent> {
    let (view, cursor, hall) = (view.clone(), cursor.clone(), props.hall.clone());
    let (selection, on_toggle, on_best) = (props.selection.clone(), props.on_toggle.clone(), props.on_best.clone());
    Callback::from(move |event: KeyboardEvent| {
        let Some(now) = *view else { return };
        let middle = (now.width / 2.0, now.height / 2.0);
        let here = (*cursor).or_else(|| selection.chosen().first().copied()).unwrap_or(1);
        let total = hall.places.len() as i32;
        let next = match event.key().as_str() {
            "ArrowLeft" => Some((here - 1).max(1)),
            "ArrowRight" => Some((here + 1).min(total)),
            "ArrowUp" => hall.neighbour_row(here, true),
            "ArrowDown" => hall.neighbour_row(here, false),
            "Home" => Some(1),
            "End" => Some(total),
            " " | "Enter" => {
                on_toggle.emit(here);
                Some(here)
            }
            "b" | "B" => {
                on_best.emit(());
                None
            }
            "+" | "=" => {
                view.set(Some(now.zoomed(1.5, middle.0, middle.1)));
                None
            }
            "-" => {
                view.set(Some(now.zoomed(1.0 / 1.5, middle.0, middle.1)));
                None
            }
            "0" => {
                view.set(Some(View::whole(&hall, now.width, now.height)));
                None
            }
            _ => return,
        };
        event.prevent_default();
        if let Some(place) = next.and_then(|seat| hall.places.get(seat as usize - 1)) {
            cursor.set(next);
            view.set(Some(now.showing(place.x, place.y)));
        }
    })
}

/// Size of an element in CSS pixels, as it changes.
#[hook]
fn use_size(node: NodeRef) -> (f32, f32) {
    let size = use_state(|| (0.0, 0.0));
    {
        let size = size.clone();
        use_effect_with((), move |()| {
            let element = node.cast::<HtmlCanvasElement>();
            let measure = {
                let (element, size) = (element.clone(), size);
                move || {
                    if let Some(element) = &element {
                        size.set((element.client_width() as f32, element.client_height() as f32));
                    }
                }
            };
            measure();
            let on_resize = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(measure);
            let observer = web_sys::ResizeObserver::new(wasm_bindgen::JsCast::unchecked_ref(on_resize.as_ref())).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(on_resize);
            }
        });
    }
    *size
}
