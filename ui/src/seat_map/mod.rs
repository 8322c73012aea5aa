//! The seat map: the canvas that a person moves about in (`canvas`), what is put on it (`draw`), what for (`surface`), and what
//! its shapes mean (`legend`). Where seats are, what is shown of them, and their pixels are in the crate `happening-halls`.

#[cfg(feature = "bench")]
mod bench;
mod canvas;
mod draw;
mod legend;
mod surface;

pub(crate) use canvas::SeatCanvas;
pub(crate) use legend::legend;
