//! What screens are made of. Nothing in here calls the server.

mod dialog;
mod event_card;
mod icon;
mod leaf;
mod notices;
mod stepper;

pub(crate) use dialog::Dialog;
pub(crate) use event_card::EventCard;
pub(crate) use icon::Icon;
pub(crate) use leaf::Leaf;
pub(crate) use notices::{Banner, Empty, FailureNotice, Skeleton, Tone};
pub(crate) use stepper::Stepper;
