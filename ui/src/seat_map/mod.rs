//! The seat map: where seats are (`hall`), what is shown of them (`view`), how they are drawn (`raster`, `draw`), and the
//! canvas that a person moves about in (`canvas`).

#[cfg(feature = "bench")]
mod bench;
mod canvas;
mod draw;
pub(crate) mod hall;
mod raster;
mod view;

pub(crate) use canvas::SeatCanvas;
pub(crate) use hall::Hall;
