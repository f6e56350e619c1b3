//! Calls about quotes and cancellation policies.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Status;

use super::{Harness, Person, input, into_message, timestamp};

impl Harness {
    pub async fn quote(&self, guest: Person, request: QuoteBookingRequest) -> Result<BookingQuote, Status> {
        let request = self.request(guest, request);
        into_message(self.client.clone().quote_booking(request).await)
    }

    /// Creates the booking of [`input`] with a token.
    pub async fn create_quoted(&self, guest: Person, car: &Vehicle, token: &str) -> Result<Booking, Status> {
        let request = CreateBookingRequest {
            quote_token: Some(token.to_owned()),
            ..input(car)
        };
        self.create(guest, request).await
    }

    pub async fn quote_cancellation(
        &self,
        person: Person,
        booking_id: &str,
    ) -> Result<CancellationQuote, Status> {
        let request = QuoteCancellationRequest {
            booking_id: booking_id.to_owned(),
        };
        let request = self.request(person, request);
        into_message(self.client.clone().quote_cancellation(request).await)
    }

    /// Cancels if the refund is the expected one.
    pub async fn cancel_for(&self, person: Person, booking_id: &str, refund: i64) -> Result<Booking, Status> {
        let request = CancelBookingRequest {
            booking_id: booking_id.to_owned(),
            message: None,
            expected_refund_amount: Some(refund),
        };
        let request = self.request(person, request);
        into_message(self.client.clone().cancel_booking(request).await)
    }

    /// Sets a policy of steps of hours and percents.
    pub async fn set_policy(&self, host: Person, steps: &[(i32, i32)]) -> Result<CancellationPolicy, Status> {
        let steps = steps
            .iter()
            .map(|&(hours_before_start, refund_percent)| NewCancellationStep {
                hours_before_start,
                refund_percent,
            });
        let request = SetCancellationPolicyRequest {
            steps: steps.collect(),
        };
        let request = self.request(host, request);
        into_message(self.client.clone().set_cancellation_policy(request).await)
    }

    pub async fn policy(&self, host: Person) -> CancellationPolicy {
        let request = self.request(host, GetCancellationPolicyRequest {});
        into_message(self.client.clone().get_cancellation_policy(request).await).unwrap()
    }
}

/// Request for the car and period of [`input`].
pub fn quote_of(car: &Vehicle) -> QuoteBookingRequest {
    let CreateBookingRequest {
        vehicle_id,
        start_datetime,
        end_datetime,
        ..
    } = input(car);
    QuoteBookingRequest {
        vehicle_id,
        start_datetime,
        end_datetime,
        coupon_code: None,
    }
}

/// Version 2 of the platform's policy, with the times of its steps.
pub fn platform_policy(until: Option<[&str; 2]>) -> CancellationPolicy {
    let step = |index: usize, hours_before_start, refund_percent| CancellationStep {
        hours_before_start,
        refund_percent,
        until: until.map(|until| timestamp(until[index])),
    };
    CancellationPolicy {
        version: 2,
        is_host_policy: false,
        steps: vec![step(0, 24, 100), step(1, 0, 90)],
    }
}
