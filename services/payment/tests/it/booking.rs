//! The simulated booking service: bookings and events.

use carshare_proto::booking::v1::{self as pb, BookingFacts};
use carshare_proto::events::EventMessage;

use crate::harness::{Harness, PRICE, Person};

/// A booking of the simulated service.
#[derive(Clone, Debug)]
pub struct Booking {
    pub id: String,
    pub guest: Person,
    pub host: Person,
    pub facts: BookingFacts,
}

impl Harness {
    /// Creates a booking of the guest with a new host.
    pub fn booking(&self, guest: Person) -> Booking {
        self.booking_of(guest, PRICE)
    }

    pub fn booking_of(&self, guest: Person, total_amount: i64) -> Booking {
        let (id, host) = (self.environment.ids.next().to_string(), self.person("host"));
        let facts = BookingFacts {
            booking_id: id.clone(),
            vehicle_id: self.environment.ids.next().to_string(),
            guest_id: guest.id.to_string(),
            host_id: host.id.to_string(),
            vehicle_title: "현대 아이오닉 5".to_owned(),
            total_amount,
            end_datetime: Some(carshare_chassis::proto_types::timestamp(
                self.clock.now() + chrono::TimeDelta::days(3),
            )),
            platform_fee: carshare_payment::domain::money::fee_of(total_amount),
            ..Default::default()
        };
        Booking {
            id,
            guest,
            host,
            facts,
        }
    }

    /// Creates an approved booking of the guest; its payment is due in two hours.
    pub async fn approved(&self, guest: Person) -> Booking {
        let booking = self.booking(guest);
        self.approve(&booking).await;
        booking
    }

    pub async fn approve(&self, booking: &Booking) {
        self.publish(self.approval(booking)).await;
    }

    pub fn approval(&self, booking: &Booking) -> pb::BookingApproved {
        let due_at = self.clock.now() + chrono::TimeDelta::hours(2);
        pb::BookingApproved {
            booking_id: booking.id.clone(),
            booking: Some(booking.facts.clone()),
            host_response: None,
            payment_due_at: Some(carshare_chassis::proto_types::timestamp(due_at)),
        }
    }

    /// Cancels the booking; `payment_status` is what booking knew of the payment.
    pub async fn cancel(&self, booking: &Booking, refund_amount: i64, payment_status: pb::PaymentStatus) {
        self.publish(booking.cancellation(refund_amount, payment_status))
            .await;
    }

    /// Publishes an event of booking and waits until it was handled.
    pub async fn publish<E: EventMessage>(&self, event: E) {
        self.send(event).await;
        self.handled().await;
    }

    /// Publishes an event of booking.
    pub async fn send<E: EventMessage>(&self, event: E) {
        self.service.publish("booking", event).await;
    }
}

impl Booking {
    pub fn cancellation(
        &self,
        refund_amount: i64,
        payment_status: pb::PaymentStatus,
    ) -> pb::BookingCancelled {
        pb::BookingCancelled {
            booking_id: self.id.clone(),
            booking: Some(self.facts.clone()),
            reason: pb::CancellationReason::Guest.into(),
            message: None,
            refund_amount,
            payment_status: payment_status.into(),
            charges: Vec::new(),
        }
    }
}
