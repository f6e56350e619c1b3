//! Calls of the service, one function per RPC.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;
use carshare_service_testkit::with_metadata;
use futures::future::join_all;
use tonic::{Request, Status};

use super::{Client, Harness, Person, assert_reason, into_message, timestamp};

impl Harness {
    /// Creates a pending booking from 09:00 to 13:00 on 1 December for 60,000 won.
    pub async fn pending(&self, guest: Person, car: &Vehicle) -> Booking {
        self.create(guest, input(car)).await.unwrap()
    }

    pub async fn create(&self, guest: Person, input: CreateBookingRequest) -> Result<Booking, Status> {
        into_message(
            self.client
                .clone()
                .create_booking(self.request(guest, input))
                .await,
        )
    }

    /// Creates a booking as a guest whose e-mail address is not verified.
    pub async fn create_unverified(
        &self,
        guest: Person,
        input: CreateBookingRequest,
    ) -> Result<Booking, Status> {
        let request = self.unverified_request(guest, input);
        into_message(self.client.clone().create_booking(request).await)
    }

    /// Creates a request of a guest whose e-mail address is not verified.
    pub fn unverified_request<M>(&self, guest: Person, message: M) -> Request<M> {
        let mut claims = self.tokens.claims(guest.role, guest.id, self.clock.now());
        claims.email_verified = false;
        let token = self.tokens.sign(&claims).unwrap();
        with_metadata(Request::new(message), "authorization", &format!("Bearer {token}"))
    }

    /// Creates bookings at the same time, by turns on two replicas. Returns those accepted and the refusals.
    pub async fn create_on_two_replicas(
        &self,
        requests: Vec<Request<CreateBookingRequest>>,
    ) -> (Vec<Booking>, Vec<Status>) {
        let replica = self.start_instance().await;
        let clients = [self.client.clone(), Client::new(replica.channel())];
        let calls = requests.into_iter().enumerate().map(|(number, request)| {
            let mut client = clients[number % 2].clone();
            async move { into_message(client.create_booking(request).await) }
        });
        let replies: Vec<_> = join_all(calls).await;
        replica.stop().await;
        let (mut accepted, mut refusals) = (Vec::new(), Vec::new());
        for reply in replies {
            match reply {
                Ok(booking) => accepted.push(booking),
                Err(status) => refusals.push(status),
            }
        }
        (accepted, refusals)
    }

    pub async fn approve(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let approval = ApproveBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        into_message(
            self.client
                .clone()
                .approve_booking(self.request(host, approval))
                .await,
        )
    }

    pub async fn reject(&self, host: Person, booking_id: &str) -> Result<Booking, Status> {
        let rejection = RejectBookingRequest {
            booking_id: booking_id.into(),
            host_response: None,
        };
        into_message(
            self.client
                .clone()
                .reject_booking(self.request(host, rejection))
                .await,
        )
    }

    pub async fn cancel(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let input = CancelBookingRequest {
            booking_id: booking_id.into(),
            message: None,
            expected_refund_amount: None,
        };
        into_message(
            self.client
                .clone()
                .cancel_booking(self.request(person, input))
                .await,
        )
    }

    pub async fn start_booking(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let start = StartBookingRequest {
            booking_id: booking_id.into(),
        };
        into_message(
            self.client
                .clone()
                .start_booking(self.request(person, start))
                .await,
        )
    }

    pub async fn complete(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let completion = CompleteBookingRequest {
            booking_id: booking_id.into(),
        };
        into_message(
            self.client
                .clone()
                .complete_booking(self.request(person, completion))
                .await,
        )
    }

    pub async fn get(&self, person: Person, booking_id: &str) -> Result<Booking, Status> {
        let request = GetBookingRequest {
            booking_id: booking_id.into(),
        };
        into_message(
            self.client
                .clone()
                .get_booking(self.request(person, request))
                .await,
        )
    }

    /// Creates a booking that is approved and paid.
    pub async fn confirmed(&mut self, guest: Person, host: Person, car: &Vehicle) -> Booking {
        let booking = self.pending(guest, car).await;
        self.approve(host, &booking.id).await.unwrap();
        self.capture(&booking).await;
        self.get(guest, &booking.id).await.unwrap()
    }
}

/// Request for 09:00 to 13:00 on 1 December.
pub fn input(car: &Vehicle) -> CreateBookingRequest {
    CreateBookingRequest {
        vehicle_id: car.id.clone(),
        start_datetime: Some(timestamp("2026-12-01T09:00:00Z")),
        end_datetime: Some(timestamp("2026-12-01T13:00:00Z")),
        guest_message: Some("잘 타겠습니다".into()),
        quote_token: None,
        coupon_code: None,
    }
}

/// Asserts that an error has the reason `WRONG_STATE` and names these two states.
#[track_caller]
pub fn assert_wrong_state<T: std::fmt::Debug>(result: Result<T, Status>, from: &str, to: &str) {
    let error = assert_reason(result, ErrorReason::WrongState);
    assert_eq!(
        (error.metadata()["from"].as_str(), error.metadata()["to"].as_str()),
        (from, to)
    );
}
