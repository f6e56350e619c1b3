//! Calls of `ReviewService`, and bookings to review.

use carshare_proto::booking::v1::review_service_client::ReviewServiceClient;
use carshare_proto::booking::v1::*;
use tonic::Status;
use tonic::transport::Channel;

use super::{Harness, Person, at, input, into_message, timestamp};

impl Harness {
    pub fn reviews(&self) -> ReviewServiceClient<Channel> {
        ReviewServiceClient::new(self.channel())
    }

    /// Creates a booking that was completed on 1 December at 13:00.
    pub async fn completed(&mut self, guest: Person, host: Person) -> Booking {
        let car = self.car(host);
        let booking = self.confirmed(guest, host, &car).await;
        self.clock.set(at("2026-12-01T09:00:00Z"));
        self.start_booking(guest, &booking.id).await.unwrap();
        self.clock.set(at("2026-12-01T13:00:00Z"));
        self.complete(host, &booking.id).await.unwrap()
    }

    /// Creates a booking after that of [`Harness::completed`]: it was completed at 14:00.
    pub async fn completed_at_another_time(&mut self, guest: Person, host: Person) -> Booking {
        let later = CreateBookingRequest {
            start_datetime: Some(timestamp("2026-12-01T14:00:00Z")),
            end_datetime: Some(timestamp("2026-12-01T18:00:00Z")),
            ..input(&self.car(host))
        };
        let booking = self.create(guest, later).await.unwrap();
        self.approve(host, &booking.id).await.unwrap();
        self.capture(&booking).await;
        self.clock.set(at("2026-12-01T14:00:00Z"));
        self.start_booking(guest, &booking.id).await.unwrap();
        self.complete(host, &booking.id).await.unwrap()
    }

    pub async fn review(&self, person: Person, booking: &Booking, rating: i32) -> Result<Review, Status> {
        self.create_review(person, review_input(booking, rating)).await
    }

    pub async fn create_review(&self, person: Person, input: CreateReviewRequest) -> Result<Review, Status> {
        into_message(self.reviews().create_review(self.request(person, input)).await)
    }

    /// Reviews a booking as both sides: 4 stars by the guest, 5 by the host.
    pub async fn reviewed(&self, guest: Person, host: Person, booking: &Booking) -> (Review, Review) {
        let by_guest = self.review(guest, booking, 4).await.unwrap();
        let by_host = self.review(host, booking, 5).await.unwrap();
        (by_guest, by_host)
    }

    pub async fn booking_reviews(&self, person: Person, booking_id: &str) -> Result<Vec<Review>, Status> {
        let request = ListBookingReviewsRequest {
            booking_id: booking_id.into(),
        };
        let reply = self
            .reviews()
            .list_booking_reviews(self.request(person, request))
            .await;
        into_message(reply).map(|reply| reply.reviews)
    }

    /// Lists the first page of a car's reviews without an access token.
    pub async fn vehicle_reviews(&self, vehicle_id: &str) -> Vec<Review> {
        let request = ListVehicleReviewsRequest {
            vehicle_id: vehicle_id.into(),
            ..Default::default()
        };
        let reply = self.reviews().list_vehicle_reviews(request).await;
        into_message(reply).unwrap().reviews
    }

    pub async fn user_reviews(
        &self,
        caller: Person,
        user: Person,
        direction: ReviewDirection,
    ) -> Vec<Review> {
        let request = ListUserReviewsRequest {
            user_id: Some(user.id.to_string()),
            direction: direction.into(),
            ..Default::default()
        };
        let reply = self
            .reviews()
            .list_user_reviews(self.request(caller, request))
            .await;
        into_message(reply).unwrap().reviews
    }

    pub async fn reply(&self, person: Person, review_id: &str, reply: &str) -> Result<Review, Status> {
        let request = ReplyToReviewRequest {
            review_id: review_id.into(),
            reply: reply.into(),
        };
        into_message(
            self.reviews()
                .reply_to_review(self.request(person, request))
                .await,
        )
    }

    pub async fn report_review(
        &self,
        person: Person,
        review_id: &str,
        details: &str,
    ) -> Result<ReviewReport, Status> {
        let request = ReportReviewRequest {
            review_id: review_id.into(),
            reason: ReviewReportReason::PersonalData.into(),
            details: Some(details.into()),
        };
        into_message(self.reviews().report_review(self.request(person, request)).await)
    }

    pub async fn reported(&self, include_decided: bool) -> Vec<ModeratedReview> {
        let request = ListReportedReviewsRequest {
            include_decided,
            ..Default::default()
        };
        let request = self.request(self.person("admin"), request);
        into_message(self.reviews().list_reported_reviews(request).await)
            .unwrap()
            .reviews
    }

    pub async fn moderate(
        &self,
        admin: Person,
        review_id: &str,
        decision: ModerationDecision,
    ) -> Result<ModeratedReview, Status> {
        let request = ModerateReviewRequest {
            review_id: review_id.into(),
            decision: decision.into(),
            reason: "ticket 4711".into(),
        };
        into_message(self.reviews().moderate_review(self.request(admin, request)).await)
    }

    /// Waits until the service has published these events of a review, by name.
    pub async fn review_events(&self, review_id: &str, expected: &[&str]) {
        super::wait_until(|| async { self.event_names(review_id).await == expected }).await;
    }
}

pub fn review_input(booking: &Booking, rating: i32) -> CreateReviewRequest {
    CreateReviewRequest {
        booking_id: booking.id.clone(),
        rating,
        category_ratings: Some(CategoryRatings {
            cleanliness: Some(5),
            punctuality: None,
            manners: Some(3),
        }),
        comment: Some("차가 깨끗했어요.\n다음에도 이용할게요".into()),
        is_recommended: None,
    }
}

pub fn ids(reviews: &[Review]) -> Vec<&str> {
    reviews.iter().map(|review| review.id.as_str()).collect()
}
