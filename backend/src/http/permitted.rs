//! Access as a type: a handler that takes `EventFor<actions::Manage>` only runs after the check, and there is no other way from a
//! path to an event's row.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use happening_api::{BookingId, EventId, OrgId, Role};
use http::request::Parts;

use super::extract::{CurrentUser, PathId};
use super::server::Server;
use crate::access::{self, Access, BookingAction, EventAction, OrgAction};
use crate::app::App;
use crate::bookings::store::{BookingRow, OfCaller};
use crate::events::store as event_store;
use crate::organizations::store as org_store;
use crate::problem::Problem;

/// The actions for which extractors exist.
pub(crate) mod actions {
    use super::{BookingAction, EventAction, OrgAction};

    /// An action on an event.
    pub(crate) trait OnEvent: Send {
        const ACTION: EventAction;
    }
    /// An action on a booking.
    pub(crate) trait OnBooking: Send {
        const ACTION: BookingAction;
    }
    /// An action on an organization.
    pub(crate) trait OnOrganization: Send {
        const ACTION: OrgAction;
    }

    pub(crate) struct See;
    pub(crate) struct Manage;
    pub(crate) struct GiveUp;
    pub(crate) struct Claim;
    pub(crate) struct CreateEvent;
    pub(crate) struct Administer;

    impl OnEvent for See {
        const ACTION: EventAction = EventAction::See;
    }
    impl OnEvent for Manage {
        const ACTION: EventAction = EventAction::Manage;
    }
    impl OnBooking for See {
        const ACTION: BookingAction = BookingAction::See;
    }
    impl OnBooking for GiveUp {
        const ACTION: BookingAction = BookingAction::GiveUp;
    }
    impl OnBooking for Claim {
        const ACTION: BookingAction = BookingAction::Claim;
    }
    impl OnOrganization for See {
        const ACTION: OrgAction = OrgAction::See;
    }
    impl OnOrganization for Administer {
        const ACTION: OrgAction = OrgAction::Administer;
    }
    impl OnOrganization for CreateEvent {
        const ACTION: OrgAction = OrgAction::CreateEvent;
    }
}

fn require(access: Access) -> Result<(), Problem> {
    match access {
        Access::Allowed => Ok(()),
        Access::Forbidden => Err(Problem::forbidden()),
        Access::Hidden => Err(Problem::not_found()),
    }
}

/// The event in the path; the caller may do `A` with it.
pub(crate) struct EventFor<A> {
    pub(crate) caller: CurrentUser,
    pub(crate) event: EventId,
    pub(crate) org: OrgId,
    pub(crate) standing: access::EventStanding,
    action: PhantomData<A>,
}

impl<A: actions::OnEvent> FromRequestParts<Server> for EventFor<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let caller = CurrentUser::from_request_parts(parts, server).await?;
        let PathId(event) = PathId::<EventId>::from_request_parts(parts, server).await?;
        let mut conn = server.app.identity_conn().await?;
        let (org, standing) =
            event_store::standing(&mut conn, event, caller.id()).await?.ok_or_else(Problem::not_found)?;
        require(access::event(A::ACTION, standing))?;
        Ok(Self { caller, event, org, standing, action: PhantomData })
    }
}

/// The booking in the path; the caller may do `A` with it.
pub(crate) struct BookingFor<A> {
    pub(crate) caller: CurrentUser,
    pub(crate) booking: BookingRow,
    action: PhantomData<A>,
}

impl<A: actions::OnBooking> FromRequestParts<Server> for BookingFor<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let caller = CurrentUser::from_request_parts(parts, server).await?;
        let PathId(id) = PathId::<BookingId>::from_request_parts(parts, server).await?;
        let wanted = OfCaller { booking: id, caller: caller.id() };
        let (booking, staff) = server.app.bookings.find(wanted).await?.ok_or_else(Problem::not_found)?;
        require(access::booking(A::ACTION, booking.user_id == caller.id(), staff))?;
        Ok(Self { caller, booking, action: PhantomData })
    }
}

/// The organization in the path; the caller may do `A` in it.
pub(crate) struct MemberFor<A> {
    pub(crate) caller: CurrentUser,
    pub(crate) org: OrgId,
    pub(crate) role: Role,
    action: PhantomData<A>,
}

impl<A: actions::OnOrganization> MemberFor<A> {
    /// As the extractor, for an organization whose id is in the body.
    ///
    /// # Errors
    /// 404 or 403.
    pub(crate) async fn of(app: &App, caller: CurrentUser, org: OrgId) -> Result<Self, Problem> {
        let role = org_store::role(&mut *app.identity_conn().await?, org, caller.id()).await?;
        require(access::organization(A::ACTION, role))?;
        let role = role.ok_or_else(Problem::not_found)?;
        Ok(Self { caller, org, role, action: PhantomData })
    }
}

impl<A: actions::OnOrganization> FromRequestParts<Server> for MemberFor<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Problem> {
        let caller = CurrentUser::from_request_parts(parts, server).await?;
        let PathId(org) = PathId::<OrgId>::from_request_parts(parts, server).await?;
        Self::of(&server.app, caller, org).await
    }
}
