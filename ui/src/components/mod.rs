//! The components of the screens. No component calls the server.

mod confirm;
mod countdown;
mod date_field;
mod dialog;
mod event_card;
mod field;
mod icon;
mod leaf;
mod notices;
mod page;
mod stepper;
mod toast;

pub(crate) use confirm::Confirm;
pub(crate) use countdown::Countdown;
pub(crate) use date_field::DateField;
pub(crate) use dialog::Dialog;
pub(crate) use event_card::{EventCard, bar, kind};
pub(crate) use field::{Field, value_of};
pub(crate) use icon::icon;
pub(crate) use leaf::Leaf;
pub(crate) use notices::{Banner, Empty, FailureNotice, OfflineBar, Tone, card_skeleton, row_skeleton, skeleton};
pub(crate) use page::{back, head, without_organizations};
pub(crate) use stepper::Stepper;
pub(crate) use toast::ToastIn;
