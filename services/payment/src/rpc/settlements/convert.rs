//! Conversions between messages and domain types.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::payment::v1 as pb;
use strum::VariantArray as _;

use crate::domain::settlement::{Settlement, State};
use crate::store::settlement_items::PaidItem;

pub(super) fn settlement(settlement: &Settlement) -> pb::Settlement {
    let transfer = settlement.transfer.as_ref();
    pb::Settlement {
        id: settlement.id.to_string(),
        host_id: settlement.host_id.to_string(),
        amount: settlement.amount_krw,
        payment_count: settlement.payment_count,
        status: status(settlement.state()).into(),
        transfer_reference: transfer.map(|transfer| transfer.reference.clone()),
        created_at: Some(timestamp(settlement.created_at)),
        paid_at: transfer.map(|transfer| timestamp(transfer.paid_at)),
    }
}

pub(super) fn item(item: &PaidItem) -> pb::SettlementItem {
    pb::SettlementItem {
        payment_id: item.payment_id.to_string(),
        booking_id: item.booking_id.to_string(),
        charge_id: item.charge_id.map(|id| id.to_string()),
        payment_amount: item.payment_krw,
        refunded_amount: item.refunded_krw,
        platform_fee: item.fee_krw,
        host_amount: item.settled_krw,
        amount: item.amount_krw,
    }
}

fn status(state: State) -> pb::SettlementStatus {
    match state {
        State::Created => pb::SettlementStatus::Created,
        State::Paid => pb::SettlementStatus::Paid,
    }
}

/// Returns the state with a status; `None` when it is not specified.
pub(super) fn state(of: pb::SettlementStatus) -> Option<State> {
    State::VARIANTS.iter().copied().find(|state| status(*state) == of)
}
