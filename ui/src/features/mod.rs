//! Pure state of what screens do: reducers without browser, tested on the host.

pub(crate) mod failure;
pub(crate) mod give_up;
pub(crate) mod selection;
