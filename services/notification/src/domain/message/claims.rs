//! Notifications about claims after rentals.

use carshare_chassis::proto_types;
use carshare_proto::booking::v1::{
    self as booking, BookingClaim, BookingClaimFacts, BookingClaimKind as Kind, BookingClaimStatus as Status,
    BookingFacts,
};

use super::{Message, Recipient, ToNotifications, guest, host, of_booking};
use crate::domain::time_format::{moment, won};

/// The host is notified of a claim that the system has filed, too.
impl ToNotifications for booking::BookingClaimFiled {
    fn messages(&self) -> Vec<Message> {
        let claim = claim(self.claim.as_ref());
        let until = proto_types::to_datetime(claim.object_by)
            .map(|at| format!(" {}까지 이의를 제기하지 않으면 확정됩니다.", moment(at)))
            .unwrap_or_default();
        let recipients: &[Recipient] = match claim.returned_at {
            Some(_) => &[guest, host],
            None => &[guest],
        };
        let (what, amount) = (what(&claim), won(claim.claimed_amount));
        let text = format!("예약에 {what} {amount}이 청구되었습니다.{until}");
        of_claim(
            self.booking.as_ref(),
            &claim,
            recipients,
            "추가 비용이 청구되었습니다",
            &text,
        )
    }
}

impl ToNotifications for booking::BookingClaimObjected {
    fn messages(&self) -> Vec<Message> {
        let claim = claim(self.claim.as_ref());
        let text = format!(
            "예약의 {} 청구에 게스트가 이의를 제기했습니다. 운영자가 검토합니다.",
            what(&claim)
        );
        of_claim(
            self.booking.as_ref(),
            &claim,
            &[host],
            "청구에 이의가 제기되었습니다",
            &text,
        )
    }
}

impl ToNotifications for booking::BookingClaimApproved {
    fn messages(&self) -> Vec<Message> {
        let claim = claim(self.claim.as_ref());
        let amount = won(claim.approved_amount.unwrap_or_default());
        let text = format!(
            "예약의 {} {amount}이 확정되어 게스트에게 결제됩니다.",
            what(&claim)
        );
        of_claim(
            self.booking.as_ref(),
            &claim,
            &[guest, host],
            "청구가 확정되었습니다",
            &text,
        )
    }
}

/// The guest is notified of the charge.
impl ToNotifications for booking::BookingClaimPaid {
    fn messages(&self) -> Vec<Message> {
        let claim = claim(self.claim.as_ref());
        let amount = won(claim.approved_amount.unwrap_or_default());
        let text = format!("예약의 {} {amount}이 결제되었습니다.", what(&claim));
        of_claim(
            self.booking.as_ref(),
            &claim,
            &[host],
            "청구 금액이 결제되었습니다",
            &text,
        )
    }
}

impl ToNotifications for booking::BookingClaimClosed {
    fn messages(&self) -> Vec<Message> {
        let claim = claim(self.claim.as_ref());
        let both: &[Recipient] = &[guest, host];
        let (recipients, why) = match claim.status() {
            Status::Withdrawn => (&[guest as Recipient][..], "호스트가 철회하여 취소되었습니다"),
            Status::Rejected => (both, "검토 결과 인정되지 않았습니다"),
            Status::PaymentFailed => (both, "결제되지 않았습니다"),
            Status::Unspecified
            | Status::Open
            | Status::Objected
            | Status::AwaitingPayment
            | Status::Paid => {
                return Vec::new();
            }
        };
        let text = format!("예약의 {} 청구가 {why}.", what(&claim));
        of_claim(
            self.booking.as_ref(),
            &claim,
            recipients,
            "청구가 종료되었습니다",
            &text,
        )
    }
}

fn claim(facts: Option<&BookingClaimFacts>) -> BookingClaim {
    facts.and_then(|facts| facts.claim.clone()).unwrap_or_default()
}

fn what(claim: &BookingClaim) -> &'static str {
    match claim.kind() {
        Kind::Damage => "차량 손상 비용",
        Kind::LateReturn => "반납 지연 요금",
        Kind::Unspecified => "추가 비용",
    }
}

fn of_claim(
    facts: Option<&BookingFacts>,
    claim: &BookingClaim,
    recipients: &[Recipient],
    title: &str,
    text: &str,
) -> Vec<Message> {
    let messages = of_booking(facts, recipients, title, text);
    messages
        .into_iter()
        .map(|message| message.with("claim_id", &claim.id))
        .collect()
}

#[cfg(test)]
mod tests;
