//! Handlers of `BookingChangeService`, one file each, and the tonic service that delegates to them.

mod accept_booking_change;
mod decline_booking_change;
mod list_booking_changes;
mod request_booking_change;
mod withdraw_booking_change;

use carshare_chassis::rpc;
use carshare_proto::booking::v1::booking_change_service_server::BookingChangeService;
use carshare_proto::booking::v1::*;
use carshare_store::Tx;
use tonic::Request;

use super::{Reply, Rpc, authorization, convert_change};
use crate::domain::{Booking, BookingChange as DomainChange, BookingId, ChangeId, Party, UserId};
use crate::error::Error;
use crate::store::booking_changes;

#[tonic::async_trait]
impl BookingChangeService for Rpc {
    async fn request_booking_change(
        &self,
        request: Request<RequestBookingChangeRequest>,
    ) -> Reply<BookingChange> {
        rpc::unary(&self.app, request, request_booking_change::handle).await
    }

    async fn accept_booking_change(
        &self,
        request: Request<AcceptBookingChangeRequest>,
    ) -> Reply<BookingChange> {
        rpc::unary(&self.app, request, accept_booking_change::handle).await
    }

    async fn decline_booking_change(
        &self,
        request: Request<DeclineBookingChangeRequest>,
    ) -> Reply<BookingChange> {
        rpc::unary(&self.app, request, decline_booking_change::handle).await
    }

    async fn withdraw_booking_change(
        &self,
        request: Request<WithdrawBookingChangeRequest>,
    ) -> Reply<BookingChange> {
        rpc::unary(&self.app, request, withdraw_booking_change::handle).await
    }

    async fn list_booking_changes(
        &self,
        request: Request<ListBookingChangesRequest>,
    ) -> Reply<ListBookingChangesResponse> {
        rpc::unary(&self.app, request, list_booking_changes::handle).await
    }
}

/// Locks a booking for one of its sides, and finds its change.
async fn lock(
    tx: &Tx,
    booking: BookingId,
    change: ChangeId,
    user: UserId,
) -> Result<(Booking, DomainChange, Party), Error> {
    let (booking, party) = authorization::lock(tx, booking, user).await?;
    let change = booking_changes::find_of(tx.conn(), booking.id, change).await?;
    Ok((booking, change.ok_or(Error::ChangeNotFound)?, party))
}
