//! Calls of the service, one function per RPC.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;
use tonic::{Request, Status};

use super::{Harness, Person, only, refused, stamp};

impl Harness {
    /// Creates a request of the user.
    pub fn by<M>(&self, person: Person, message: M) -> Request<M> {
        self.request(person, message)
    }

    /// Creates a pending booking from 09:00 to 13:00 on 1 December for 60,000 won.
    pub async fn pending(&self, guest: Person, car: &Vehicle) -> Booking {
        self.create(guest, input(car)).await.unwrap()
    }

    pub async fn create(&self, guest: Person, input: CreateBookingRequest) -> Result<Booking, Status> {
        only(self.client.clone().create_booking(self.by(guest, input)).await)
    }

    pub async fn approve(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let approval = ApproveBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        only(self.client.clone().approve_booking(self.by(host, approval)).await)
    }

    pub async fn reject(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let rejection = RejectBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        only(self.client.clone().reject_booking(self.by(host, rejection)).await)
    }

    pub async fn cancel(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let input = CancelBookingRequest {
            booking_id: booking_id.into(),
            message: None,
        };
        only(self.client.clone().cancel_booking(self.by(person, input)).await)
    }

    pub async fn begin(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let start = StartBookingRequest {
            booking_id: booking_id.into(),
        };
        only(self.client.clone().start_booking(self.by(person, start)).await)
    }

    pub async fn complete(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let completion = CompleteBookingRequest {
            booking_id: booking_id.into(),
        };
        only(
            self.client
                .clone()
                .complete_booking(self.by(person, completion))
                .await,
        )
    }

    pub async fn get(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let wanted = GetBookingRequest {
            booking_id: booking_id.into(),
        };
        only(self.client.clone().get_booking(self.by(person, wanted)).await)
    }

    /// Creates a booking that is approved and paid.
    pub async fn confirmed(&mut self, guest: Person, host: Person, car: &Vehicle) -> Booking {
        let booking = self.pending(guest, car).await;
        self.approve(host, &booking.id).await.unwrap();
        self.paid(&booking).await;
        self.get(guest, &booking.id).await.unwrap()
    }
}

/// Request for 09:00 to 13:00 on 1 December.
pub fn input(car: &Vehicle) -> CreateBookingRequest {
    CreateBookingRequest {
        vehicle_id: car.id.clone(),
        start_datetime: Some(stamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(stamp("2026-12-01T13:00:00Z")),
        guest_message: Some("잘 타겠습니다".into()),
    }
}

/// Asserts that the call was refused for the booking's state, and the two states that the error names.
#[track_caller]
pub fn wrong_state<T: std::fmt::Debug>(result: Result<T, Status>, from: &str, to: &str) {
    let error = refused(result, ErrorReason::WrongState);
    assert_eq!(
        (error.metadata()["from"].as_str(), error.metadata()["to"].as_str()),
        (from, to)
    );
}
