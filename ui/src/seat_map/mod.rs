//! The seat map: where seats are (`hall`), what is shown of them (`view`), how they are drawn (`raster`, `draw`), and the
//! canvas that a person moves about in (`canvas`).

#[cfg(feature = "bench")]
mod bench;
mod canvas;
mod draw;

pub(crate) use canvas::SeatCanvas;
