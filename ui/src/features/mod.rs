//! Pure state of what screens do: reducers and sentences without browser, tested on the host.

pub(crate) mod event_draft;
pub(crate) mod failure;
pub(crate) mod give_up;
pub(crate) mod holding;
pub(crate) mod selection;
pub(crate) mod waiting;
