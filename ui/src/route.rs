//! The addresses of the screens. An address alone is enough to come back to a screen.

use happening_api::{BookingId, EventId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use yew_router::prelude::*;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Routable)]
pub(crate) enum Route {
    #[at("/")]
    Home,
    #[at("/events")]
    Events,
    #[at("/events/:id")]
    Event { id: Uuid },
    /// The dialog for choosing seats, over the event.
    #[at("/events/:id/seats")]
    Seats { id: Uuid },
    #[at("/bookings")]
    Bookings,
    #[at("/bookings/:id")]
    Booking { id: Uuid },
    /// The dialog for giving back seats, over the booking.
    #[at("/bookings/:id/seats")]
    ManageSeats { id: Uuid },
    #[at("/organize")]
    Organize,
    #[at("/organize/new")]
    CreateEvent,
    #[at("/organize/:id")]
    Board { id: Uuid },
    #[at("/organize/:id/edit")]
    EditEvent { id: Uuid },
    #[at("/members")]
    Members,
    #[at("/notifications")]
    Notifications,
    #[at("/settings")]
    Settings,
    #[at("/about")]
    About,
    /// The invite whose link was opened.
    #[at("/invite")]
    Invite,
    #[not_found]
    #[at("/nothing")]
    Nothing,
}

/// The query of an address of [`Route::Seats`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SeatsWish {
    /// The number of seats wanted.
    pub(crate) seats: i32,
    /// Whether the dialog starts with the best seats together.
    pub(crate) together: bool,
}

impl Default for SeatsWish {
    fn default() -> Self {
        Self { seats: 2, together: false }
    }
}

/// The entries of the sidebar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    Events,
    Bookings,
    Organize,
    Members,
    Notifications,
    Settings,
}

impl Route {
    pub(crate) fn event(event: EventId) -> Self {
        Self::Event { id: event.0 }
    }

    pub(crate) fn seats(event: EventId) -> Self {
        Self::Seats { id: event.0 }
    }

    pub(crate) fn booking(booking: BookingId) -> Self {
        Self::Booking { id: booking.0 }
    }

    pub(crate) fn manage(booking: BookingId) -> Self {
        Self::ManageSeats { id: booking.0 }
    }

    pub(crate) fn board(event: EventId) -> Self {
        Self::Board { id: event.0 }
    }

    pub(crate) fn edit(event: EventId) -> Self {
        Self::EditEvent { id: event.0 }
    }

    /// The sidebar's entry for the screen.
    pub(crate) fn place(self) -> Option<Place> {
        Some(match self {
            Self::Home => Place::Home,
            Self::Events | Self::Event { .. } | Self::Seats { .. } => Place::Events,
            Self::Bookings | Self::Booking { .. } | Self::ManageSeats { .. } => Place::Bookings,
            Self::Organize | Self::CreateEvent | Self::Board { .. } | Self::EditEvent { .. } => Place::Organize,
            Self::Members => Place::Members,
            Self::Notifications => Place::Notifications,
            Self::Settings | Self::About => Place::Settings,
            Self::Invite | Self::Nothing => return None,
        })
    }
}
