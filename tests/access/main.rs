//! Who may call what: every route with every kind of token, limits, and what an answer carries.

mod limits;
mod matrix;
mod organizations;
