//! The seat map: the canvas that a person uses (`canvas`), drawing on it (`draw`), its size and theme (`surface`), and
//! the legend of its shapes (`legend`). The crate `happening-halls` knows where seats are, which part of a hall a view
//! shows, and the seats' pixels.

#[cfg(feature = "bench")]
mod bench;
mod canvas;
mod draw;
mod legend;
mod surface;

pub(crate) use canvas::SeatCanvas;
pub(crate) use legend::legend;
