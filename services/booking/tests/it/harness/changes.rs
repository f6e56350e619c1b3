//! Calls of `BookingChangeService`, and the events of payment about their charges.

use carshare_proto::booking::v1::booking_change_service_client::BookingChangeServiceClient;
use carshare_proto::booking::v1::*;
use carshare_proto::payment::v1::{ChargeCompleted, ChargeFailed, ChargeRefunded, PaymentRefunded};
use carshare_proto::vehicle::v1::Vehicle;
use tonic::Status;
use tonic::transport::Channel;

use super::{Harness, Person, into_message, timestamp};

impl Harness {
    pub fn changes(&self) -> BookingChangeServiceClient<Channel> {
        BookingChangeServiceClient::new(self.channel())
    }

    pub async fn ask(
        &self,
        person: Person,
        input: RequestBookingChangeRequest,
    ) -> Result<BookingChange, Status> {
        let request = self.request(person, input);
        into_message(self.changes().request_booking_change(request).await)
    }

    pub async fn ask_end(
        &self,
        person: Person,
        booking: &Booking,
        end: &str,
    ) -> Result<BookingChange, Status> {
        self.ask(person, end_of(booking, end)).await
    }

    pub async fn ask_car(
        &self,
        person: Person,
        booking: &Booking,
        car: &Vehicle,
    ) -> Result<BookingChange, Status> {
        self.ask(person, car_of(booking, car)).await
    }

    pub async fn accept(&self, person: Person, change: &BookingChange) -> Result<BookingChange, Status> {
        let input = AcceptBookingChangeRequest {
            booking_id: change.booking_id.clone(),
            change_id: change.id.clone(),
            response: Some("네, 괜찮습니다".into()),
        };
        let request = self.request(person, input);
        into_message(self.changes().accept_booking_change(request).await)
    }

    pub async fn decline(&self, person: Person, change: &BookingChange) -> Result<BookingChange, Status> {
        let input = DeclineBookingChangeRequest {
            booking_id: change.booking_id.clone(),
            change_id: change.id.clone(),
            response: Some("다음 예약이 있어요".into()),
        };
        let request = self.request(person, input);
        into_message(self.changes().decline_booking_change(request).await)
    }

    pub async fn withdraw(&self, person: Person, change: &BookingChange) -> Result<BookingChange, Status> {
        let input = WithdrawBookingChangeRequest {
            booking_id: change.booking_id.clone(),
            change_id: change.id.clone(),
        };
        let request = self.request(person, input);
        into_message(self.changes().withdraw_booking_change(request).await)
    }

    pub async fn list_changes(&self, person: Person, booking_id: &str) -> Result<Vec<BookingChange>, Status> {
        let input = ListBookingChangesRequest {
            booking_id: booking_id.into(),
        };
        let reply = self
            .changes()
            .list_booking_changes(self.request(person, input))
            .await;
        into_message(reply).map(|reply| reply.changes)
    }

    /// Returns the only change of a booking.
    pub async fn change_of(&self, person: Person, booking: &Booking) -> BookingChange {
        let mut changes = self.list_changes(person, &booking.id).await.unwrap();
        assert_eq!(changes.len(), 1);
        changes.remove(0)
    }

    /// Changes the end of a booking: the guest asks, the host accepts, and a difference is captured.
    pub async fn changed(&mut self, guest: Person, host: Person, booking: &Booking, end: &str) -> Booking {
        let change = self.ask_end(guest, booking, end).await.unwrap();
        let accepted = self.accept(host, &change).await.unwrap();
        if accepted.status() == BookingChangeStatus::AwaitingPayment {
            self.capture_charge(&accepted).await;
        }
        self.get(guest, &booking.id).await.unwrap()
    }

    /// Publishes the capture of what a change costs, and waits until booking has handled it.
    pub async fn capture_charge(&mut self, change: &BookingChange) {
        let event = ChargeCompleted {
            booking_id: change.booking_id.clone(),
            charge_id: change.id.clone(),
            amount: change.amount_difference,
            paid_at: Some(timestamp("2026-11-22T12:00:00Z")),
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }

    pub async fn fail_charge(&mut self, change: &BookingChange) {
        let event = ChargeFailed {
            booking_id: change.booking_id.clone(),
            charge_id: change.id.clone(),
            failure_code: "REJECT_CARD_PAYMENT".into(),
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }

    /// Publishes the total refunded of what a change has cost.
    pub async fn refund_charge(&mut self, booking: &Booking, charge_id: &str, refunded_total: i64) {
        let event = ChargeRefunded {
            booking_id: booking.id.clone(),
            charge_id: charge_id.into(),
            refunded_total,
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }

    /// Publishes the total refunded of the first charge, of 60,000 won.
    pub async fn refund_first(&mut self, booking: &Booking, refunded_total: i64) {
        let event = PaymentRefunded {
            booking_id: booking.id.clone(),
            refunded_total,
            captured_amount: 60_000,
            ..Default::default()
        };
        let id = self.environment.ids.next();
        self.send("payment", id, &event).await;
        self.handled("payment").await;
    }

    /// Returns the entries of changes in the history of a booking: `change_requested by guest`.
    pub async fn change_history(&self, booking: &Booking) -> Vec<String> {
        let sql = format!(
            "SELECT reason || ' by ' || actor AS line FROM status_history WHERE booking_id = '{}' AND from_status = to_status \
             AND reason IS NOT NULL ORDER BY version",
            booking.id
        );
        self.lines(&sql).await
    }

    /// Asserts that every booking agrees with its changes.
    pub async fn assert_changes_agree(&self) {
        let wrong = "SELECT count(*) AS count FROM bookings WHERE booking_changes_agree(id) IS NOT TRUE";
        assert_eq!(self.count(wrong).await, 0);
    }
}

/// Request for another end.
pub fn end_of(booking: &Booking, end: &str) -> RequestBookingChangeRequest {
    RequestBookingChangeRequest {
        booking_id: booking.id.clone(),
        end_datetime: Some(timestamp(end)),
        vehicle_id: None,
        message: Some("조금 더 타고 싶어요".into()),
    }
}

/// Request for another car.
pub fn car_of(booking: &Booking, car: &Vehicle) -> RequestBookingChangeRequest {
    RequestBookingChangeRequest {
        booking_id: booking.id.clone(),
        end_datetime: None,
        vehicle_id: Some(car.id.clone()),
        message: None,
    }
}

pub fn refund(charge_id: &str, refund_amount: i64) -> ChargeRefund {
    ChargeRefund {
        charge_id: charge_id.into(),
        refund_amount,
    }
}
