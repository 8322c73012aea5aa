//! The state of the screens as pure functions: reducers and sentences. They need no browser, so their tests run on the
//! host.

pub(crate) mod event_draft;
pub(crate) mod failure;
pub(crate) mod give_up;
pub(crate) mod holding;
pub(crate) mod selection;
pub(crate) mod waiting;
