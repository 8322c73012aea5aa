//! Halls: where the seats of an event are, what is shown of them, and how they are drawn into pixels. No browser here, so all of
//! it is tested on the host; a crate of its own, since the inner loops are built for speed and the screens for size.

mod hall;
mod near;
mod picture;
mod raster;
mod view;

pub use hall::{Front, Hall, Place};
pub use picture::{Picture, Scene};
pub use raster::{Colour, Colours, Glyph, Pixels};
pub use view::View;
