//! Access: every route with every kind of token, limits, and the headers of answers.

mod limits;
mod matrix;
mod organizations;
