//! Halls: where the seats of an event are, which part a view shows, and how they are drawn into pixels. Nothing here
//! needs a browser, so all tests run on the host. It is a separate crate because its inner loops are compiled for
//! speed, and the screens for size.

mod hall;
mod near;
mod picture;
mod raster;
mod view;

pub use hall::{Front, Hall, Place};
pub use picture::{Picture, Scene};
pub use raster::{Colour, Colours, Glyph, Pixels};
pub use view::View;
