//! Notifications about settlements, to the host.

use carshare_proto::payment::v1 as payment;

use super::{Message, ToNotifications};
use crate::domain::time_format::won;

impl ToNotifications for payment::SettlementCreated {
    fn messages(&self) -> Vec<Message> {
        let body = format!(
            "결제 {}건의 정산금 {}이 확정되었습니다. 곧 계좌로 이체됩니다.",
            self.payment_count,
            won(self.amount)
        );
        let message = Message::new(&self.host_id, "정산금이 확정되었습니다", body);
        vec![message.with("settlement_id", &self.settlement_id)]
    }
}

impl ToNotifications for payment::SettlementPaid {
    fn messages(&self) -> Vec<Message> {
        let body = format!("정산금 {}이 계좌로 이체되었습니다.", won(self.amount));
        let message = Message::new(&self.host_id, "정산금이 지급되었습니다", body);
        vec![message.with("settlement_id", &self.settlement_id)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HOST: &str = "5b0e0000-0000-7000-8000-000000000001";

    fn message(title: &str, body: &str) -> Message {
        Message {
            user_id: HOST.to_owned(),
            title: title.to_owned(),
            body: body.to_owned(),
            data: BTreeMap::from([("settlement_id".to_owned(), "s".to_owned())]),
        }
    }

    #[test]
    fn settlements_go_to_the_host() {
        let created = payment::SettlementCreated {
            settlement_id: "s".to_owned(),
            host_id: HOST.to_owned(),
            amount: 76_500,
            payment_count: 2,
            created_at: None,
        };
        let expected = message(
            "정산금이 확정되었습니다",
            "결제 2건의 정산금 76,500원이 확정되었습니다. 곧 계좌로 이체됩니다.",
        );
        assert_eq!(created.messages(), [expected]);
        let paid = payment::SettlementPaid {
            settlement_id: "s".to_owned(),
            host_id: HOST.to_owned(),
            amount: 76_500,
            transfer_reference: "T-1".to_owned(),
            paid_at: None,
        };
        let expected = message(
            "정산금이 지급되었습니다",
            "정산금 76,500원이 계좌로 이체되었습니다.",
        );
        assert_eq!(paid.messages(), [expected]);
    }
}
