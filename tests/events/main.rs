//! Events: their lifecycle, lists and search, and what staff can see and export.

mod life;
mod lists;
mod staff;
