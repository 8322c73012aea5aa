//! The seat map: the canvas that a person moves about in (`canvas`), and what is put on it (`draw`). Where seats are, what is
//! shown of them, and their pixels are in the crate `happening-halls`.

#[cfg(feature = "bench")]
mod bench;
mod canvas;
mod draw;

pub(crate) use canvas::SeatCanvas;
