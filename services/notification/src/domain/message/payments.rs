//! Notifications about payments of the price of a booking.

use carshare_chassis::proto_types;
use carshare_proto::payment::v1 as payment;

use super::{Message, ToNotifications};
use crate::domain::time_format::{moment, won};

impl ToNotifications for payment::PaymentRequested {
    fn messages(&self) -> Vec<Message> {
        let until = proto_types::to_datetime(self.due_at)
            .map(|at| format!("{}까지 ", moment(at)))
            .unwrap_or_default();
        let effect = match self.charge_id {
            None => "예약이 확정됩니다",
            Some(_) => "예약이 변경됩니다",
        };
        let body = format!("{until}{}을 결제하면 {effect}.", won(self.amount));
        let message = Message::new(&self.guest_id, "결제가 필요합니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

impl ToNotifications for payment::PaymentCompleted {
    fn messages(&self) -> Vec<Message> {
        let body = format!("{}이 결제되었습니다.", won(self.amount));
        let message = Message::new(&self.guest_id, "결제가 완료되었습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

impl ToNotifications for payment::PaymentFailed {
    fn messages(&self) -> Vec<Message> {
        let body = "등록된 결제 수단으로 결제할 수 없었습니다. 결제 수단을 확인해 주세요.".to_owned();
        let message = Message::new(&self.guest_id, "결제에 실패했습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}

impl ToNotifications for payment::PaymentRefunded {
    fn messages(&self) -> Vec<Message> {
        let body = format!("{}이 환불되었습니다.", won(self.refunded_amount));
        let message = Message::new(&self.guest_id, "환불이 완료되었습니다", body);
        vec![message.of_payment(&self.booking_id, &self.payment_id)]
    }
}
