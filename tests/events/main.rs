//! Events: their life, who sees and may do what, lists and search, what staff can take with them.

mod life;
mod lists;
mod staff;
