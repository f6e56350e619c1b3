//! Maps each event to the notifications it causes. An event without recipients maps to an empty list.

mod changes;
mod claims;
mod payments;
mod settlements;

use std::collections::BTreeMap;

use carshare_chassis::proto_types;
use carshare_proto::auth::v1 as auth;
use carshare_proto::booking::v1::{self as booking, BookingFacts, ReviewFacts};
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1 as vehicle;

use super::time_format::{moment, period, won};

/// A notification for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// UUID of the recipient, as in the event.
    pub user_id: String,
    pub title: String,
    pub body: String,
    /// Ids for the screen that the app opens.
    pub data: BTreeMap<String, String>,
}

/// An event that may cause notifications.
pub trait ToNotifications {
    /// Returns the notifications, in the order in which they are written. Default: none.
    fn messages(&self) -> Vec<Message> {
        Vec::new()
    }
}

/// A side of a booking.
type Recipient = fn(&BookingFacts) -> &str;

impl Message {
    fn new(user_id: &str, title: &str, body: String) -> Self {
        Self {
            user_id: user_id.to_owned(),
            title: title.to_owned(),
            body,
            data: BTreeMap::new(),
        }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.data.insert(key.to_owned(), value.to_owned());
        self
    }

    fn of_payment(self, booking_id: &str, payment_id: &str) -> Self {
        self.with("booking_id", booking_id).with("payment_id", payment_id)
    }
}

impl ToNotifications for auth::UserRegistered {
    fn messages(&self) -> Vec<Message> {
        let profile = self.profile.clone().unwrap_or_default();
        let next = match profile.role() {
            Role::Host => "차량을 등록하고 대여를 시작해 보세요.",
            _ => "가까운 차량을 찾아 시간 단위로 이용해 보세요.",
        };
        vec![Message::new(
            &self.user_id,
            "가입을 환영합니다",
            format!("{}님, 반갑습니다. {next}", profile.name),
        )]
    }
}

impl ToNotifications for auth::UserUpdated {}

impl ToNotifications for vehicle::VehicleRegistered {
    fn messages(&self) -> Vec<Message> {
        let body = format!(
            "{} ({}) 차량이 등록되었습니다. 사진을 올리면 바로 공개됩니다.",
            self.title, self.license_plate
        );
        vec![Message::new(&self.owner_id, "차량이 등록되었습니다", body).with("vehicle_id", &self.vehicle_id)]
    }
}

impl ToNotifications for vehicle::VehicleActivated {
    fn messages(&self) -> Vec<Message> {
        let body = format!("{} 차량이 공개되어 예약을 받을 수 있습니다.", self.title);
        vec![Message::new(&self.owner_id, "차량이 공개되었습니다", body).with("vehicle_id", &self.vehicle_id)]
    }
}

impl ToNotifications for vehicle::VehicleUpdated {}

impl ToNotifications for vehicle::VehicleWithdrawn {}

/// The booking is cancelled because of it; users are notified of the cancellation instead.
impl ToNotifications for vehicle::VehicleHoldLost {}

impl ToNotifications for booking::BookingRequested {
    fn messages(&self) -> Vec<Message> {
        if self.instant_book {
            let text = "바로 예약이 접수되어 승인되었습니다. 결제되면 확정됩니다.";
            return of_booking(self.booking.as_ref(), &[host], "새로운 바로 예약", text);
        }
        let deadline = proto_types::to_datetime(self.respond_by)
            .map(|at| format!(" {}까지 응답해 주세요.", moment(at)))
            .unwrap_or_default();
        let text = format!("예약 요청이 도착했습니다.{deadline}");
        let title = "새로운 예약 요청";
        of_booking(self.booking.as_ref(), &[host], title, &text)
    }
}

impl ToNotifications for booking::BookingApproved {
    fn messages(&self) -> Vec<Message> {
        let text = "예약을 호스트가 승인했습니다. 결제를 진행합니다.";
        let title = "예약이 승인되었습니다";
        of_booking(self.booking.as_ref(), &[guest], title, text)
    }
}

impl ToNotifications for booking::BookingRejected {
    fn messages(&self) -> Vec<Message> {
        let text = "예약을 호스트가 거절했습니다.";
        let title = "예약이 거절되었습니다";
        of_booking(self.booking.as_ref(), &[guest], title, text)
    }
}

impl ToNotifications for booking::BookingExpired {
    fn messages(&self) -> Vec<Message> {
        let text = "예약 요청이 응답 없이 만료되었습니다.";
        let title = "예약 요청이 만료되었습니다";
        of_booking(self.booking.as_ref(), &[guest, host], title, text)
    }
}

impl ToNotifications for booking::BookingConfirmed {
    fn messages(&self) -> Vec<Message> {
        let text = "예약이 확정되었습니다.";
        let title = "예약이 확정되었습니다";
        of_booking(self.booking.as_ref(), &[guest, host], title, text)
    }
}

impl ToNotifications for booking::BookingCancelled {
    fn messages(&self) -> Vec<Message> {
        use booking::CancellationReason as Reason;
        let reason = match self.reason() {
            Reason::Guest => "게스트의 요청으로",
            Reason::Host => "호스트의 요청으로",
            Reason::Expired => "호스트의 응답이 없어",
            Reason::PaymentFailed => "결제가 거절되어",
            Reason::PaymentOverdue => "기한 내에 결제되지 않아",
            Reason::HoldLost => "다른 예약이 먼저 접수되어",
            Reason::NoShow => "이용 시작 없이 대여 시간이 지나",
            Reason::Unspecified => "",
        };
        let text = format!("예약이 {reason} 취소되었습니다.");
        let title = "예약이 취소되었습니다";
        of_booking(self.booking.as_ref(), &[guest, host], title, &text)
    }
}

impl ToNotifications for booking::BookingCompensated {
    fn messages(&self) -> Vec<Message> {
        let until = proto_types::to_datetime(self.valid_until)
            .map(|at| format!(" {}까지", moment(at)))
            .unwrap_or_default();
        let (code, amount) = (&self.coupon_code, won(self.amount));
        let text = format!(
            "예약이 호스트의 사정으로 취소되어 {amount} 쿠폰({code})을 드립니다.{until} 다음 예약에 사용할 수 있습니다."
        );
        let title = "취소 보상 쿠폰이 발급되었습니다";
        let messages = of_booking(self.booking.as_ref(), &[guest], title, &text).into_iter();
        messages
            .map(|message| message.with("coupon_code", code))
            .collect()
    }
}

impl ToNotifications for booking::BookingStarted {
    fn messages(&self) -> Vec<Message> {
        let text = "대여가 시작되었습니다.";
        let title = "대여가 시작되었습니다";
        of_booking(self.booking.as_ref(), &[guest, host], title, text)
    }
}

impl ToNotifications for booking::BookingCompleted {
    fn messages(&self) -> Vec<Message> {
        let text = "대여가 완료되었습니다. 이용해 주셔서 감사합니다.";
        let title = "대여가 완료되었습니다";
        of_booking(self.booking.as_ref(), &[guest, host], title, text)
    }
}

impl ToNotifications for booking::ReviewPosted {
    fn messages(&self) -> Vec<Message> {
        let text = "이용에 대한 후기가 공개되었습니다. 확인하고 답글을 남겨 보세요.";
        of_review(
            self.review.as_ref(),
            |review| &review.reviewee_id,
            "새로운 후기가 등록되었습니다",
            text,
        )
    }
}

impl ToNotifications for booking::ReviewHidden {
    fn messages(&self) -> Vec<Message> {
        let text = "이용에 작성하신 후기가 운영 정책에 따라 숨겨졌습니다.";
        of_review(
            self.review.as_ref(),
            |review| &review.reviewer_id,
            "후기가 숨겨졌습니다",
            text,
        )
    }
}

impl ToNotifications for booking::ReviewRestored {
    fn messages(&self) -> Vec<Message> {
        let text = "이용에 작성하신 후기가 다시 공개되었습니다.";
        of_review(
            self.review.as_ref(),
            |review| &review.reviewer_id,
            "후기가 다시 공개되었습니다",
            text,
        )
    }
}

fn guest(facts: &BookingFacts) -> &str {
    &facts.guest_id
}

fn host(facts: &BookingFacts) -> &str {
    &facts.host_id
}

/// Returns a message for each recipient. Its body is a summary of the booking, then `text`.
fn of_booking(
    facts: Option<&BookingFacts>,
    recipients: &[Recipient],
    title: &str,
    text: &str,
) -> Vec<Message> {
    let facts = facts.cloned().unwrap_or_default();
    let message = |recipient: &Recipient| {
        Message::new(recipient(&facts), title, format!("{} {text}", summary(&facts)))
            .with("booking_id", &facts.booking_id)
            .with("vehicle_id", &facts.vehicle_id)
    };
    recipients.iter().map(message).collect()
}

/// Returns a message for one side of a reviewed booking.
fn of_review(
    facts: Option<&ReviewFacts>,
    recipient: fn(&ReviewFacts) -> &str,
    title: &str,
    text: &str,
) -> Vec<Message> {
    let facts = facts.cloned().unwrap_or_default();
    let booking = facts.booking.clone().unwrap_or_default();
    let message = Message::new(recipient(&facts), title, format!("{} {text}", summary(&booking)))
        .with("booking_id", &booking.booking_id)
        .with("vehicle_id", &booking.vehicle_id)
        .with("review_id", &facts.review_id);
    vec![message]
}

/// Returns `Genesis G80, 11월 23일 10:00 ~ 14:00`.
fn summary(facts: &BookingFacts) -> String {
    match (
        proto_types::to_datetime(facts.start_datetime),
        proto_types::to_datetime(facts.end_datetime),
    ) {
        (Some(start), Some(end)) => format!("{}, {}", facts.vehicle_title, period(start, end)),
        _ => facts.vehicle_title.clone(),
    }
}

#[cfg(test)]
mod tests;
