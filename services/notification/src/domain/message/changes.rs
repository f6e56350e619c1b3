//! Notifications about changes of bookings and their charges.

use carshare_chassis::proto_types;
use carshare_proto::booking::v1::{
    self as booking, BookingActor, BookingChange, BookingChangeFacts, BookingChangeKind as Kind,
    BookingChangeStatus as Status, BookingFacts,
};
use carshare_proto::payment::v1 as payment;

use super::{Message, Recipient, ToNotifications, guest, host, of_booking};
use crate::domain::time_format::{moment, won};

impl ToNotifications for booking::BookingChangeRequested {
    fn messages(&self) -> Vec<Message> {
        let change = change(self.change.as_ref());
        let until = proto_types::to_datetime(change.respond_by)
            .map(|at| format!(" {}까지 응답해 주세요.", moment(at)))
            .unwrap_or_default();
        let text = format!(
            "예약의 {} 요청이 도착했습니다.{until}",
            what(self.change.as_ref())
        );
        let title = "새로운 예약 변경 요청";
        let recipients = [other_side(&change)];
        of_change(self.booking.as_ref(), &change, &recipients, title, &text)
    }
}

/// The side that asked is notified: the other one has just accepted it.
impl ToNotifications for booking::BookingChangeAccepted {
    fn messages(&self) -> Vec<Message> {
        let change = change(self.change.as_ref());
        let cost = won(change.amount_difference);
        let text = format!("예약의 변경이 수락되었습니다. 추가 요금 {cost}이 결제되면 적용됩니다.");
        let title = "예약 변경이 수락되었습니다";
        of_change(
            self.booking.as_ref(),
            &change,
            &[requester(&change)],
            title,
            &text,
        )
    }
}

impl ToNotifications for booking::BookingChangeApplied {
    fn messages(&self) -> Vec<Message> {
        let change = change(self.change.as_ref());
        let text = format!("예약이 변경되었습니다: {}.", what(self.change.as_ref()));
        let title = "예약이 변경되었습니다";
        of_change(self.booking.as_ref(), &change, &[guest, host], title, &text)
    }
}

impl ToNotifications for booking::BookingChangeClosed {
    fn messages(&self) -> Vec<Message> {
        let change = change(self.change.as_ref());
        let both: &[Recipient] = &[guest, host];
        let (recipients, why) = match change.status() {
            Status::Declined => (&[requester(&change)][..], "상대방이 거절하여"),
            Status::Withdrawn => (&[other_side(&change)][..], "요청이 철회되어"),
            Status::Expired => (both, "응답 기한이 지나"),
            Status::PaymentFailed => (both, "추가 요금이 결제되지 않아"),
            // The end of the booking, or the loss of its car, has notifications of its own.
            Status::Cancelled
            | Status::Unspecified
            | Status::Requested
            | Status::AwaitingPayment
            | Status::Applied => return Vec::new(),
        };
        let text = format!("예약의 변경이 {why} 취소되었습니다. 예약은 그대로 유지됩니다.");
        let title = "예약 변경이 취소되었습니다";
        of_change(self.booking.as_ref(), &change, recipients, title, &text)
    }
}

impl ToNotifications for payment::ChargeCompleted {
    fn messages(&self) -> Vec<Message> {
        let body = format!("추가 요금 {}이 결제되었습니다.", won(self.amount));
        let message = Message::new(&self.guest_id, "결제가 완료되었습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

impl ToNotifications for payment::ChargeFailed {
    fn messages(&self) -> Vec<Message> {
        let body = "추가 요금을 결제할 수 없었습니다. 결제 수단을 확인해 주세요.".to_owned();
        let message = Message::new(&self.guest_id, "결제에 실패했습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

impl ToNotifications for payment::ChargeRefunded {
    fn messages(&self) -> Vec<Message> {
        let body = format!("추가 요금 {}이 환불되었습니다.", won(self.refunded_amount));
        let message = Message::new(&self.guest_id, "환불이 완료되었습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

fn requester(change: &BookingChange) -> Recipient {
    match change.requested_by() {
        BookingActor::Host => host,
        _ => guest,
    }
}

fn other_side(change: &BookingChange) -> Recipient {
    match change.requested_by() {
        BookingActor::Host => guest,
        _ => host,
    }
}

fn change(facts: Option<&BookingChangeFacts>) -> BookingChange {
    facts.and_then(|facts| facts.change.clone()).unwrap_or_default()
}

/// Returns `11월 23일 16:00까지 연장 (추가 요금 24,000원)`.
fn what(facts: Option<&BookingChangeFacts>) -> String {
    let change = change(facts);
    let end = proto_types::to_datetime(change.end_datetime)
        .map(moment)
        .unwrap_or_default();
    let what = match change.kind() {
        Kind::Extension => format!("{end}까지 연장"),
        Kind::Shortening => format!("{end}까지 단축"),
        Kind::VehicleSwap => {
            let title = facts
                .map(|facts| facts.vehicle_title.as_str())
                .unwrap_or_default();
            format!("{title} 차량으로 변경")
        }
        Kind::Unspecified => "변경".to_owned(),
    };
    match change.amount_difference {
        0 => what,
        more @ 1.. => format!("{what} (추가 요금 {})", won(more)),
        less => format!("{what} (환불 {})", won(-less)),
    }
}

fn of_change(
    facts: Option<&BookingFacts>,
    change: &BookingChange,
    recipients: &[Recipient],
    title: &str,
    text: &str,
) -> Vec<Message> {
    let messages = of_booking(facts, recipients, title, text);
    messages
        .into_iter()
        .map(|message| message.with("change_id", &change.id))
        .collect()
}

#[cfg(test)]
mod tests;
