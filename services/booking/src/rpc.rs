//! RPC handlers, one file each, and the tonic service that delegates to them.

mod add_handover_note;
mod approve_booking;
pub(crate) mod authorization;
mod cancel_booking;
mod changes;
mod claims;
mod close_user;
mod complete_booking;
mod complete_photo_upload;
mod confirm_handover;
pub mod convert;
pub(crate) mod convert_change;
pub(crate) mod convert_claim;
mod convert_coupon;
pub(crate) mod convert_handover;
mod coupons;
mod create_booking;
mod create_photo_upload;
mod get_booking;
mod get_booking_timeline;
mod get_cancellation_policy;
mod get_handover;
mod handover_service;
mod list_bookings;
mod quote_booking;
mod quote_cancellation;
mod quote_token;
mod reject_booking;
mod rental_price;
mod report_handover;
mod response;
pub mod reviews;
mod set_cancellation_policy;
mod start_booking;
mod terms;
mod time_key;
mod upload_photo;

use carshare_chassis::rpc;
use carshare_proto::booking::v1::booking_service_server::BookingService;
use carshare_proto::booking::v1::*;
use tonic::{Request, Response, Status};

use crate::App;

/// Implements the tonic services: one delegating line per RPC.
#[derive(Clone)]
pub struct Rpc {
    pub app: App,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl BookingService for Rpc {
    async fn create_booking(&self, request: Request<CreateBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, create_booking::handle).await
    }

    async fn get_booking(&self, request: Request<GetBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, get_booking::handle).await
    }

    async fn get_booking_timeline(
        &self,
        request: Request<GetBookingTimelineRequest>,
    ) -> Reply<BookingTimeline> {
        rpc::unary(&self.app, request, get_booking_timeline::handle).await
    }

    async fn list_bookings(&self, request: Request<ListBookingsRequest>) -> Reply<ListBookingsResponse> {
        rpc::unary(&self.app, request, list_bookings::handle).await
    }

    async fn approve_booking(&self, request: Request<ApproveBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, approve_booking::handle).await
    }

    async fn reject_booking(&self, request: Request<RejectBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, reject_booking::handle).await
    }

    async fn cancel_booking(&self, request: Request<CancelBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, cancel_booking::handle).await
    }

    async fn start_booking(&self, request: Request<StartBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, start_booking::handle).await
    }

    async fn complete_booking(&self, request: Request<CompleteBookingRequest>) -> Reply<Booking> {
        rpc::unary(&self.app, request, complete_booking::handle).await
    }

    async fn close_user(&self, request: Request<CloseUserRequest>) -> Reply<CloseUserResponse> {
        rpc::unary(&self.app, request, close_user::handle).await
    }

    async fn quote_booking(&self, request: Request<QuoteBookingRequest>) -> Reply<BookingQuote> {
        rpc::unary(&self.app, request, quote_booking::handle).await
    }

    async fn quote_cancellation(
        &self,
        request: Request<QuoteCancellationRequest>,
    ) -> Reply<CancellationQuote> {
        rpc::unary(&self.app, request, quote_cancellation::handle).await
    }

    async fn get_cancellation_policy(
        &self,
        request: Request<GetCancellationPolicyRequest>,
    ) -> Reply<CancellationPolicy> {
        rpc::unary(&self.app, request, get_cancellation_policy::handle).await
    }

    async fn set_cancellation_policy(
        &self,
        request: Request<SetCancellationPolicyRequest>,
    ) -> Reply<CancellationPolicy> {
        rpc::unary(&self.app, request, set_cancellation_policy::handle).await
    }
}

/// Returns the word of the contract for a value of one of its enums, which the domain spells alike.
#[cfg(test)]
fn contract_word(name: &str, number: i32) -> String {
    let descriptor = carshare_proto::DESCRIPTOR_POOL
        .get_enum_by_name(&format!("carshare.booking.v1.{name}"))
        .expect("an enum of the contract");
    let value = descriptor.get_value(number).expect("a value of it");
    carshare_proto::enum_names::short_name(&descriptor, value.name())
}
