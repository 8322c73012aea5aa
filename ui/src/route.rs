//! Addresses of screens. An address is enough to come back to a screen.

use happening_api::{BookingId, EventId};
use uuid::Uuid;
use yew_router::prelude::*;

/// A screen.
#[derive(Clone, Copy, PartialEq, Routable)]
pub(crate) enum Route {
    #[at("/")]
    Home,
    /// Seat selection over the home screen.
    #[at("/events/:id/seats")]
    Seats { id: Uuid },
    /// Giving seats up, over the home screen.
    #[at("/bookings/:id/seats")]
    ManageSeats { id: Uuid },
    #[at("/notifications")]
    Notifications,
    #[not_found]
    #[at("/nothing")]
    Nothing,
}

impl Route {
    pub(crate) fn seats(event: EventId) -> Self {
        Self::Seats { id: event.0 }
    }

    pub(crate) fn manage(booking: BookingId) -> Self {
        Self::ManageSeats { id: booking.0 }
    }
}
