//! Handlers of `ReviewService`, one file each, and the tonic service that delegates to them.

mod convert;
mod create_review;
mod list_booking_reviews;
mod list_reported_reviews;
mod list_user_reviews;
mod list_vehicle_reviews;
mod moderate_review;
mod page_key;
mod reply_to_review;
mod report_review;
mod response;

use carshare_chassis::rpc;
use carshare_proto::booking::v1::review_service_server::ReviewService;
use carshare_proto::booking::v1::*;
use carshare_store::Tx;
use tonic::Request;

use super::{Reply, Rpc};
use crate::domain::{Review as DomainReview, ReviewId, ReviewRefusal};
use crate::error::Error;
use crate::store::reviews;

pub use convert::author;

#[tonic::async_trait]
impl ReviewService for Rpc {
    async fn create_review(&self, request: Request<CreateReviewRequest>) -> Reply<Review> {
        rpc::unary(&self.app, request, create_review::handle).await
    }

    async fn list_booking_reviews(
        &self,
        request: Request<ListBookingReviewsRequest>,
    ) -> Reply<ListBookingReviewsResponse> {
        rpc::unary(&self.app, request, list_booking_reviews::handle).await
    }

    async fn list_vehicle_reviews(
        &self,
        request: Request<ListVehicleReviewsRequest>,
    ) -> Reply<ListVehicleReviewsResponse> {
        rpc::unary(&self.app, request, list_vehicle_reviews::handle).await
    }

    async fn list_user_reviews(
        &self,
        request: Request<ListUserReviewsRequest>,
    ) -> Reply<ListUserReviewsResponse> {
        rpc::unary(&self.app, request, list_user_reviews::handle).await
    }

    async fn reply_to_review(&self, request: Request<ReplyToReviewRequest>) -> Reply<Review> {
        rpc::unary(&self.app, request, reply_to_review::handle).await
    }

    async fn report_review(&self, request: Request<ReportReviewRequest>) -> Reply<ReviewReport> {
        rpc::unary(&self.app, request, report_review::handle).await
    }

    async fn list_reported_reviews(
        &self,
        request: Request<ListReportedReviewsRequest>,
    ) -> Reply<ListReportedReviewsResponse> {
        rpc::unary(&self.app, request, list_reported_reviews::handle).await
    }

    async fn moderate_review(&self, request: Request<ModerateReviewRequest>) -> Reply<ModeratedReview> {
        rpc::unary(&self.app, request, moderate_review::handle).await
    }
}

/// Locks a review until the transaction ends.
async fn lock(tx: &Tx, id: ReviewId) -> Result<DomainReview, Error> {
    let found = reviews::lock(tx.conn(), id).await?;
    Ok(found.ok_or(ReviewRefusal::NotFound)?)
}
